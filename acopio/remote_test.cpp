// Tests of where a command looks for the server, and of what it says of answers.
#include "acopio/remote.hpp"

#include "acopio/cli.hpp"

#include <gtest/gtest.h>

namespace acopio {
namespace {

class DirectoryTest : public testing::Test {
protected:
    DirectoryTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "acopio-remote-XXXXXX").string();
        EXPECT_NE(mkdtemp(pattern.data()), nullptr);
        path_ = pattern;
    }
    ~DirectoryTest() override { std::filesystem::remove_all(path_); }

    std::filesystem::path path_;
};

TEST_F(DirectoryTest, one_that_was_named_and_is_missing_is_said_and_is_a_wrong_command_line) {
    ServerOptions options;
    options.data = (path_ / "nothing").string();
    EXPECT_EQ(to_text(*address_of(options, Side::query)), "127.0.0.1:8001") << "nobody named it";
    options.data_given = true;
    const auto address = address_of(options, Side::query);
    ASSERT_FALSE(address);
    EXPECT_EQ(address.error().code, "data-directory-missing");
    EXPECT_EQ(exit_code_of(address.error()), exit_usage);
    options.address = "127.0.0.1:9";
    EXPECT_TRUE(address_of(options, Side::query)) << "the address alone is enough";
}

TEST_F(DirectoryTest, one_that_cannot_be_looked_into_is_said_whether_it_was_named_or_not) {
    std::filesystem::create_symlink(path_ / "loop", path_ / "loop");
    ServerOptions options;
    options.data = (path_ / "loop").string();
    for (const bool given : {false, true}) {
        options.data_given = given;
        const auto address = address_of(options, Side::intake);
        ASSERT_FALSE(address);
        EXPECT_EQ(address.error().code, "data-directory-unreadable");
        EXPECT_EQ(exit_code_of(address.error()), exit_usage);
    }
}

TEST_F(DirectoryTest, one_that_was_named_and_has_no_server_leads_nowhere_else) {
    ServerOptions options;
    options.data = path_.string();
    EXPECT_EQ(to_text(*address_of(options, Side::intake)), "127.0.0.1:8000");
    options.data_given = true;
    const auto address = address_of(options, Side::intake);
    ASSERT_FALSE(address);
    EXPECT_EQ(address.error().code, "server-not-running");
    EXPECT_EQ(exit_code_of(address.error()), exit_unavailable);
}

TEST(AnswersThatAreNoSuccess, OfTheOtherPortSayHowToNameTheRightOne) {
    const auto error =
        error_from(404, R"({"status":404,"code":"no-such-path","detail":"nothing is served at this path","mend":"see API.md"})");
    EXPECT_NE(error.message.find("--intake"), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("--query"), std::string::npos) << error.message;
}

}  // namespace
}  // namespace acopio

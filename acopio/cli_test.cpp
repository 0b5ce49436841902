// Tests of the command line: what is understood, what is not, and the exit codes.
#include "acopio/cli.hpp"

#include "acopio/event_log.hpp"
#include "acopio/files.hpp"
#include "acopio/query_parameters.hpp"
#include "acopio/remote.hpp"
#include "acopio/source_file.hpp"
#include "collector_query/domain/model_data_query.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

namespace acopio {
namespace {

bool understood(std::vector<std::string> words) {
    Cli cli;
    const auto app = make_app(cli);
    std::ranges::reverse(words);
    try {
        app->parse(words);
    } catch (const CLI::ParseError&) {
        return false;
    }
    return static_cast<bool>(cli.action);
}

std::filesystem::path fresh_directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "acopio-cli-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    return pattern;
}

TEST(CommandLine, UnderstandsEveryCommand) {
    EXPECT_TRUE(understood({"serve", "--data", "x", "--intake", "127.0.0.1:0", "--query", "[::1]:0", "--open"}));
    EXPECT_TRUE(understood({"center", "add", "st-mary", "--name", "St Mary"}));
    EXPECT_TRUE(understood({"center", "list", "--intake", "127.0.0.1:18000", "--json"}));
    EXPECT_TRUE(understood({"center", "revoke", "st-mary", "00112233445566ff"}));
    EXPECT_TRUE(understood({"send", "a.csv", "b.ndjson.gz", "--center", "st-mary", "--key-file", "k"}));
    EXPECT_TRUE(understood({"check", "-", "--type", "ndjson"}));
    EXPECT_TRUE(understood({"scorecard", "st-mary"}));
    EXPECT_TRUE(understood({"query", "modality=CT", "--body-part", "CHEST", "--sort=-score", "--limit", "5"}));
    EXPECT_TRUE(understood({"show", "0b2c", "--json"}));
    EXPECT_TRUE(understood({"token", "add", "--role", "researcher", "--name", "Ada"}));
    EXPECT_TRUE(understood({"rebuild", "--data", "x"}));
    EXPECT_TRUE(understood({"rebuild", "--data", "x", "--log", "pulsar://h:1/a/b", "--log-ca-file", "ca.pem"}));
    EXPECT_TRUE(understood({"serve", "--log", "pulsar://h:1", "--log-admin", "http://h:2", "--log-token-file", "t"}));
    EXPECT_TRUE(understood({"log", "init", "--log", "pulsar://h:1", "--partitions", "4"}));
    EXPECT_TRUE(understood({"log", "check", "--log", "pulsar+ssl://h:1/a/b", "--log-ca-file", "ca.pem", "--json"}));
    EXPECT_TRUE(understood({"completion", "bash"}));
}

TEST(CommandLine, RefusesWhatItDoesNotKnow) {
    EXPECT_FALSE(understood({}));
    EXPECT_FALSE(understood({"serv"}));
    EXPECT_FALSE(understood({"serve", "--intake", "nowhere"}));
    EXPECT_FALSE(understood({"serve", "--port", "80"}));
    EXPECT_FALSE(understood({"center"}));
    EXPECT_FALSE(understood({"center", "add"}));
    EXPECT_FALSE(understood({"query", "--limit", "0"}));
    EXPECT_FALSE(understood({"log"}));
    EXPECT_FALSE(understood({"log", "init", "--partitions", "0"}));
    EXPECT_FALSE(understood({"token", "add", "--role", "king", "--name", "x"}));
}

TEST(CommandLine, EachCommandHasHelpWithExamples) {
    Cli cli;
    const auto app = make_app(cli);
    for (const auto* command : app->get_subcommands([](const CLI::App*) { return true; })) {
        const auto footer = command->get_footer();
        EXPECT_TRUE(footer.starts_with("Examples:")) << command->get_name();
        EXPECT_FALSE(command->get_description().empty()) << command->get_name();
    }
}

TEST(CommandLine, FiltersAreThoseOfTheReadSide) {
    for (const auto& filter : query_filters)
        EXPECT_NE(collector_query::domain::allowed_parameters().find(filter.name), std::string::npos) << filter.name;
}

TEST(ExitCodes, OfWhatWasWrittenWrongIsUsage) {
    EXPECT_EQ(exit_code_of(address_from_text("nowhere").error()), exit_usage);
    EXPECT_EQ(exit_code_of(address_from_text("https://x:1").error()), exit_usage);
    EXPECT_EQ(exit_code_of(file_type_of("a.txt", "").error()), exit_usage);
}

TEST(NewSecretFile, NeverOverwritesAndGoesAwayUnlessItWasWritten) {
    const auto directory = fresh_directory();
    const auto path = directory / "st-mary.key";
    {
        ASSERT_TRUE(NewSecretFile::make(path));
    }
    EXPECT_FALSE(std::filesystem::exists(path));
    {
        auto file = NewSecretFile::make(path);
        ASSERT_TRUE(file);
        ASSERT_TRUE(file->write("ack_1\n"));
    }
    struct stat info{};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0600u);
    const auto again = NewSecretFile::make(path);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, "file-exists");
    EXPECT_EQ(*read_secret_file(path), "ack_1");
    std::filesystem::create_symlink("elsewhere", directory / "link");
    EXPECT_FALSE(NewSecretFile::make(directory / "link"));
    std::filesystem::remove_all(directory);
}

TEST(Rubric, ThatIsBrokenNamesItsFile) {
    const auto directory = fresh_directory();
    ASSERT_TRUE(write_secret_file(directory / "mine.json", "{"));
    const auto rubric = read_rubric(directory / "mine.json");
    ASSERT_FALSE(rubric);
    EXPECT_NE(rubric.error().message.find("mine.json"), std::string::npos);
    std::filesystem::remove_all(directory);
}

TEST(SourceFile, ADirectoryIsNamedAsOne) {
    const auto directory = fresh_directory();
    const auto source = SourceFile::open(directory.string());
    ASSERT_FALSE(source);
    EXPECT_EQ(source.error().code, "file-is-directory");
    std::filesystem::remove_all(directory);
}

TEST(ExitCodes, FollowTheKindOfError) {
    using enum kernel::ErrorKind;
    EXPECT_EQ(exit_code_of(incorrect), 1);
    EXPECT_EQ(exit_code_of(not_found), 1);
    EXPECT_EQ(exit_code_of(conflict), 1);
    EXPECT_EQ(exit_code_of(fault), 1);
    EXPECT_EQ(exit_code_of(busy), 3);
    EXPECT_EQ(exit_code_of(unavailable), 3);
    EXPECT_EQ(exit_code_of(interrupted), 3);
    EXPECT_EQ(exit_code_of(forbidden), 4);
}

TEST(Filters, AreNameEqualsValue) {
    const auto parameters = parameters_from({"modality=CT", "record_id=a=b"});
    ASSERT_TRUE(parameters);
    EXPECT_EQ(query_text(*parameters), "?modality=CT&record_id=a%3Db");
    EXPECT_FALSE(parameters_from({"modality"}));
    EXPECT_FALSE(parameters_from({"=CT"}));
    EXPECT_EQ(query_text({}), "");
    auto paged = *parameters_from({"limit=3", "modality=CT", "limit=5"});
    EXPECT_EQ(taken(paged, "limit"), "5");
    EXPECT_EQ(taken(paged, "limit"), std::nullopt);
    EXPECT_EQ(query_text(paged), "?modality=CT");
    EXPECT_EQ(percent_encoded("St Mary/ö?"), "St%20Mary%2F%C3%B6%3F");
    EXPECT_EQ(option_name("study_date_from"), "--study-date-from");
}

TEST(FileTypes, AreKnownByTheirEnding) {
    EXPECT_EQ(*file_type_of("a.json", ""), (FileType{.format = Format::json, .packing = Packing::none}));
    EXPECT_EQ(*file_type_of("x/a.ndjson.gz", ""), (FileType{.format = Format::ndjson, .packing = Packing::gzip}));
    EXPECT_EQ(*file_type_of("a.jsonl", ""), (FileType{.format = Format::ndjson, .packing = Packing::none}));
    EXPECT_EQ(*file_type_of("a.csv.zst", ""), (FileType{.format = Format::csv, .packing = Packing::zstd}));
    EXPECT_EQ(*file_type_of("-", "csv.gz"), (FileType{.format = Format::csv, .packing = Packing::gzip}));
    EXPECT_EQ(*file_type_of("a.txt", "ndjson"), (FileType{.format = Format::ndjson, .packing = Packing::none}));
    for (const auto* name : {"-", "a.txt", "a.gz", "csv", ""}) EXPECT_FALSE(file_type_of(name, "")) << name;
    EXPECT_FALSE(file_type_of("a.csv", "xml"));
}

TEST(OperatorToken, IsMadeOnceAndOnlyItsOwnerMayReadIt) {
    const auto path = fresh_directory() / "data";
    const auto directory = make_data_directory(path);
    ASSERT_TRUE(directory);
    struct stat info{};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0700u);
    const auto first = operator_token_of(*directory);
    const auto second = operator_token_of(*directory);
    ASSERT_TRUE(first);
    ASSERT_TRUE(second);
    EXPECT_TRUE(first->created);
    EXPECT_FALSE(second->created);
    EXPECT_EQ(first->token, second->token);
    EXPECT_TRUE(first->token.starts_with("aco_"));
    EXPECT_EQ(first->token.size(), 52u);
    ASSERT_EQ(stat(directory->operator_token().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0600u);
    std::filesystem::remove_all(path.parent_path());
}

TEST(EventLog, OfPulsarIsNamedByItsAddress) {
    LogOptions options{.address = "pulsar://broker:6650/hospital/records", .admin = "", .token_file = "", .ca_file = ""};
    auto parsed = pulsar_options(options);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->tenant + "/" + parsed->name_space, "hospital/records");
    EXPECT_EQ(parsed->topics, (std::vector<std::string>{"raw-data", "collected-data", "data-centers"}));
    EXPECT_EQ(parsed->admin.url, "http://broker:8080");
    EXPECT_EQ(name_of(options), "the log hospital/records at pulsar://broker:6650");
    options = {.address = "pulsar+ssl://a:6651,b:6651", .admin = "https://c:1/", .token_file = "", .ca_file = "ca.pem"};
    parsed = pulsar_options(options);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->tenant + "/" + parsed->name_space, "acopio/collection");
    EXPECT_EQ(parsed->admin.url, "https://c:1");
    EXPECT_EQ(parsed->admin.ca_file, "ca.pem");
    EXPECT_EQ(parsed->client.tls.ca_file, "ca.pem");
    EXPECT_EQ(name_of({}), "log.db");
    options = {.address = "http://broker", .admin = "", .token_file = "", .ca_file = ""};
    EXPECT_EQ(exit_code_of(pulsar_options(options).error()), exit_usage);
}

TEST(EventLog, HasItsAdminInterfaceAtTheHostOfTheLog) {
    EXPECT_EQ(admin_url_of("pulsar://broker:6650"), "http://broker:8080");
    EXPECT_EQ(admin_url_of("pulsar://broker"), "http://broker:8080");
    EXPECT_EQ(admin_url_of("pulsar+ssl://a:6651,b:6651"), "https://a:8443");
    EXPECT_EQ(admin_url_of("pulsar://[::1]:6650"), "http://[::1]:8080");
    EXPECT_EQ(admin_url_of("pulsar://[::1]"), "http://[::1]:8080");
}

TEST(EventLog, ThatIsNotReachedIsNamedWithWhatToDo) {
    const LogOptions log{.address = "pulsar+ssl://a:6651,b:6651/hospital/records", .admin = "", .token_file = "", .ca_file = ""};
    const auto said = [&](const char* code) { return with_log_options({kernel::ErrorKind::unavailable, code, "no"}, log).message; };
    EXPECT_EQ(said("pulsar-connect"), "Pulsar at a:6651,b:6651 (--log): no. Does Pulsar run there?");
    EXPECT_EQ(said("pulsar-connect-timeout"), said("pulsar-connect"));
    EXPECT_EQ(said("pulsar-protocol"),
              "Pulsar at a:6651,b:6651 (--log): no. Is this Pulsar's binary port (6650), and not its admin interface's (8080)?");
    for (const auto* code : {"pulsar-resolve", "pulsar-timeout", "pulsar-tls-handshake", "pulsar-tls-certificate", "pulsar-authentication",
                             "pulsar-authentication-error"})
        EXPECT_TRUE(said(code).starts_with("Pulsar at a:6651,b:6651 (--log): no. ")) << code;
    EXPECT_NE(said("pulsar-authentication-error").find("--log-token-file"), std::string::npos);
    EXPECT_NE(said("pulsar-tls-unknown-ca").find("--log-ca-file"), std::string::npos);
    EXPECT_EQ(said("pulsar-connected"), "no");
    EXPECT_EQ(said("disk-full"), "no");
}

TEST(EventLog, OfADirectoryIsAlwaysTheSame) {
    const auto path = fresh_directory();
    const DataDirectory directory{path};
    const LogOptions pulsar{.address = "pulsar://127.0.0.1:1", .admin = "http://127.0.0.1:1", .token_file = "", .ca_file = ""};
    EXPECT_EQ(open_log(directory, pulsar).error().code, "pulsar-admin-not-reached");
    ASSERT_TRUE(write_secret_file(path / "log.json", R"({"log":"acopio/collection at pulsar://127.0.0.1:1","id":"00ff"})"));
    const auto foreign = open_log(directory, {});
    ASSERT_FALSE(foreign);
    EXPECT_EQ(foreign.error().code, "log-foreign");
    EXPECT_NE(foreign.error().message.find("acopio/collection at pulsar://127.0.0.1:1. Name it with --log"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(directory.log())) << "a refusal leaves nothing behind";
    ASSERT_TRUE(write_secret_file(path / "log.json", "{}"));
    EXPECT_EQ(open_log(directory, {}).error().code, "log-unknown");
    std::filesystem::remove(path / "log.json");
    {
        const auto embedded = open_log(directory, {});
        ASSERT_TRUE(embedded);
        EXPECT_EQ(open_log(directory, pulsar).error().code, "log-in-use");
    }
    EXPECT_EQ(open_log(directory, pulsar).error().code, "log-foreign");
    std::filesystem::remove_all(path);
}

TEST(DataDirectory, IsOneWithOrWithoutALogOfItsOwn) {
    const auto path = fresh_directory();
    EXPECT_FALSE(existing_data_directory(path));
    ASSERT_TRUE(write_secret_file(path / "db_access.db", ""));
    EXPECT_TRUE(existing_data_directory(path));
    std::filesystem::remove_all(path);
}

TEST(DataDirectory, ThatWasNeverServedIsNotFound) {
    const auto directory = existing_data_directory("no/such/directory");
    ASSERT_FALSE(directory);
    EXPECT_EQ(directory.error().kind, kernel::ErrorKind::not_found);
}

TEST(ServerOptions, FindTheServerByItsDataDirectory) {
    const auto path = fresh_directory();
    ServerOptions options;
    options.data = path.string();
    EXPECT_EQ(to_text(*address_of(options, Side::intake)), "127.0.0.1:8000");
    ASSERT_TRUE(write_secret_file(path / "addresses.json", R"({"intake":"http://127.0.0.1:18123","query":"http://127.0.0.1:18124"})"));
    EXPECT_EQ(to_text(*address_of(options, Side::query)), "127.0.0.1:18124");
    options.address = "10.0.0.7:80";
    EXPECT_EQ(to_text(*address_of(options, Side::query)), "10.0.0.7:80");
    std::filesystem::remove_all(path);
}

TEST(ServerOptions, KeepTheOperatorsTokenOnThisMachine) {
    const auto path = fresh_directory();
    ASSERT_TRUE(write_secret_file(path / "operator.token", "aco_1\n"));
    ServerOptions options;
    options.data = path.string();
    EXPECT_EQ(*token_of(options, {.host = "127.0.0.1", .port = 1}), "aco_1");
    EXPECT_EQ(*token_of(options, {.host = "intake.example.org", .port = 1}), "");
    options.token = "acr_2";
    EXPECT_EQ(*token_of(options, {.host = "intake.example.org", .port = 1}), "acr_2");
    std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace acopio

// Tests of addresses as people write them.
#include "acopio/address.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace acopio {
namespace {

Address read(std::string_view text) {
    const auto address = address_from_text(text);
    EXPECT_TRUE(address) << text;
    return address ? *address : Address{};
}

TEST(AddressText, IsReadInTheWaysPeopleWriteIt) {
    EXPECT_EQ(read("127.0.0.1:8000"), (Address{.host = "127.0.0.1", .port = 8000}));
    EXPECT_EQ(read("[::1]:8000"), (Address{.host = "::1", .port = 8000}));
    EXPECT_EQ(read("localhost:0"), (Address{.host = "localhost", .port = 0}));
    EXPECT_EQ(read(":8000"), (Address{.host = "127.0.0.1", .port = 8000}));
    EXPECT_EQ(read("8000"), (Address{.host = "127.0.0.1", .port = 8000}));
    EXPECT_EQ(read("http://intake.example.org:80/"), (Address{.host = "intake.example.org", .port = 80}));
}

TEST(AddressText, IsRefusedWhenItCannotBe) {
    for (const auto* text : {"", "localhost", "localhost:", "localhost:65536", "localhost:-1", "localhost:80x", "a b:80", "[::1]", "[]:80",
                             "::1:8000", "host/path:80", "user@host:80"})
        EXPECT_FALSE(address_from_text(text)) << text;
}

TEST(AddressText, SaysThatThereIsNoTls) {
    const auto address = address_from_text("https://intake.example.org:443");
    ASSERT_FALSE(address);
    EXPECT_EQ(address.error().code, "no-tls");
}

TEST(AddressText, IsReadBackAsItWasWritten) {
    EXPECT_TRUE(rc::check("text and back", [](std::uint16_t port) {
        for (const auto* host : {"127.0.0.1", "::1", "db-1.example.org"}) {
            const Address address{.host = host, .port = port};
            RC_ASSERT(*address_from_text(to_text(address)) == address);
        }
    }));
}

TEST(AddressText, NeverBreaksOnAnyText) {
    EXPECT_TRUE(rc::check("an address or an error", [](const std::string& text) {
        const auto address = address_from_text(text);
        RC_ASSERT((!address || !address->host.empty()));
    }));
}

TEST(Loopback, IsOnlyThisMachine) {
    for (const auto* host : {"127.0.0.1", "127.8.9.10", "::1", "localhost"}) EXPECT_TRUE(is_loopback(host)) << host;
    for (const auto* host : {"0.0.0.0", "::", "10.0.0.1", "127.evil.example", "127.0.0.1.example.org", "localhost.example", ""})
        EXPECT_FALSE(is_loopback(host)) << host;
}

}  // namespace
}  // namespace acopio

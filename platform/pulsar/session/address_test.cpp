#include "platform/pulsar/session/types.hpp"

#include <gtest/gtest.h>

namespace platform::pulsar::session {
namespace {

TEST(Address, urls_are_read) {
    const auto plain = address_from("pulsar://broker-0.example");
    ASSERT_TRUE(plain);
    EXPECT_EQ(*plain, (Address{.host = "broker-0.example", .port = 6650, .tls = false}));
    EXPECT_EQ(*address_from("pulsar+ssl://broker"), (Address{.host = "broker", .port = 6651, .tls = true}));
    EXPECT_EQ(*address_from("pulsar://127.0.0.1:45675"), (Address{.host = "127.0.0.1", .port = 45675, .tls = false}));
    EXPECT_EQ(*address_from("pulsar://broker:6650/"), (Address{.host = "broker", .port = 6650, .tls = false}));
    EXPECT_EQ(*address_from("pulsar://[::1]:7000"), (Address{.host = "::1", .port = 7000, .tls = false}));
    EXPECT_EQ(*address_from("pulsar+ssl://[2001:db8::7]"), (Address{.host = "2001:db8::7", .port = 6651, .tls = true}));
    EXPECT_EQ(address_from("pulsar://broker:65535")->port, 65535);
}

TEST(Address, what_is_no_address_is_refused) {
    for (const std::string url : {"",
                                  "broker:6650",
                                  "http://broker:8080",
                                  "pulsar://",
                                  "pulsar:///",
                                  "pulsar://:6650",
                                  "pulsar://broker:",
                                  "pulsar://broker:0",
                                  "pulsar://broker:65536",
                                  "pulsar://broker:99999999999999999999",
                                  "pulsar://broker:-1",
                                  "pulsar://broker:+1",
                                  "pulsar://broker:66x",
                                  "pulsar://broker:6650//",
                                  "pulsar://broker/path:6650",
                                  "pulsar://user@broker:6650",
                                  "pulsar://a b:6650",
                                  "pulsar://a\n:6650",
                                  "pulsar://::1",
                                  "pulsar://::1:6650",
                                  "pulsar://[::1",
                                  "pulsar://[]:6650",
                                  "pulsar://[::1]6650",
                                  "pulsar://[::1]:",
                                  "pulsar://[[::1]]:6650",
                                  "pulsar://a:1,b:2"}) {
        const auto address = address_from(url);
        EXPECT_FALSE(address) << url;
        if (!address) EXPECT_EQ(address.error().code, "pulsar-url") << url;
    }
    EXPECT_FALSE(address_from("pulsar://" + std::string(254, 'a')));
    EXPECT_FALSE(address_from("pulsar://" + std::string(100'000, ':')));
}

TEST(Address, text_of_an_address_is_a_url_again) {
    for (const std::string text : {"broker:6650", "127.0.0.1:1", "[::1]:6650"}) EXPECT_EQ(to_text(*address_from("pulsar://" + text)), text);
}

}  // namespace
}  // namespace platform::pulsar::session

// What a broker seldom does, from a small server that answers as it is told.
#include "platform/pulsar/admin/admin.hpp"

#include "platform/pulsar/admin/rest.hpp"

#include <gmock/gmock.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <functional>
#include <mutex>
#include <thread>

namespace platform::pulsar::admin {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string answer(int status, const std::string& body, const std::string& type = "application/json", const std::string& further = "") {
    return "HTTP/1.1 " + std::to_string(status) + " Words\r\nContent-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + further + "\r\n" + body;
}

// Answers each connection's one request; `said` gives what.
class FakeAdmin {
public:
    explicit FakeAdmin(std::function<std::string(const std::string& request)> said) : said_(std::move(said)) {
        thread_ = std::jthread([this](const std::stop_token& stop) {
            while (!stop.stop_requested()) serve(stop);
        });
    }
    ~FakeAdmin() {
        thread_.request_stop();
        boost::asio::io_context io;
        boost::asio::ip::tcp::socket last(io);
        boost::system::error_code ignored;
        last.connect(acceptor_.local_endpoint(), ignored);
    }
    FakeAdmin(const FakeAdmin&) = delete;
    FakeAdmin& operator=(const FakeAdmin&) = delete;

    std::string url() { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }

private:
    void serve(const std::stop_token& stop) {
        boost::system::error_code failed;
        auto socket = acceptor_.accept(failed);
        if (failed || stop.stop_requested()) return;
        std::array<char, 8192> bytes{};
        const auto count = socket.read_some(boost::asio::buffer(bytes), failed);
        boost::asio::write(socket, boost::asio::buffer(said_(std::string(bytes.data(), count))), failed);
    }

    std::function<std::string(const std::string&)> said_;
    boost::asio::io_context io_;
    boost::asio::ip::tcp::acceptor acceptor_{io_, {boost::asio::ip::make_address("127.0.0.1"), 0}};
    std::jthread thread_;
};

kernel::Error error_of(const std::string& said) {
    FakeAdmin server([&](const std::string&) { return said; });
    return check({.url = server.url()}, {.topics = {"raw-data"}}).error();
}

TEST(Admin, what_is_no_answer_of_pulsar_is_said) {
    for (const auto& said : {answer(404, "<html>not here</html>", "text/html"), answer(200, "hello", "text/plain"), answer(200, "[1]"),
                             answer(200, "{"), answer(412, R"({"reason":"Namespace name is not valid"})"),
                             answer(302, "", "text/plain", "Location: nowhere\r\n"), answer(307, "", "text/plain")}) {
        const auto error = error_of(said);
        EXPECT_EQ(error.code, "pulsar-admin-answer") << said << error.message;
        EXPECT_EQ(error.kind, kernel::ErrorKind::unsupported);
    }
}

TEST(Admin, a_refusal_says_which_request_and_what_to_do) {
    for (const int status : {401, 403}) {
        const auto error = error_of(answer(status, R"({"reason":"Unauthorized to validateNamespacePolicyOperation"})"));
        EXPECT_EQ(error.code, "pulsar-admin-refused");
        EXPECT_EQ(error.kind, kernel::ErrorKind::forbidden);
        EXPECT_THAT(error.message, AllOf(HasSubstr("GET /admin/v2/namespaces/acopio/collection"), HasSubstr("Unauthorized to"),
                                         HasSubstr("Give a token that may administer the tenant")));
    }
}

TEST(Admin, a_broker_in_trouble_or_none_is_unavailable) {
    for (const auto& said :
         {answer(500, R"({"reason":"Metadata store"})"), answer(503, "", "text/html"), answer(429, ""), std::string("HT")}) {
        const auto error = error_of(said);
        EXPECT_EQ(error.code, "pulsar-admin-not-reached") << said;
        EXPECT_EQ(error.kind, kernel::ErrorKind::unavailable);
    }
    std::string gone;
    {
        FakeAdmin server([](const std::string&) { return std::string(); });
        gone = server.url();
    }
    const auto error = check({.url = gone}, {}).error();
    EXPECT_EQ(error.code, "pulsar-admin-not-reached");
    EXPECT_THAT(error.message, HasSubstr(gone));
}

TEST(Admin, a_token_is_asked_for_anew_for_each_request_and_sent) {
    std::mutex mutex;
    std::vector<std::string> requests;
    FakeAdmin server([&](const std::string& request) {
        const std::lock_guard lock(mutex);
        requests.push_back(request);
        return answer(404, R"({"reason":"does not exist"})");
    });
    int asked = 0;
    const auto found =
        check({.url = server.url(), .token = [&] { return kernel::Result<std::string>("t" + std::to_string(++asked)); }}, {});
    EXPECT_EQ(found.error().code, "log-not-made");
    const std::lock_guard lock(mutex);
    ASSERT_EQ(requests.size(), 2U);
    EXPECT_THAT(requests[0], HasSubstr("Authorization: Bearer t1\r\n"));
    EXPECT_THAT(requests[1], HasSubstr("Authorization: Bearer t2\r\n"));
}

TEST(Admin, a_token_that_cannot_be_had_ends_it) {
    const kernel::Error none{kernel::ErrorKind::unavailable, "pulsar-token", "no file"};
    EXPECT_EQ(check({.url = "http://127.0.0.1:1", .token = [&] { return kernel::Result<std::string>(none); }}, {}).error().code,
              "pulsar-token");
    EXPECT_EQ(check({.url = "http://127.0.0.1:1", .token = [&] { return kernel::Result<std::string>("a\r\nb"); }}, {}).error().kind,
              kernel::ErrorKind::incorrect);
}

TEST(Admin, a_broker_that_sends_to_another_is_followed) {
    FakeAdmin owner([](const std::string& request) {
        return request.starts_with("GET /admin/v2/tenants/acopio?x=1 ") ? answer(200, R"({"allowedClusters":["one"]})")
                                                                        : answer(404, R"({"reason":"no"})");
    });
    FakeAdmin first([&](const std::string& request) {
        const std::string at =
            request.starts_with("GET /admin/v2/tenants/acopio ") ? "/admin/v2/tenants/acopio?x=1" : "/admin/v2/namespaces/a/b";
        return answer(307, "", "text/plain", "Location: " + owner.url() + at + "\r\n");
    });
    const auto error = check({.url = first.url()}, {}).error();
    EXPECT_EQ(error.code, "log-not-made");
    EXPECT_THAT(error.message, HasSubstr("missing: the namespace"));
}

TEST(Admin, a_broker_that_has_just_started_and_names_no_cluster_is_asked_again) {
    int asked = 0;
    bool made = false;
    FakeAdmin server([&](const std::string& request) {
        if (request.starts_with("GET /admin/v2/clusters ")) return answer(200, ++asked < 3 ? "[]" : R"(["global","one"])");
        if (request.starts_with("PUT /admin/v2/tenants/acopio ")) {
            made = request.ends_with(R"({"adminRoles":[],"allowedClusters":["one"]})");
            return answer(500, R"({"reason":"enough"})");
        }
        return answer(404, R"({"reason":"no"})");
    });
    EXPECT_EQ(init({.url = server.url()}, {}).error().code, "pulsar-admin-not-reached");
    EXPECT_EQ(asked, 3);
    EXPECT_TRUE(made);
}

TEST(Admin, names_that_are_none_and_addresses_that_are_none_are_refused_before_anything_is_asked) {
    EXPECT_EQ(check({.url = "http://127.0.0.1:1"}, {.tenant = "a/b"}).error().code, "log-name");
    EXPECT_EQ(check({.url = "http://127.0.0.1:1"}, {.name_space = ""}).error().code, "log-name");
    EXPECT_EQ(check({.url = "http://127.0.0.1:1"}, {.topics = {"a b"}}).error().code, "log-name");
    for (const auto* url :
         {"", "host:8080", "ftp://host", "http://", "http://host:", "http://host:0", "http://host:70000", "http://host:80x", "http://[::1",
          "http://ho st", "http://a@b", "http://host/path", "http://a,b", "http://host:1\r\nX: y"})
        EXPECT_EQ(check({.url = url}, {}).error().code, "pulsar-admin-url") << url;
}

TEST(Admin, an_address_has_its_usual_port_when_it_names_none) {
    EXPECT_EQ(place_from("http://host")->port, 8080);
    EXPECT_EQ(place_from("https://host")->port, 8443);
    EXPECT_TRUE(place_from("https://host:1/a?b=c")->tls);
    EXPECT_EQ(place_from("https://host:1/a?b=c")->target, "/a?b=c");
    EXPECT_EQ(place_from("http://[::1]:81/")->host, "::1");
    EXPECT_EQ(place_from("http://[::1]:81/")->port, 81);
}

}  // namespace
}  // namespace platform::pulsar::admin

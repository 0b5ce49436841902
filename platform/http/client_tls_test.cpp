// The client over TLS, against a small server with certificates that are made here.
#include "platform/http/client.hpp"

#include <gmock/gmock.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include <unistd.h>

namespace platform::http {
namespace {

namespace ssl = boost::asio::ssl;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

constexpr long day_seconds = 24L * 60 * 60;

struct Identity {
    Key key{EVP_EC_gen("P-256"), EVP_PKEY_free};
    Certificate certificate{X509_new(), X509_free};
};

void extend(X509* certificate, int what, const std::string& value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

// For `names` ("DNS:localhost"), or an authority when there are none; signed by `by`, or by itself.
Identity identity(const std::string& names, const Identity* by, long from_seconds = -day_seconds, long to_seconds = day_seconds) {
    Identity made;
    X509* const certificate = made.certificate.get();
    X509_set_version(certificate, X509_VERSION_3);
    static long number = 0;
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++number);
    X509_gmtime_adj(X509_getm_notBefore(certificate), from_seconds);
    X509_gmtime_adj(X509_getm_notAfter(certificate), to_seconds);
    const std::string name = by ? "server" : "authority " + std::to_string(number);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.c_str()),
                               -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(by ? by->certificate.get() : certificate));
    X509_set_pubkey(certificate, made.key.get());
    extend(certificate, NID_basic_constraints, by ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (by) extend(certificate, NID_subject_alt_name, names);
    X509_sign(certificate, by ? by->key.get() : made.key.get(), EVP_sha256());
    return made;
}

// Serves one connection: a handshake, a request, an answer.
class Server {
public:
    explicit Server(const Identity& identity, int version_max = TLS1_3_VERSION) : context_(ssl::context::tls_server) {
        SSL_CTX* const native = context_.native_handle();
        SSL_CTX_use_certificate(native, identity.certificate.get());
        SSL_CTX_use_PrivateKey(native, identity.key.get());
        SSL_CTX_set_security_level(native, 0);
        SSL_CTX_set_min_proto_version(native, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(native, version_max);
        thread_ = std::jthread([this] { serve(); });
    }
    std::uint16_t port() { return acceptor_.local_endpoint().port(); }
    // What came; "" when the handshake failed. Once.
    std::string request() {
        thread_.join();
        return request_;
    }
    std::string named() const { return named_; }  // by SNI

private:
    void serve() {
        boost::system::error_code failed;
        boost::asio::ip::tcp::socket socket = acceptor_.accept(failed);
        ssl::stream<boost::asio::ip::tcp::socket&> stream(socket, context_);
        stream.handshake(ssl::stream_base::server, failed);
        if (failed) return;
        if (const char* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name)) named_ = name;
        std::array<char, 4096> bytes{};
        const auto count = stream.read_some(boost::asio::buffer(bytes), failed);
        request_.assign(bytes.data(), count);
        boost::asio::write(stream, boost::asio::buffer(std::string("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")), failed);
        stream.shutdown(failed);
    }

    boost::asio::io_context io_;
    boost::asio::ip::tcp::acceptor acceptor_{io_, {boost::asio::ip::make_address("127.0.0.1"), 0}};
    ssl::context context_;
    std::string request_, named_;
    std::jthread thread_;
};

class ClientTlsTest : public testing::Test {
protected:
    ClientTlsTest() {
        std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(ca_file_.c_str(), "w"), std::fclose);
        PEM_write_X509(file.get(), authority_.certificate.get());
    }
    ~ClientTlsTest() override { std::filesystem::remove(ca_file_); }

    kernel::Result<Reply> get(Server& server, const std::string& host = "localhost", const std::string& ca_file = "") {
        Client client(host, server.port(), {.tls = ClientTls{.ca_file = ca_file.empty() ? ca_file_ : ca_file}});
        return client.request("GET", "/thing", {{"X-Name", "one"}});
    }
    kernel::Error refused(const Identity& identity, int version_max = TLS1_3_VERSION) {
        Server server(identity, version_max);
        auto reply = get(server);
        EXPECT_EQ(server.request(), "") << "a request was sent to a server that is not trusted";
        return reply ? kernel::Error{kernel::ErrorKind::fault, "accepted", ""} : reply.error();
    }

    const Identity authority_ = identity("", nullptr);
    const std::string ca_file_ =
        std::filesystem::temp_directory_path() /
        ("acopio-client-tls-" + std::to_string(::getpid()) + "-" + testing::UnitTest::GetInstance()->current_test_info()->name() + ".pem");
};

TEST_F(ClientTlsTest, a_server_with_a_good_certificate_is_asked_and_told_its_name) {
    Server server(identity("DNS:localhost", &authority_));
    const auto reply = get(server);
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, "hello");
    EXPECT_THAT(server.request(), testing::HasSubstr("GET /thing HTTP/1.1\r\n"));
    EXPECT_EQ(server.named(), "localhost");
}

TEST_F(ClientTlsTest, an_address_is_looked_for_among_the_addresses_of_the_certificate) {
    Server server(identity("IP:127.0.0.1", &authority_));
    const auto reply = get(server, "127.0.0.1");
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_THAT(server.request(), testing::HasSubstr("GET /thing"));
    EXPECT_EQ(server.named(), "");
}

TEST_F(ClientTlsTest, tls_1_2_is_enough_and_1_1_is_not) {
    const auto good = identity("DNS:localhost", &authority_);
    Server server(good, TLS1_2_VERSION);
    EXPECT_TRUE(get(server));
    const auto error = refused(good, TLS1_1_VERSION);
    EXPECT_EQ(error.code, "tls-handshake");
    EXPECT_EQ(error.kind, kernel::ErrorKind::unavailable);
}

TEST_F(ClientTlsTest, a_certificate_that_is_not_good_is_refused_and_nothing_is_sent) {
    const auto other_authority = identity("", nullptr);
    const std::vector<std::pair<std::string, Identity>> bad = [&] {
        std::vector<std::pair<std::string, Identity>> all;
        all.emplace_back("tls-name", identity("DNS:example.org", &authority_));
        all.emplace_back("tls-expired", identity("DNS:localhost", &authority_, -2 * day_seconds, -day_seconds));
        all.emplace_back("tls-not-yet-valid", identity("DNS:localhost", &authority_, day_seconds, 2 * day_seconds));
        all.emplace_back("tls-unknown-ca", identity("DNS:localhost", &other_authority));
        all.emplace_back("tls-unknown-ca", identity("", nullptr));
        return all;
    }();
    for (const auto& [code, one] : bad) {
        const auto error = refused(one);
        EXPECT_EQ(error.code, code);
        EXPECT_EQ(error.kind, kernel::ErrorKind::forbidden);
    }
}

TEST_F(ClientTlsTest, the_systems_store_does_not_know_the_authority_of_a_test) {
    Server server(identity("DNS:localhost", &authority_));
    Client client("localhost", server.port(), {.tls = ClientTls{}});
    const auto reply = client.request("GET", "/thing", {});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, "tls-unknown-ca");
}

TEST_F(ClientTlsTest, a_file_of_authorities_that_is_none_is_named_before_anything_is_dialled) {
    std::ofstream(ca_file_) << "no certificate";
    for (const auto& file : {ca_file_, ca_file_ + ".missing"}) {
        Client client("localhost", 1, {.tls = ClientTls{.ca_file = file}});
        const auto reply = client.request("GET", "/thing", {});
        ASSERT_FALSE(reply);
        EXPECT_EQ(reply.error().code, "tls-ca-file");
        EXPECT_THAT(reply.error().message, testing::HasSubstr(file));
    }
}

TEST_F(ClientTlsTest, a_server_without_tls_is_no_server_with_it) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::acceptor acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
    std::jthread server([&] {
        auto socket = acceptor.accept();
        boost::asio::write(socket, boost::asio::buffer(std::string("HTTP/1.1 400 Bad Request\r\n\r\n")));
    });
    Client client("localhost", acceptor.local_endpoint().port(), {.tls = ClientTls{.ca_file = ca_file_}});
    const auto reply = client.request("GET", "/thing", {});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, "tls-handshake");
}

}  // namespace
}  // namespace platform::http

// TLS by OpenSSL: host names are verified by the library itself, so that a wrong one has a code of its own.
#include "platform/pulsar/client/tls.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace platform::pulsar::client {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using kernel::Error;
using kernel::ErrorKind;

Error unusable(const char* code, const std::string& path, const error_code& error) {
    return Error{ErrorKind::incorrect, code, path + ": " + error.message()};
}

Error forbidden(const char* code, std::string message) {
    return Error{ErrorKind::forbidden, code, std::move(message)};
}

// The peer's alert that ended the handshake: that it did not like our certificate, or us having none.
bool is_refusal(int reason) {
    switch (reason) {
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED: return true;
        default: return false;
    }
}

Error of_certificate(long verified) {
    const std::string words = X509_verify_cert_error_string(verified);
    switch (verified) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return forbidden("pulsar-tls-name", "the broker's certificate is not for the host that was dialled: " + words);
        case X509_V_ERR_CERT_HAS_EXPIRED: return forbidden("pulsar-tls-expired", "the broker's certificate: " + words);
        case X509_V_ERR_CERT_NOT_YET_VALID: return forbidden("pulsar-tls-not-yet-valid", "the broker's certificate: " + words);
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return forbidden("pulsar-tls-unknown-ca", "no known authority signed the broker's certificate: " + words);
        default: return forbidden("pulsar-tls-certificate", "the broker's certificate: " + words);
    }
}

}  // namespace

kernel::Result<std::shared_ptr<ssl::context>> tls_context(const TlsOptions& options) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    if (SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION) != 1)
        return Error{ErrorKind::fault, "pulsar-tls", "TLS 1.2 cannot be asked for"};
    error_code error;
    context->set_verify_mode(ssl::verify_peer, error);
    if (options.ca_file.empty()) context->set_default_verify_paths(error);
    else context->load_verify_file(options.ca_file, error);
    if (error) return unusable("pulsar-tls-ca-file", options.ca_file, error);
    if (options.certificate_file.empty() != options.key_file.empty())
        return Error{ErrorKind::incorrect, "pulsar-tls-key-file", "a client's certificate and its key go together"};
    if (options.certificate_file.empty()) return context;
    context->use_certificate_chain_file(options.certificate_file, error);
    if (error) return unusable("pulsar-tls-certificate-file", options.certificate_file, error);
    context->use_private_key_file(options.key_file, ssl::context::pem, error);
    if (error) return unusable("pulsar-tls-key-file", options.key_file, error);
    return context;
}

kernel::Result<void> expect_host(TlsStream& stream, const std::string& host) {
    SSL* const tls = stream.native_handle();
    error_code no_address;
    boost::asio::ip::make_address(host, no_address);
    X509_VERIFY_PARAM* const expected = SSL_get0_param(tls);
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // An address has no SNI (RFC 6066, section 3), and is looked for among the certificate's addresses.
    const bool done = no_address ? SSL_set_tlsext_host_name(tls, host.c_str()) == 1 && SSL_set1_host(tls, host.c_str()) == 1
                                 : X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1;
    if (!done) return Error{ErrorKind::incorrect, "pulsar-tls-host", "the host's name cannot be verified by TLS"};
    return kernel::ok();
}

bool is_tls_error(const error_code& error) {
    return error.category() == boost::asio::error::get_ssl_category();
}

Error tls_error(TlsStream& stream, const error_code& error) {
    if (is_tls_error(error)) {
        const int reason = ERR_GET_REASON(static_cast<unsigned long>(error.value()));
        if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return of_certificate(SSL_get_verify_result(stream.native_handle()));
        if (is_refusal(reason)) return forbidden("pulsar-tls-refused", "the broker refused our certificate: " + error.message());
    }
    return Error{ErrorKind::unavailable, "pulsar-tls-handshake", "TLS could not be agreed on: " + error.message()};
}

}  // namespace platform::pulsar::client

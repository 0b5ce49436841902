// TLS by OpenSSL: host names are verified by the library itself, so that a wrong one has a code of its own.
#include "platform/http/client_tls.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace platform::http {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using kernel::Error;
using kernel::ErrorKind;

Error of_certificate(const std::string& host, long verified) {
    const auto forbidden = [&](const char* code, const std::string& what) {
        return Error{ErrorKind::forbidden, code, "the certificate of " + host + " " + what};
    };
    switch (verified) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH: return forbidden("tls-name", "is for another name");
        case X509_V_ERR_CERT_HAS_EXPIRED: return forbidden("tls-expired", "has expired");
        case X509_V_ERR_CERT_NOT_YET_VALID: return forbidden("tls-not-yet-valid", "is not valid yet");
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return forbidden("tls-unknown-ca", "is signed by no authority that is trusted here");
        default: return forbidden("tls-certificate", std::string("is refused: ") + X509_verify_cert_error_string(verified));
    }
}

}  // namespace

kernel::Result<std::shared_ptr<ssl::context>> tls_context(const ClientTls& options) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    if (SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION) != 1)
        return Error{ErrorKind::fault, "tls", "TLS 1.2 cannot be asked for"};
    error_code error;
    context->set_verify_mode(ssl::verify_peer, error);
    if (options.ca_file.empty()) context->set_default_verify_paths(error);
    else context->load_verify_file(options.ca_file, error);
    if (error)
        return Error{ErrorKind::incorrect, "tls-ca-file",
                     (options.ca_file.empty() ? std::string("the system's store of authorities") : options.ca_file) +
                         " holds no certificates in PEM that can be read: " + error.message()};
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
    if (!done) return Error{ErrorKind::incorrect, "tls-host", "\"" + host + "\" is no name that a certificate could be for"};
    return kernel::ok();
}

Error handshake_error(TlsStream& stream, const std::string& host, const error_code& error) {
    const bool of_tls = error.category() == boost::asio::error::get_ssl_category();
    if (of_tls && ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return of_certificate(host, SSL_get_verify_result(stream.native_handle()));
    return Error{ErrorKind::unavailable, "tls-handshake", "TLS could not be agreed on with " + host + ": " + error.message()};
}

}  // namespace platform::http

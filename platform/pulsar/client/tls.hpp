// TLS of the connections: what is verified, and what a failure means.
#pragma once

#include "kernel/result.hpp"
#include "platform/pulsar/client/client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/system/error_code.hpp>

#include <memory>
#include <string>

namespace platform::pulsar::client {

using TlsStream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;

// incorrect "pulsar-tls-ca-file", "pulsar-tls-certificate-file", "pulsar-tls-key-file".
kernel::Result<std::shared_ptr<boost::asio::ssl::context>> tls_context(const TlsOptions& options);

// Before the handshake: SNI, and that the certificate must be for `host`, a name or an address.
kernel::Result<void> expect_host(TlsStream& stream, const std::string& host);

// Why a handshake, or a read after it, failed (TLS 1.3 tells only then that our certificate was refused).
kernel::Error tls_error(TlsStream& stream, const boost::system::error_code& error);
// Whether it is a failure of TLS at all, rather than of the socket below.
bool is_tls_error(const boost::system::error_code& error);

}  // namespace platform::pulsar::client

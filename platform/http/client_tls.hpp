// TLS of the client: what is verified, and what a failure means.
#pragma once

#include "kernel/result.hpp"
#include "platform/http/client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/system/error_code.hpp>

#include <memory>
#include <string>

namespace platform::http {

using TlsStream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>;

// TLS 1.2 or later; the server must have a certificate that an authority signed. incorrect "tls-ca-file".
kernel::Result<std::shared_ptr<boost::asio::ssl::context>> tls_context(const ClientTls& options);

// Before the handshake: SNI, and that the certificate must be for `host`, a name or an address.
kernel::Result<void> expect_host(TlsStream& stream, const std::string& host);

// Why a handshake failed.
kernel::Error handshake_error(TlsStream& stream, const std::string& host, const boost::system::error_code& error);

}  // namespace platform::http

// Asio's TLS code, compiled once: cmake/boost_sources.cpp has the rest of Asio.
#if defined(__clang__)
#pragma clang diagnostic ignored "-Weverything"
#endif
#include <boost/asio/ssl/impl/src.hpp>

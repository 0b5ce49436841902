// Asio's TLS code, compiled once: cmake/boost_sources.cpp has the rest of Asio. (platform/pulsar/client has the same file; a program that
// links both takes one of them.)
#if defined(__clang__)
#pragma clang diagnostic ignored "-Weverything"
#endif
#include <boost/asio/ssl/impl/src.hpp>

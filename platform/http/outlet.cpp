// Small writes are gathered; what the socket does not take goes to the spool.
#include "platform/http/outlet.hpp"

#include "kernel/check.hpp"

namespace platform::http {
namespace {

constexpr std::size_t gathered_max = 16 * 1024;
constexpr std::size_t spool_memory_max = 256 * 1024;

}  // namespace

kernel::Result<void> Outlet::add(std::string_view bytes) {
    auto kept = keep(bytes);
    if (!kept || !wire_.filling()) return kept;
    const auto sent = send_now();
    if (!sent) return sent.error();
    if (!*sent) wire_.interrupt_fill();
    return kernel::ok();
}

kernel::Result<void> Outlet::keep(std::string_view bytes) {
    if (!spool_ || spool_->empty()) {
        if (wire_.out().size() + bytes.size() <= gathered_max) {
            wire_.out() += bytes;
            return kernel::ok();
        }
        if (wire_.send_now()) {
            wire_.out() += bytes;
            wire_.send_now();
            return kernel::ok();
        }
    }
    if (!spool_) spool_.emplace(Spool::Bounds{.memory_max = spool_memory_max, .file_max = file_max_}, quota_);
    return spool_->append(bytes);
}

kernel::Result<bool> Outlet::send_now() {
    while (wire_.send_now()) {
        if (wire_.broken()) return error_of(Io::closed);
        if (!spool_ || spool_->empty()) return true;
        auto bytes = spool_->take();
        if (!bytes) return std::move(bytes).error();
        wire_.out() = *std::move(bytes);
    }
    return false;
}

Await<kernel::Result<void>> Outlet::flush(std::chrono::steady_clock::duration stall) {
    for (;;) {
        const auto sent = send_now();
        if (!sent) co_return sent.error();
        if (*sent) co_return kernel::ok();
        const auto io = co_await wire_.flush(stall);
        if (io != Io::done) co_return error_of(io);
    }
}

kernel::Error error_of(Io io) {
    using kernel::ErrorKind;
    switch (io) {
        case Io::closed: return {ErrorKind::incorrect, "body-truncated", "the connection ended in the middle of the request"};
        case Io::expired: return {ErrorKind::incorrect, "body-stalled", "nothing moved on the connection for too long"};
        case Io::stopped: return {ErrorKind::interrupted, "server-stopping", "the server stops; send the request again"};
        case Io::full: return {ErrorKind::incorrect, "body-framing-broken", "a chunk's header is too long"};
        case Io::done: break;
    }
    return {ErrorKind::fault, "io-not-failed", "an error was asked of an input or output that succeeded"};
}

}  // namespace platform::http

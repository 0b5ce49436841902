// Chunks go out at once when the request has been read; before that they are gathered and never waited for.
#include "platform/http/stream.hpp"

#include "kernel/check.hpp"
#include "platform/http/header.hpp"

#include <array>
#include <charconv>

namespace platform::http {

kernel::Task<> StreamWriter::push() {
    if (!body_.at_end()) co_return kernel::ok();
    co_return co_await outlet_.flush(limits_.body_stall_timeout);
}

kernel::Task<> StreamWriter::start(int status, std::string content_type) {
    CHECK(status_ == 0, "a streamed answer was started twice");
    status_ = status;
    body_.answer_continue();
    std::string head;
    add_status_line(head, status);
    add_header(head, "Content-Type", content_type);
    add_header(head, "Cache-Control", "no-store");
    if (facts_.chunked) add_header(head, "Transfer-Encoding", "chunked");
    if (facts_.close) add_header(head, "Connection", "close");
    head += facts_.date;
    head += "\r\n";
    auto added = outlet_.add(head);
    if (!added) co_return added;
    co_return co_await push();
}

kernel::Task<> StreamWriter::write(std::string chunk) {
    CHECK(started(), "a streamed answer was written to before it was started");
    if (chunk.empty() || facts_.head) co_return kernel::ok();
    if (facts_.chunked) {
        std::array<char, 24> size{};
        auto* end = std::to_chars(size.data(), size.data() + size.size() - 2, chunk.size(), 16).ptr;
        *end++ = '\r';
        *end++ = '\n';
        chunk.insert(0, size.data(), static_cast<std::size_t>(end - size.data()));
        chunk += "\r\n";
    }
    auto added = outlet_.add(chunk);
    if (!added) co_return added;
    co_return co_await push();
}

kernel::Result<void> StreamWriter::end() {
    if (!facts_.chunked || facts_.head) return kernel::ok();
    return outlet_.add("0\r\n\r\n");
}

}  // namespace platform::http

// Reading of bodies: framing by Beast's parser, decompression, bounds.
#include "platform/http/body.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include <chrono>

namespace platform::http {
namespace {

using kernel::Error;
using kernel::ErrorKind;

constexpr std::size_t decoded_at_once = 64 * 1024;

Error too_large(std::uint64_t bytes_max) {
    return {ErrorKind::incorrect, "body-too-large", "the body is larger than " + std::to_string(bytes_max) + " bytes"};
}

}  // namespace

RequestBody::RequestBody(Parser& parser, Wire& wire, Outlet& outlet, const Limits& limits, Facts facts)
    : parser_(parser), wire_(wire), outlet_(outlet), limits_(limits), facts_(std::move(facts)) {}

Error RequestBody::remember(Error error) {
    failed_ = error;
    return error;
}

void RequestBody::answer_continue() {
    if (!facts_.continue_asked) return;
    facts_.continue_asked = false;
    wire_.out() += "HTTP/1.1 100 Continue\r\n\r\n";
}

kernel::Result<std::string> RequestBody::take() {
    const auto room = wire_.input().size();
    std::string bytes(room, '\0');
    auto& target = parser_.get().body();
    target.data = bytes.data();
    target.size = room;
    while (!parser_.is_done() && !wire_.input().empty()) {
        const auto input = wire_.input();
        boost::system::error_code error;
        const auto used = parser_.put(boost::asio::buffer(input.data(), input.size()), error);
        wire_.consume(used);
        if (error == boost::beast::http::error::need_more) break;
        if (error) return Error{ErrorKind::incorrect, "body-framing-broken", "the chunks of the body are broken"};
    }
    bytes.resize(room - target.size);
    return bytes;
}

Await<kernel::Result<void>> RequestBody::more() {
    auto io = Io::done;
    while (!outlet_.empty()) {
        const auto sent = outlet_.send_now();
        if (!sent) co_return sent.error();
        if (*sent) break;
        if (const auto got = wire_.fill_now()) {
            if (*got != Io::done) co_return error_of(*got);
            co_return kernel::ok();
        }
        io = co_await wire_.wait_either(std::chrono::steady_clock::now() + limits_.body_stall_timeout);
        if (io != Io::done) co_return error_of(io);
    }
    io = co_await wire_.fill(std::chrono::steady_clock::now() + limits_.body_stall_timeout);
    if (io != Io::done) co_return error_of(io);
    co_return kernel::ok();
}

kernel::Task<std::string> RequestBody::read_encoded() {
    answer_continue();
    while (!parser_.is_done()) {
        auto bytes = take();
        broken_ = !bytes;
        if (!bytes) co_return remember(std::move(bytes).error());
        if (!bytes->empty()) co_return bytes;
        if (parser_.is_done()) break;
        auto got = co_await more();
        broken_ = !got;
        if (!got) co_return remember(std::move(got).error());
    }
    co_return std::string();
}

kernel::Result<std::string> RequestBody::counted(std::string bytes) {
    decoded_bytes_ += bytes.size();
    if (limits_.decoded_body_bytes_max != 0 && decoded_bytes_ > limits_.decoded_body_bytes_max)
        return remember(too_large(limits_.decoded_body_bytes_max));
    return bytes;
}

kernel::Task<std::string> RequestBody::read_decoded() {
    for (;;) {
        if (encoded_used_ == encoded_.size() && !decoder_full_) {
            auto bytes = co_await read_encoded();
            if (!bytes) co_return bytes;
            encoded_ = *std::move(bytes);
            encoded_used_ = 0;
            if (encoded_.empty() && decoder_->complete()) co_return std::string();
            if (encoded_.empty())
                co_return remember({ErrorKind::incorrect, "body-encoding-broken", "the compressed body ends in the middle"});
        }
        auto input = std::string_view(encoded_).substr(encoded_used_);
        std::string out;
        auto decoded = decoder_->decode(input, out, decoded_at_once);
        if (!decoded) co_return remember(std::move(decoded).error());
        encoded_used_ = encoded_.size() - input.size();
        decoder_full_ = out.size() == decoded_at_once;
        if (!out.empty()) co_return counted(std::move(out));
    }
}

kernel::Task<std::string> RequestBody::read() {
    if (failed_) co_return *failed_;
    if (facts_.length_required)
        co_return remember({ErrorKind::incorrect, "length-required", "send Content-Length, or Transfer-Encoding: chunked"});
    if (!decoder_chosen_) {
        auto decoder = decoder_for(facts_.content_encoding, limits_.decoded_expansion_max);
        if (!decoder) co_return remember(std::move(decoder).error());
        decoder_ = *std::move(decoder);
        decoder_chosen_ = true;
    }
    if (decoder_) co_return co_await read_decoded();
    auto bytes = co_await read_encoded();
    if (!bytes) co_return bytes;
    co_return counted(*std::move(bytes));
}

kernel::Task<std::string> Body::read_all(std::size_t bytes_max) {
    return read_all(bytes_max, {});
}

kernel::Task<std::string> RequestBody::read_all(std::size_t bytes_max, Admit admit) {
    const auto left = parser_.content_length_remaining();
    if (left && *left > bytes_max && facts_.content_encoding.empty()) co_return remember(too_large(bytes_max));
    std::string all;
    for (;;) {
        auto bytes = co_await read();
        if (!bytes) co_return bytes;
        if (bytes->empty()) co_return all;
        if (bytes->size() > bytes_max - all.size()) co_return remember(too_large(bytes_max));
        if (admit)
            if (auto admitted = admit(bytes->size()); !admitted) co_return std::move(admitted).error();
        if (all.empty()) all = *std::move(bytes);
        else all += *bytes;
    }
}

Await<bool> RequestBody::discard(std::size_t bytes_max) {
    std::size_t dropped = 0;
    while (!parser_.is_done() && dropped <= bytes_max) {
        const auto bytes = take();
        if (!bytes) co_return false;
        dropped += bytes->size();
        if (parser_.is_done()) co_return true;
        const auto got = co_await more();
        if (!got) co_return false;
    }
    co_return parser_.is_done();
}

}  // namespace platform::http

// gzip by zlib, zstd by libzstd, both streaming.
#include "platform/http/decode.hpp"

#include "kernel/check.hpp"

#include <algorithm>

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

namespace platform::http {
namespace {

constexpr std::uint64_t expansion_free_bytes = 1024 * 1024;
constexpr int zstd_window_log_max = 23;
constexpr int gzip_window_bits = 15 + 16;  // 16: a gzip wrapper, not a zlib one

bool same_name(std::string_view text, std::string_view name) {
    return std::equal(text.begin(), text.end(), name.begin(), name.end(), [](char a, char b) { return (a | 0x20) == b; });
}

class Gzip final : public Decoder {
public:
    explicit Gzip(std::size_t expansion_max) : Decoder(expansion_max) {
        CHECK(inflateInit2(&stream_, gzip_window_bits) == Z_OK, "zlib could not start");
    }
    ~Gzip() override { inflateEnd(&stream_); }
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;

    bool complete() const override { return at_end_; }

private:
    Step step(std::string_view& input, std::string& out, std::size_t room) override {
        const auto before = out.size();
        out.resize(before + room);
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
        stream_.avail_in = static_cast<uInt>(input.size());
        stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
        stream_.avail_out = static_cast<uInt>(room);
        const bool good = run();
        input.remove_prefix(input.size() - stream_.avail_in);
        out.resize(before + room - stream_.avail_out);
        return good ? Step::good : Step::broken;
    }

    bool run() {
        for (;;) {
            if (at_end_ && stream_.avail_in == 0) return true;
            if (at_end_ && inflateReset(&stream_) != Z_OK) return false;  // another member
            at_end_ = false;
            const int status = inflate(&stream_, Z_NO_FLUSH);
            if (status == Z_BUF_ERROR) return true;  // it wants more input or more room
            if (status != Z_OK && status != Z_STREAM_END) return false;
            at_end_ = status == Z_STREAM_END;
            if (stream_.avail_out == 0) return true;
        }
    }

    z_stream stream_{};
    bool at_end_ = false;
};

class Zstd final : public Decoder {
public:
    explicit Zstd(std::size_t expansion_max) : Decoder(expansion_max), stream_(ZSTD_createDStream(), ZSTD_freeDStream) {
        CHECK(stream_ != nullptr, "zstd could not start");
        ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, zstd_window_log_max);
    }

    bool complete() const override { return at_end_; }

private:
    Step step(std::string_view& input, std::string& out, std::size_t room) override {
        if (at_end_ && input.empty()) return Step::good;
        const auto before = out.size();
        out.resize(before + room);
        ZSTD_inBuffer in{input.data(), input.size(), 0};
        ZSTD_outBuffer decoded{out.data() + before, room, 0};
        auto result = Step::good;
        do {
            const auto in_before = in.pos;
            const auto out_before = decoded.pos;
            const auto status = ZSTD_decompressStream(stream_.get(), &decoded, &in);
            if (ZSTD_isError(status) != 0)
                result = ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge ? Step::window_too_large : Step::broken;
            at_end_ = status == 0;
            if (in.pos == in_before && decoded.pos == out_before) break;
        } while (result == Step::good && decoded.pos < decoded.size && in.pos < in.size);
        input.remove_prefix(in.pos);
        out.resize(before + decoded.pos);
        return result;
    }

    std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream_;
    bool at_end_ = false;
};

}  // namespace

kernel::Result<void> Decoder::decode(std::string_view& input, std::string& out, std::size_t room) {
    const auto in_before = input.size();
    const auto out_before = out.size();
    const auto result = step(input, out, room);
    in_ += in_before - input.size();
    out_ += out.size() - out_before;
    if (result == Step::window_too_large)
        return kernel::Error{kernel::ErrorKind::incorrect, "body-window-too-large",
                             "zstd packed this for a window above 8 MiB; compress with at most -19 and without --long"};
    if (result == Step::broken)
        return kernel::Error{kernel::ErrorKind::incorrect, "body-encoding-broken", "the body is not what its Content-Encoding says"};
    if (out_ > expansion_free_bytes && out_ > in_ * expansion_max_)
        return kernel::Error{kernel::ErrorKind::incorrect, "body-expands-too-much",
                             "the body expands more than " + std::to_string(expansion_max_) + " times"};
    return kernel::ok();
}

kernel::Result<std::unique_ptr<Decoder>> decoder_for(std::string_view content_encoding, std::size_t expansion_max) {
    if (content_encoding.empty() || same_name(content_encoding, "identity")) return std::unique_ptr<Decoder>();
    if (same_name(content_encoding, "gzip") || same_name(content_encoding, "x-gzip"))
        return std::unique_ptr<Decoder>(std::make_unique<Gzip>(expansion_max));
    if (same_name(content_encoding, "zstd")) return std::unique_ptr<Decoder>(std::make_unique<Zstd>(expansion_max));
    return kernel::Error{kernel::ErrorKind::incorrect, "content-encoding-unknown", "send the body as it is, or with gzip or zstd"};
}

}  // namespace platform::http

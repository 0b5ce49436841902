// Decoder: undoes a Content-Encoding as the bytes come, within a bound on how much they expand. Knows no socket.
#pragma once

#include "kernel/result.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace platform::http {

class Decoder {
public:
    virtual ~Decoder() = default;

    // Decodes what it can of `input`, removes it from there, and appends at most `room` bytes to `out`. Less than `room` appended and
    // nothing left in `input` means: more input is needed. incorrect "body-encoding-broken", "body-window-too-large" for zstd that wants
    // more memory than a window of 8 MiB, or "body-expands-too-much" once more than 1 MiB came out and it is more than expansion_max times
    // what went in. After an error the decoder is of no use.
    kernel::Result<void> decode(std::string_view& input, std::string& out, std::size_t room);

    // At the end of the input: does the encoded stream end here, too?
    virtual bool complete() const = 0;

protected:
    enum class Step : std::uint8_t { good, broken, window_too_large };
    explicit Decoder(std::size_t expansion_max) : expansion_max_(expansion_max) {}

private:
    // As decode(), without the bound.
    virtual Step step(std::string_view& input, std::string& out, std::size_t room) = 0;

    std::size_t expansion_max_;
    std::uint64_t in_ = 0;
    std::uint64_t out_ = 0;
};

// For "gzip" (and "x-gzip") and "zstd", without case; null for "" and "identity". incorrect "content-encoding-unknown" for others.
// gzip streams may have several members, zstd streams several frames; a zstd window is at most 8 MiB (RFC 8878).
kernel::Result<std::unique_ptr<Decoder>> decoder_for(std::string_view content_encoding, std::size_t expansion_max);

}  // namespace platform::http

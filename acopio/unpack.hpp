// The bytes of a file as they were before gzip or zstd, a chunk at a time in constant memory.
#pragma once

#include "acopio/source_file.hpp"
#include "platform/http/decode.hpp"

#include <memory>
#include <string>

namespace acopio {

class Unpacked {
public:
    Unpacked(SourceFile& source, Packing packing) : source_(source), packing_(packing) {}

    // The next bytes; empty at the end. As the intake: incorrect "body-encoding-broken" for what is not packed so, or ends in the middle,
    // and "body-expands-too-much"; else the file's errors.
    kernel::Result<std::string> read();

private:
    SourceFile& source_;
    Packing packing_;
    std::unique_ptr<platform::http::Decoder> decoder_;
    std::string packed_;  // not decoded yet: from `used_` on
    std::size_t used_ = 0;
};

}  // namespace acopio

// The intake's own decoder, fed from a file.
#include "acopio/unpack.hpp"

#include "platform/http/http.hpp"

namespace acopio {

kernel::Result<std::string> Unpacked::read() {
    if (packing_ == Packing::none) return source_.read();
    if (!decoder_) {
        auto made = platform::http::decoder_for(content_encoding(packing_), platform::http::Limits().decoded_expansion_max);
        if (!made) return std::move(made).error();
        decoder_ = std::move(*made);
    }
    while (true) {
        auto rest = std::string_view(packed_).substr(used_);
        std::string out;
        if (auto decoded = decoder_->decode(rest, out, SourceFile::chunk_bytes); !decoded) return std::move(decoded).error();
        used_ = packed_.size() - rest.size();
        if (!out.empty()) return out;
        auto chunk = source_.read();
        if (!chunk) return chunk;
        if (chunk->empty()) break;
        packed_ = packed_.substr(used_) + *chunk;
        used_ = 0;
    }
    if (decoder_->complete()) return std::string();
    return kernel::Error{kernel::ErrorKind::incorrect, "body-encoding-broken", "the file ends in the middle of its packing. Pack it again"};
}

}  // namespace acopio

#include "platform/pulsar/wire/compression.hpp"

#include <lz4.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <cstring>
#include <limits>
#include <memory>

namespace platform::pulsar::wire {

namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

struct Freed {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// Making one costs more than a message; one a thread is reused.
ZSTD_CCtx* compressor() {
    thread_local const std::unique_ptr<ZSTD_CCtx, Freed> context(ZSTD_createCCtx());
    return context.get();
}

ZSTD_DCtx* decompressor() {
    thread_local const std::unique_ptr<ZSTD_DCtx, Freed> context(ZSTD_createDCtx());
    return context.get();
}

constexpr std::size_t failed = std::numeric_limits<std::size_t>::max();

// The size that `write(to)` gives, written into `out`; or `failed`.
template <class Write>
bool write_into(std::string& out, std::size_t room, Write write) {
    bool good = false;
    out.resize_and_overwrite(room, [&](char* to, std::size_t) {
        const std::size_t written = write(to);
        good = written != failed;
        return good ? written : 0;
    });
    return good;
}

bool lz4(std::string_view bytes, std::string& out) {
    if (bytes.size() > LZ4_MAX_INPUT_SIZE) return false;
    const int size = static_cast<int>(bytes.size());
    const int bound = LZ4_compressBound(size);
    const char* const from = bytes.data();
    return write_into(out, static_cast<std::size_t>(bound), [&](char* to) {
        const int written = LZ4_compress_default(from, to, size, bound);
        return written > 0 ? static_cast<std::size_t>(written) : failed;
    });
}

bool zlib(std::string_view bytes, std::string& out) {
    uLongf written = compressBound(bytes.size());
    return write_into(out, written, [&](char* to) {
        const int code = ::compress(reinterpret_cast<Bytef*>(to), &written, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
        return code == Z_OK ? std::size_t{written} : failed;
    });
}

bool zstd(std::string_view bytes, std::string& out) {
    if (compressor() == nullptr) return false;
    const std::size_t bound = ZSTD_compressBound(bytes.size());
    return write_into(out, bound, [&](char* to) {
        const auto written = ZSTD_compressCCtx(compressor(), to, bound, bytes.data(), bytes.size(), ZSTD_CLEVEL_DEFAULT);
        return ZSTD_isError(written) == 0 ? written : failed;
    });
}

bool snappy_raw(std::string_view bytes, std::string& out) {
    if (bytes.size() > std::numeric_limits<std::uint32_t>::max()) return false;
    return write_into(out, snappy::MaxCompressedLength(bytes.size()), [&](char* to) {
        std::size_t written = 0;
        snappy::RawCompress(bytes.data(), bytes.size(), to, &written);
        return written;
    });
}

bool from_lz4(std::string_view bytes, std::size_t size, std::string& out) {
    constexpr std::size_t most_of_a_byte = 255;
    if (bytes.size() > std::numeric_limits<int>::max() || size > LZ4_MAX_INPUT_SIZE) return false;
    if (size / most_of_a_byte > bytes.size()) return false;
    return write_into(out, size, [&](char* to) {
        const int written = LZ4_decompress_safe(bytes.data(), to, static_cast<int>(bytes.size()), static_cast<int>(size));
        return written >= 0 ? static_cast<std::size_t>(written) : failed;
    });
}

bool from_zlib(std::string_view bytes, std::size_t size, std::string& out) {
    constexpr std::size_t most_of_a_byte = 1032;
    if (size / most_of_a_byte > bytes.size()) return false;
    return write_into(out, size, [&](char* to) {
        uLongf written = size;
        uLong taken = bytes.size();
        const int code = ::uncompress2(reinterpret_cast<Bytef*>(to), &written, reinterpret_cast<const Bytef*>(bytes.data()), &taken);
        return code == Z_OK && taken == bytes.size() ? std::size_t{written} : failed;
    });
}

bool from_zstd(std::string_view bytes, std::size_t size, std::string& out) {
    if (decompressor() == nullptr) return false;
    const auto said = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
    if (said == ZSTD_CONTENTSIZE_ERROR || (said != ZSTD_CONTENTSIZE_UNKNOWN && said > size)) return false;
    return write_into(out, size, [&](char* to) {
        const auto written = ZSTD_decompressDCtx(decompressor(), to, size, bytes.data(), bytes.size());
        return ZSTD_isError(written) == 0 ? written : failed;
    });
}

bool from_snappy(std::string_view bytes, std::size_t size, std::string& out) {
    std::size_t said = 0;
    if (!snappy::GetUncompressedLength(bytes.data(), bytes.size(), &said) || said != size) return false;
    return write_into(out, size, [&](char* to) { return snappy::RawUncompress(bytes.data(), bytes.size(), to) ? size : failed; });
}

Error broken(std::string message) {
    return {ErrorKind::incorrect, "pulsar-compression", std::move(message)};
}

Error not_known() {
    return {ErrorKind::unsupported, "pulsar-compression", "a way of compression that is not known"};
}

}  // namespace

Result<void> compress(proto::CompressionType codec, std::string_view bytes, std::string& out) {
    out.clear();
    bool good = false;
    switch (codec) {
        case proto::NONE:
            out = bytes;
            good = true;
            break;
        case proto::LZ4: good = lz4(bytes, out); break;
        case proto::ZLIB: good = zlib(bytes, out); break;
        case proto::ZSTD: good = zstd(bytes, out); break;
        case proto::SNAPPY: good = snappy_raw(bytes, out); break;
        default: return not_known();
    }
    if (!good) return Error{ErrorKind::fault, "pulsar-compression", "bytes could not be compressed"};
    return kernel::ok();
}

Result<void> decompress(proto::CompressionType codec, std::string_view bytes, std::size_t size, std::size_t size_max, std::string& out) {
    out.clear();
    if (size > size_max) return broken("compressed bytes that say they are " + std::to_string(size) + " bytes");
    bool good = false;
    switch (codec) {
        case proto::NONE:
            good = bytes.size() == size;
            if (good) out = bytes;
            break;
        case proto::LZ4: good = from_lz4(bytes, size, out); break;
        case proto::ZLIB: good = from_zlib(bytes, size, out); break;
        case proto::ZSTD: good = from_zstd(bytes, size, out); break;
        case proto::SNAPPY: good = from_snappy(bytes, size, out); break;
        default: return not_known();
    }
    if (good && out.size() == size) return kernel::ok();
    out.clear();
    return broken("compressed bytes that are broken or of another size than they say");
}

}  // namespace platform::pulsar::wire

// The files that a centre sends: what they are by their name, and their bytes a chunk at a time.
#pragma once

#include "kernel/result.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace acopio {

enum class Format : std::uint8_t { json, ndjson, csv };
enum class Packing : std::uint8_t { none, gzip, zstd };

struct FileType {
    Format format = Format::ndjson;
    Packing packing = Packing::none;
    friend bool operator==(const FileType&, const FileType&) = default;
};
// From "scans.ndjson.gz", or from `type` ("json", "ndjson", "csv", also with ".gz" or ".zst") when it is not empty.
// incorrect "file-type-unknown", also for "-" (standard input) without a type.
kernel::Result<FileType> file_type_of(std::string_view file, std::string_view type);

std::string_view to_text(Format format);             // "ndjson": the interface's name
std::string_view content_type(Format format);        // "application/x-ndjson"
std::string_view content_encoding(Packing packing);  // "gzip"; "" for none

// Bytes of a file, or of standard input for "-". Not thread-safe.
class SourceFile {
public:
    static constexpr std::size_t chunk_bytes = 256 * 1024;

    // not_found, forbidden, incorrect "file-is-directory" or fault, naming the file.
    static kernel::Result<SourceFile> open(std::string file);
    SourceFile(SourceFile&& other) noexcept;
    SourceFile(const SourceFile&) = delete;
    SourceFile& operator=(const SourceFile&) = delete;
    SourceFile& operator=(SourceFile&&) = delete;
    ~SourceFile();

    // Waits for bytes or the end, at most that long. False: neither came yet, as from a pipe; read() would wait on.
    bool has_more(std::chrono::milliseconds patience) const;
    // The next bytes, at most chunk_bytes; empty at the end.
    kernel::Result<std::string> read();
    // Back to the first byte. False for what cannot go back: a pipe.
    bool rewind();
    std::uint64_t size() const { return size_; }  // 0: unknown
    std::uint64_t bytes_read() const { return bytes_read_; }

private:
    SourceFile(std::string name, int descriptor) : name_(std::move(name)), descriptor_(descriptor) {}
    std::string name_;
    int descriptor_ = -1;
    std::uint64_t size_ = 0;
    std::uint64_t bytes_read_ = 0;
};

}  // namespace acopio

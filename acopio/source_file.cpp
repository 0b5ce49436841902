// POSIX reads: they work for files, pipes and terminals alike.
#include "acopio/source_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace acopio {
namespace {

using kernel::Error;
using kernel::ErrorKind;

Error failed(const std::string& file, std::string_view doing, int code) {
    const auto kind = code == ENOENT ? ErrorKind::not_found : code == EACCES ? ErrorKind::forbidden : ErrorKind::fault;
    if (code == EISDIR) return {ErrorKind::incorrect, "file-is-directory", file + " is a directory. Name a file in it"};
    return {kind, "file-failed",
            std::string("cannot ").append(doing).append(" ") + file + ": " + std::generic_category().message(code) +
                ". Check the path and who may read it"};
}

bool take_ending(std::string_view& name, std::string_view ending) {
    if (!name.ends_with(ending)) return false;
    name.remove_suffix(ending.size());
    return true;
}

}  // namespace

kernel::Result<FileType> file_type_of(std::string_view file, std::string_view type) {
    const std::string dotted = type.empty() ? std::string(file) : "." + std::string(type);
    std::string_view name = dotted;
    FileType found;
    if (take_ending(name, ".gz")) found.packing = Packing::gzip;
    else if (take_ending(name, ".zst")) found.packing = Packing::zstd;
    if (name.ends_with(".json")) found.format = Format::json;
    else if (name.ends_with(".ndjson") || name.ends_with(".jsonl")) found.format = Format::ndjson;
    else if (name.ends_with(".csv")) found.format = Format::csv;
    else
        return Error{ErrorKind::incorrect, "file-type-unknown",
                     "cannot tell what " + (file == "-" ? std::string("standard input") : std::string(file)) +
                         " is. Say it with --type json, ndjson or csv (.gz and .zst may follow)"};
    return found;
}

std::string_view to_text(Format format) {
    return format == Format::json ? "json" : format == Format::csv ? "csv" : "ndjson";
}

std::string_view content_type(Format format) {
    return format == Format::json ? "application/json" : format == Format::csv ? "text/csv" : "application/x-ndjson";
}

std::string_view content_encoding(Packing packing) {
    return packing == Packing::gzip ? "gzip" : packing == Packing::zstd ? "zstd" : "";
}

kernel::Result<SourceFile> SourceFile::open(std::string file) {
    const int descriptor = file == "-" ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return failed(file, "open", errno);
    SourceFile source(std::move(file), descriptor);
    struct stat info{};
    if (fstat(descriptor, &info) != 0) return failed(source.name_, "read", errno);
    if (S_ISDIR(info.st_mode)) return failed(source.name_, "read", EISDIR);
    if (S_ISREG(info.st_mode)) source.size_ = static_cast<std::uint64_t>(info.st_size);
    return source;
}

SourceFile::SourceFile(SourceFile&& other) noexcept
    : name_(std::move(other.name_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      bytes_read_(other.bytes_read_) {}

SourceFile::~SourceFile() {
    if (descriptor_ > STDERR_FILENO) ::close(descriptor_);
}

bool SourceFile::has_more(std::chrono::milliseconds patience) const {
    pollfd wanted{.fd = descriptor_, .events = POLLIN, .revents = 0};
    return ::poll(&wanted, 1, static_cast<int>(patience.count())) != 0;  // what is wrong is for read() to say
}

kernel::Result<std::string> SourceFile::read() {
    std::string chunk(chunk_bytes, '\0');
    while (true) {
        const auto read = ::read(descriptor_, chunk.data(), chunk.size());
        if (read < 0 && errno == EINTR) continue;
        if (read < 0) return failed(name_, "read", errno);
        chunk.resize(static_cast<std::size_t>(read));
        bytes_read_ += chunk.size();
        return chunk;
    }
}

bool SourceFile::rewind() {
    if (lseek(descriptor_, 0, SEEK_SET) != 0) return false;
    bytes_read_ = 0;
    return true;
}

}  // namespace acopio

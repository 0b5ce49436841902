// A memory buffer, then an unlinked temporary file, in which a hole follows the reading. Writes go to the page cache.
#include "platform/http/spool.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <stdlib.h>

namespace platform::http {
namespace {

constexpr std::uint64_t take_bytes_max = 256 * 1024;

kernel::Error failed() {
    return {kernel::ErrorKind::unavailable, "answer-spool-failed", "the temporary file of a waiting answer could not be used"};
}

int open_without_name() {
    std::error_code error;
    const auto folder = std::filesystem::temp_directory_path(error);
    if (error) return -1;
    const int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0) return file;
    auto name = (folder / "acopio-spool-XXXXXX").string();  // a file system without O_TMPFILE
    const int named = ::mkostemp(name.data(), O_CLOEXEC);
    if (named >= 0) ::unlink(name.c_str());
    return named;
}

}  // namespace

Spool::~Spool() {
    quota_.give_back(written_ - freed_);
    if (file_ >= 0) ::close(file_);
}

kernel::Result<void> Spool::append(std::string_view bytes) {
    if (written_ == read_ && memory_.size() + bytes.size() <= bounds_.memory_max) {
        memory_ += bytes;
        return kernel::ok();
    }
    return append_to_file(bytes);
}

kernel::Result<void> Spool::append_to_file(std::string_view bytes) {
    using kernel::Error;
    using kernel::ErrorKind;
    if (written_ - freed_ + bytes.size() > bounds_.file_max)
        return Error{ErrorKind::busy, "answer-spool-full", "too much of the answer waits to be read; read while sending"};
    if (!quota_.take(bytes.size()))
        return Error{ErrorKind::busy, "answer-spools-full", "too much of all answers waits to be read; read while sending, or retry later"};
    auto written = write_at_end(bytes);
    if (!written) quota_.give_back(bytes.size());
    return written;
}

kernel::Result<void> Spool::write_at_end(std::string_view bytes) {
    if (file_ < 0) file_ = open_without_name();
    if (file_ < 0) return failed();
    auto end = written_;
    while (!bytes.empty()) {
        const auto count = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(end));
        if (count <= 0) return failed();
        bytes.remove_prefix(static_cast<std::size_t>(count));
        end += static_cast<std::uint64_t>(count);
    }
    written_ = end;
    return kernel::ok();
}

kernel::Result<std::string> Spool::take() {
    if (!memory_.empty() || written_ == read_) return std::exchange(memory_, {});
    std::string bytes(std::min(take_bytes_max, written_ - read_), '\0');
    const auto count = ::pread(file_, bytes.data(), bytes.size(), static_cast<off_t>(read_));
    if (count <= 0) return failed();
    bytes.resize(static_cast<std::size_t>(count));
    read_ += static_cast<std::uint64_t>(count);
    give_space_back();
    return bytes;
}

// All of it when nothing waits; else a hole in front. A file system that makes no holes keeps the space, which then still counts.
void Spool::give_space_back() {
    if (read_ == written_ && ::ftruncate(file_, 0) == 0) {
        quota_.give_back(written_ - freed_);
        written_ = read_ = freed_ = 0;
        return;
    }
    const auto hole = read_ - freed_;
    if (::fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(freed_), static_cast<off_t>(hole)) != 0) return;
    quota_.give_back(hole);
    freed_ = read_;
}

}  // namespace platform::http

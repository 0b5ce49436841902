// A memory buffer, then an unlinked temporary file. Writes go to the page cache.
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
    if (file_ >= 0) ::close(file_);
}

kernel::Result<void> Spool::append(std::string_view bytes) {
    if (written_ == read_ && memory_.size() + bytes.size() <= memory_max_) {
        memory_ += bytes;
        return kernel::ok();
    }
    return append_to_file(bytes);
}

kernel::Result<void> Spool::append_to_file(std::string_view bytes) {
    if (written_ + bytes.size() > file_max_)
        return kernel::Error{kernel::ErrorKind::busy, "answer-spool-full", "too much of the answer waits to be read; read while sending"};
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
    if (read_ == written_) {
        read_ = written_ = 0;
        if (::ftruncate(file_, 0) != 0) return failed();
    }
    return bytes;
}

}  // namespace platform::http

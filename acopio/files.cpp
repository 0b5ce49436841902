// POSIX calls, for the modes and the fsync that streams do not have.
#include "acopio/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace acopio {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;

Error file_error(const std::filesystem::path& file, std::string_view doing, int code) {
    const auto kind = code == ENOENT                                     ? ErrorKind::not_found
                      : code == EACCES || code == EPERM || code == EROFS ? ErrorKind::forbidden
                                                                         : ErrorKind::fault;
    const std::string_view cure = code == ENOENT   ? "Check the path"
                                  : code == EISDIR ? "Name a file"
                                  : code == ENOSPC ? "Free some space"
                                                   : "Check who may read and write there";
    return {kind, "file-failed",
            std::string("cannot ").append(doing).append(" ") + file.string() + ": " + std::generic_category().message(code) + ". " +
                std::string(cure)};
}

class Descriptor {
public:
    explicit Descriptor(int value) : value_(value) {}
    ~Descriptor() {
        if (value_ > STDERR_FILENO) ::close(value_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return value_; }

private:
    int value_;
};

Result<void> write_all(int descriptor, const std::filesystem::path& file, std::string_view content) {
    while (!content.empty()) {
        const auto written = ::write(descriptor, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return file_error(file, "write", errno);
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(descriptor) != 0) return file_error(file, "write", errno);
    return kernel::ok();
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& file, std::size_t bytes_max) {
    const Descriptor descriptor(file == "-" ? STDIN_FILENO : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (descriptor.get() < 0) return file_error(file, "open", errno);
    std::string content;
    std::array<char, 65536> chunk{};
    while (true) {
        const auto read = ::read(descriptor.get(), chunk.data(), chunk.size());
        if (read < 0 && errno == EINTR) continue;
        if (read < 0) return file_error(file, "read", errno);
        if (read == 0) return content;
        content.append(chunk.data(), static_cast<std::size_t>(read));
        if (content.size() > bytes_max)
            return Error{ErrorKind::incorrect, "file-too-large",
                         file.string() + " is larger than " + std::to_string(bytes_max) + " bytes. Name another file"};
    }
}

Result<std::string> read_secret_file(const std::filesystem::path& file, std::size_t bytes_max) {
    auto content = read_file(file, bytes_max);
    if (!content) return content;
    constexpr std::string_view blanks = " \t\r\n";
    const auto begin = content->find_first_not_of(blanks);
    if (begin == std::string::npos)
        return Error{ErrorKind::incorrect, "secret-empty", file.string() + " holds no key or token. Name the file that does"};
    return content->substr(begin, content->find_last_not_of(blanks) + 1 - begin);
}

Result<void> write_secret_file(const std::filesystem::path& file, std::string_view content) {
    const auto fresh = std::filesystem::path(file.string() + ".new");
    constexpr mode_t owner_only = S_IRUSR | S_IWUSR;
    {
        const Descriptor descriptor(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, owner_only));
        if (descriptor.get() < 0) return file_error(fresh, "make", errno);
        if (::fchmod(descriptor.get(), owner_only) != 0) return file_error(fresh, "protect", errno);
        if (auto written = write_all(descriptor.get(), fresh, content); !written) return written;
    }
    if (::rename(fresh.c_str(), file.c_str()) != 0) return file_error(file, "make", errno);
    return kernel::ok();
}

Result<NewSecretFile> NewSecretFile::make(const std::filesystem::path& file) {
    constexpr mode_t owner_only = S_IRUSR | S_IWUSR;
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, owner_only);
    if (descriptor < 0 && errno == EEXIST)
        return Error{ErrorKind::conflict, "file-exists",
                     file.string() + " exists already and is not overwritten: it may hold a key that is in use. Name another file"};
    if (descriptor < 0) return file_error(file, "make", errno);
    return NewSecretFile(file, descriptor);
}

NewSecretFile::~NewSecretFile() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(file_.c_str());
}

Result<void> NewSecretFile::write(std::string_view content) {
    if (auto written = write_all(descriptor_, file_, content); !written) return written;
    ::close(std::exchange(descriptor_, -1));
    return kernel::ok();
}

}  // namespace acopio

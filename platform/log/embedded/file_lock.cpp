// flock(2): it ends with the process, however that ends.
#include "platform/log/embedded/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

namespace platform::log::embedded {

using kernel::Error;
using kernel::ErrorKind;

kernel::Result<FileLock> FileLock::take(const std::filesystem::path& file) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return Error{ErrorKind::unavailable, "log-not-opened", "cannot write " + file.filename().string() + " in its directory"};
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ::close(fd);
        return Error{ErrorKind::conflict, "log-in-use",
                     "another acopio process uses this data directory; stop it, or choose another directory"};
    }
    return FileLock(fd);
}

}  // namespace platform::log::embedded

// Small files of the command line: secrets that only their owner may read, and texts that are written whole or not at all.
#pragma once

#include "kernel/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace acopio {

// The whole file, at most `bytes_max`. not_found, forbidden or incorrect "file-too-large", naming the file.
kernel::Result<std::string> read_file(const std::filesystem::path& file, std::size_t bytes_max);

// The same without white space at its ends; incorrect "secret-empty" when nothing is left. "-" reads standard input.
kernel::Result<std::string> read_secret_file(const std::filesystem::path& file, std::size_t bytes_max = 1024);

// Writes to a new file beside it, mode 600, syncs and renames: a reader or a crash sees all of it or nothing.
kernel::Result<void> write_secret_file(const std::filesystem::path& file, std::string_view content);

// A new file, mode 600, for a secret that is still to be issued: that it can be made is known before there is anything to lose. It goes
// away again unless it was written.
class NewSecretFile {
public:
    // conflict "file-exists" when there is anything of that name, a link too; else as read_file. Nothing is ever overwritten.
    static kernel::Result<NewSecretFile> make(const std::filesystem::path& file);
    NewSecretFile(NewSecretFile&& other) noexcept : file_(std::move(other.file_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
    NewSecretFile(const NewSecretFile&) = delete;
    NewSecretFile& operator=(const NewSecretFile&) = delete;
    NewSecretFile& operator=(NewSecretFile&&) = delete;
    ~NewSecretFile();

    // Writes and syncs. Once.
    kernel::Result<void> write(std::string_view content);

private:
    NewSecretFile(std::filesystem::path file, int descriptor) : file_(std::move(file)), descriptor_(descriptor) {}
    std::filesystem::path file_;
    int descriptor_ = -1;  // open until it is written
};

}  // namespace acopio

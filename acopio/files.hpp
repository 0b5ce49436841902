// Small files of the command line: secrets that only their owner may read, and texts that are written whole or not at all.
#pragma once

#include "kernel/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace acopio {

// The whole file, at most `bytes_max`. not_found, forbidden or incorrect "file-too-large", naming the file.
kernel::Result<std::string> read_file(const std::filesystem::path& file, std::size_t bytes_max);

// The same without white space at its ends; incorrect "secret-empty" when nothing is left. "-" reads standard input.
kernel::Result<std::string> read_secret_file(const std::filesystem::path& file, std::size_t bytes_max = 1024);

// Writes to a new file beside it, mode 600, syncs and renames: a reader or a crash sees all of it or nothing.
kernel::Result<void> write_secret_file(const std::filesystem::path& file, std::string_view content);

}  // namespace acopio

// SQLite behind the SQL port: one file, WAL mode, one writer at a time, readers never wait.
#pragma once

#include "platform/sql/sql.hpp"

#include <filesystem>

namespace platform::sql::sqlite {

// Opens (creating it, mode 600) the database file. Settings of every connection: WAL, foreign keys on, busy time-out 10 s,
// synchronous FULL or NORMAL by Durability, statement cache none (statements are kept by their owners).
// `page_bytes` counts for a new file: small pages for tables with many indexes (each change writes whole pages), large ones for large rows.
kernel::Result<std::unique_ptr<Database>> open(std::filesystem::path file, int page_bytes = 4096);

}  // namespace platform::sql::sqlite

// One look-up a key: a batch asks only for records that were seen before.
#include "data_center_classifier/infrastructure/db/adapter_seen_index_sql.hpp"

#include "data_center_classifier/infrastructure/db/row_codec.hpp"

namespace data_center_classifier::infrastructure::db {

using application::RecordKey;
using application::Seen;

kernel::Result<std::unique_ptr<SeenIndexSql>> SeenIndexSql::open(platform::sql::Database& database) {
    auto connection = database.connect({.durability = platform::sql::Durability::process, .read_only = true});
    if (!connection) return std::move(connection).error();
    auto find = (*connection)->prepare("SELECT content, status FROM seen WHERE record_key = ?");
    if (!find) return std::move(find).error();
    auto keys = (*connection)->prepare("SELECT record_key FROM seen");
    if (!keys) return std::move(keys).error();
    std::unique_ptr<SeenIndexSql> index(new SeenIndexSql());
    index->connection_ = std::move(*connection);
    index->find_ = std::move(*find);
    index->keys_ = std::move(*keys);
    return index;
}

kernel::Result<std::vector<std::optional<Seen>>> SeenIndexSql::find(const std::vector<RecordKey>& keys) {
    const std::lock_guard lock(mutex_);
    std::vector<std::optional<Seen>> rows;
    rows.reserve(keys.size());
    for (const auto key : keys) {
        const platform::sql::Use find(*find_);
        find->bind(0, to_row(key));
        auto row = find->step();
        if (!row) return std::move(row).error();
        std::optional<Seen> seen;
        if (*row) seen = Seen{.content = content_from_row(find->text(0)), .status = status_from_row(find->integer(1))};
        rows.push_back(seen);
    }
    return rows;
}

kernel::Result<void> SeenIndexSql::each_key(const std::function<void(RecordKey)>& key) {
    const std::lock_guard lock(mutex_);
    const platform::sql::Use keys(*keys_);
    while (true) {
        auto row = keys->step();
        if (!row) return std::move(row).error();
        if (!*row) return kernel::ok();
        key(key_from_row(keys->integer(0)));
    }
}

}  // namespace data_center_classifier::infrastructure::db

// Use cases of the read side. Each first asks whether the caller may read, then reads. What takes microseconds (tokens, one record, its
// history, a receipt) runs on threads of its own, so that it never waits behind long queries.
#pragma once

#include "collector_query/application/port_collector_query.hpp"
#include "kernel/task.hpp"
#include "platform/runtime/blocking_pool.hpp"

#include <string>

namespace collector_query::application {

struct ReadAccess {
    bool open = false;           // nobody is asked
    std::string operator_token;  // "" for none
};

// Thread-safe. Outlives its tasks. Errors besides those of the ports: forbidden "token-missing" (no token), "token-wrong" (unknown,
// malformed or revoked: one code, one duration); not_found "no-such-data", "no-such-receipt"; incorrect "id-broken"; busy "pool-full".
class CollectorQuery {
public:
    // `pool` is for long queries.
    CollectorQuery(CollectedDataView& view, AccessTokens& tokens, platform::runtime::BlockingPool& pool, ReadAccess access);

    kernel::Task<> may_read(std::string token);
    kernel::Task<DataPage> find(std::string token, domain::DataQuery query);
    kernel::Task<DataItem> get(std::string token, std::string data_id);
    kernel::Task<std::vector<DataVersion>> history(std::string token, std::string data_id);
    kernel::Task<Receipt> receipt(std::string token, std::string receipt_id);

private:
    kernel::Result<void> authorise(const std::string& token) const;

    CollectedDataView& view_;
    AccessTokens& tokens_;
    platform::runtime::BlockingPool& pool_;
    ReadAccess access_;
    std::string operator_hash_;
    platform::runtime::BlockingPool look_ups_{{.threads = 2, .name = "query-look-up"}};
};

// Parts of "acr_<16 hex>_<48 hex>"; nothing for another form.
std::optional<std::string> token_id_of(std::string_view token);

}  // namespace collector_query::application

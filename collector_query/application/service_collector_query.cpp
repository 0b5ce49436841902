// Every lambda below is plain (no coroutine) and runs on the pool; it holds values and this object, which outlives it.
#include "collector_query/application/service_collector_query.hpp"

#include "kernel/hex.hpp"
#include "platform/runtime/blocking_call.hpp"
#include "platform/runtime/digest.hpp"

#include <algorithm>

namespace collector_query::application {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using kernel::Result;
using platform::runtime::blocking_call;

constexpr std::string_view token_prefix = "acr_";
constexpr std::string_view center_key_prefix = "ack_";  // of the other port
constexpr std::size_t token_id_size = 16;
constexpr std::size_t token_secret_size = 48;

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return kernel::hex_digit(c) >= 0; });
}
bool is_id(std::string_view text) {
    return text.size() == 32 && is_hex(text);
}

std::string hash_of(std::string_view token) {
    return platform::runtime::hex(platform::runtime::sha256(token));
}

Error id_broken() {
    return {ErrorKind::incorrect, "id-broken", "an id has 32 digits of 0-9 and a-f"};
}
Error no_such_data() {
    return {ErrorKind::not_found, "no-such-data", "no collected record has this id"};
}

}  // namespace

std::optional<std::string> token_id_of(std::string_view token) {
    if (token.size() != token_prefix.size() + token_id_size + 1 + token_secret_size || !token.starts_with(token_prefix))
        return std::nullopt;
    token.remove_prefix(token_prefix.size());
    if (token[token_id_size] != '_' || !is_hex(token.substr(0, token_id_size)) || !is_hex(token.substr(token_id_size + 1)))
        return std::nullopt;
    return std::string(token.substr(0, token_id_size));
}

CollectorQuery::CollectorQuery(CollectedDataView& view, AccessTokens& tokens, platform::runtime::BlockingPool& pool, ReadAccess access)
    : view_(view), tokens_(tokens), pool_(pool), access_(std::move(access)), operator_hash_(hash_of(access_.operator_token)) {}

// Compares hashes, always once against a stored or a made-up one, so that the time tells nothing about which part was wrong.
Result<void> CollectorQuery::authorise(const std::string& token) const {
    if (access_.open) return kernel::ok();
    if (token.empty()) return Error{ErrorKind::forbidden, "token-missing", "reading needs an access token: Authorization: Bearer <token>"};
    const auto hash = hash_of(token);
    const bool is_operator = platform::runtime::equal_in_constant_time(hash, operator_hash_) && !access_.operator_token.empty();
    auto stored = tokens_.find_token(token_id_of(token).value_or(std::string(token_id_size, '0')));
    if (!stored) return std::move(stored).error();
    const auto known = stored->value_or(AccessToken{.id = "", .role = "", .hash = std::string(64, '-'), .revoked = true});
    const bool is_known = platform::runtime::equal_in_constant_time(hash, known.hash) && !known.revoked;
    if (is_operator || is_known) return kernel::ok();
    if (token.starts_with(center_key_prefix))
        return Error{ErrorKind::forbidden, "token-wrong",
                     "this is a data centre's key, which sends and does not read; reading needs a token of \"acopio token add\""};
    return Error{ErrorKind::forbidden, "token-wrong", "the access token is not known, or it was revoked"};
}

kernel::Task<> CollectorQuery::may_read(std::string token) {
    if (access_.open) co_return kernel::ok();
    co_return co_await blocking_call(look_ups_, [this, token = std::move(token)] { return authorise(token); });
}

kernel::Task<DataPage> CollectorQuery::find(std::string token, domain::DataQuery query) {
    if (auto allowed = co_await may_read(std::move(token)); !allowed) co_return std::move(allowed).error();
    co_return co_await blocking_call(pool_, [this, query = std::move(query)] { return view_.find(query); });
}

kernel::Task<DataItem> CollectorQuery::get(std::string token, std::string data_id) {
    co_return co_await blocking_call(look_ups_, [this, token = std::move(token), data_id = std::move(data_id)]() -> Result<DataItem> {
        if (auto allowed = authorise(token); !allowed) return std::move(allowed).error();
        if (!is_id(data_id)) return id_broken();
        auto item = view_.get({data_id});
        if (!item) return std::move(item).error();
        if (!*item) return no_such_data();
        return **std::move(item);
    });
}

kernel::Task<std::vector<DataVersion>> CollectorQuery::history(std::string token, std::string data_id) {
    using Versions = std::vector<DataVersion>;
    co_return co_await blocking_call(look_ups_, [this, token = std::move(token), data_id = std::move(data_id)]() -> Result<Versions> {
        if (auto allowed = authorise(token); !allowed) return std::move(allowed).error();
        if (!is_id(data_id)) return id_broken();
        auto versions = view_.history({data_id});
        if (versions && versions->empty()) return no_such_data();
        return versions;
    });
}

kernel::Task<Receipt> CollectorQuery::receipt(std::string token, std::string receipt_id) {
    co_return co_await blocking_call(look_ups_, [this, token = std::move(token), receipt_id = std::move(receipt_id)]() -> Result<Receipt> {
        if (auto allowed = authorise(token); !allowed) return std::move(allowed).error();
        if (!is_id(receipt_id)) return id_broken();
        auto receipt = view_.receipt({receipt_id});
        if (!receipt) return std::move(receipt).error();
        if (!*receipt)
            return Error{ErrorKind::not_found, "no-such-receipt",
                         "no receipt has this id; one that was just given may take a moment to be seen"};
        return **std::move(receipt);
    });
}

}  // namespace collector_query::application

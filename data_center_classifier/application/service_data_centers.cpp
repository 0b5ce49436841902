// Keys look like "ack_<key id, 16 hex>_<secret, 48 hex>"; only the SHA-256 of the whole key is kept.
#include "data_center_classifier/application/service_data_centers.hpp"

#include "platform/runtime/digest.hpp"
#include "platform/runtime/logging.hpp"

namespace data_center_classifier::application {
namespace {

using kernel::Error;
using kernel::ErrorKind;

constexpr std::string_view key_prefix = "ack_";
constexpr std::size_t key_id_digits = 16;
constexpr std::size_t secret_digits = 48;
constexpr std::size_t key_size = key_prefix.size() + key_id_digits + 1 + secret_digits;

std::string hash_of(std::string_view key) {
    return platform::runtime::hex(platform::runtime::sha256(key));
}

void log_event(const domain::DataCenter& center, const kernel::DataCenterEvent& event) {
    using platform::runtime::Level;
    static constexpr std::string_view names[] = {"data-center-registered", "data-center-key-issued", "data-center-key-revoked",
                                                 "data-center-suspended",  "data-center-resumed",    "data-center-mapping-stored",
                                                 "data-center-classified"};
    platform::runtime::log(Level::info, names[event.index()],
                           {{"data_center", std::string_view(center.id.value)},
                            {"version", static_cast<std::int64_t>(center.version)},
                            {"grade", std::string_view(center.grade)}});
}

}  // namespace

void DataCenterCache::put(domain::DataCenter center) {
    const std::unique_lock lock(mutex_);
    for (const auto& key : center.keys)
        keys_[key.id] = {.center = center.id.value, .hash = key.hash, .revoked = key.revoked_at.has_value()};
    auto id = center.id.value;
    centers_.insert_or_assign(std::move(id), std::move(center));
}

std::optional<domain::DataCenter> DataCenterCache::find(std::string_view id) const {
    const std::shared_lock lock(mutex_);
    const auto found = centers_.find(id);
    if (found == centers_.end()) return std::nullopt;
    return found->second;
}

std::optional<Sender> DataCenterCache::sender(std::string_view id) const {
    const std::shared_lock lock(mutex_);
    const auto found = centers_.find(id);
    if (found == centers_.end()) return std::nullopt;
    return Sender{found->second.id, found->second.grade, found->second.suspended};
}

std::vector<domain::DataCenter> DataCenterCache::all() const {
    const std::shared_lock lock(mutex_);
    std::vector<domain::DataCenter> centers;
    centers.reserve(centers_.size());
    for (const auto& [id, center] : centers_) centers.push_back(center);
    return centers;
}

std::size_t DataCenterCache::size() const {
    const std::shared_lock lock(mutex_);
    return centers_.size();
}

kernel::Result<Sender> DataCenterCache::authenticate(std::string_view key) const {
    if (key.empty()) return Error{ErrorKind::forbidden, "key-missing", "the request names no key"};
    const auto presented = hash_of(key.substr(0, key_size + 1));
    const auto key_id = key_id_of(key);

    const std::shared_lock lock(mutex_);
    const auto found = keys_.find(key_id);
    // An unknown key is compared too, with what can match nothing, so that the time taken does not tell whether its id exists.
    static const std::string matches_nothing(64, '-');
    const bool same = platform::runtime::equal_in_constant_time(presented, found == keys_.end() ? matches_nothing : found->second.hash);
    if (!same || found == keys_.end()) return Error{ErrorKind::forbidden, "key-unknown", "this key is not known"};
    return sender_of(found->second);
}

kernel::Result<Sender> DataCenterCache::sender_of_key(std::string_view key_id) const {
    const std::shared_lock lock(mutex_);
    const auto found = keys_.find(std::string(key_id));
    if (found == keys_.end()) return Error{ErrorKind::forbidden, "key-unknown", "this key is not known"};
    return sender_of(found->second);
}

kernel::Result<Sender> DataCenterCache::sender_of(const KeyEntry& entry) const {
    if (entry.revoked) return Error{ErrorKind::forbidden, "key-revoked", "this key was revoked"};
    const auto center = centers_.find(entry.center);
    CHECK(center != centers_.end(), "a key belongs to a known data centre");
    return Sender{center->second.id, center->second.grade, center->second.suspended};
}

std::string key_id_of(std::string_view key) {
    const bool shaped = key.size() == key_size && key.starts_with(key_prefix);
    return std::string(shaped ? key.substr(key_prefix.size(), key_id_digits) : std::string_view());
}

NewKey new_key() {
    auto key_id = platform::runtime::random_hex(key_id_digits / 2);
    auto key = std::string(key_prefix) + key_id + "_" + platform::runtime::random_hex(secret_digits / 2);
    auto hash = hash_of(key);
    return {.key_id = std::move(key_id), .key = std::move(key), .key_hash = std::move(hash)};
}

ManageDataCenters::ManageDataCenters(DataCenters& store, DataCenterCache& cache, const kernel::Clock& clock,
                                     std::function<void()> on_stored)
    : store_(store), cache_(cache), clock_(clock), on_stored_(std::move(on_stored)) {}

kernel::Result<void> ManageDataCenters::load() {
    const std::lock_guard lock(one_at_a_time_);
    auto centers = store_.load();
    if (!centers) return std::move(centers).error();
    for (auto& center : *centers) cache_.put(std::move(center));
    return kernel::ok();
}

kernel::Result<domain::DataCenter> ManageDataCenters::handle(const kernel::DataCenterId& id, const domain::DataCenterCommand& command) {
    const std::lock_guard lock(one_at_a_time_);
    return carry_out(id, command);
}

kernel::Result<Sender> ManageDataCenters::register_on_sight(const kernel::DataCenterId& id) {
    const std::lock_guard lock(one_at_a_time_);
    if (auto known = cache_.sender(id.value)) return std::move(*known);
    auto center = carry_out(id, domain::RegisterDataCenter{id, id.value});
    if (!center) return std::move(center).error();
    return Sender{center->id, center->grade, center->suspended};
}

kernel::Result<domain::DataCenter> ManageDataCenters::carry_out(const kernel::DataCenterId& id, const domain::DataCenterCommand& command) {
    auto state = cache_.find(id.value).value_or(domain::DataCenter{});
    if (!state.exists() && cache_.size() >= data_centers_max)
        return Error{ErrorKind::conflict, "too-many-data-centers", "10,000 data centres are registered, which is the bound"};
    auto event = domain::decide(state, command, clock_.now());
    if (!event) return std::move(event).error();
    if (!*event) return state;
    if (auto stored = store_.append(**event, state.version + 1); !stored) return std::move(stored).error();
    state = domain::apply(std::move(state), **event);
    cache_.put(state);
    log_event(state, **event);
    on_stored_();
    return state;
}

}  // namespace data_center_classifier::application

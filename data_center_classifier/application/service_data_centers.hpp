// Data centres: the cache that intake checks keys in, and the use case that carries out an operator's orders. An order returns when its
// event is on disk and the cache has it, so the next request sees it.
#pragma once

#include "data_center_classifier/application/port_data_centers.hpp"
#include "kernel/clock.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace data_center_classifier::application {

inline constexpr std::size_t data_centers_max = 10'000;

// What intake needs to know of a centre.
struct Sender {
    kernel::DataCenterId id;
    std::string grade;
    bool suspended = false;
};

// Thread-safe; reads never wait for a disk.
class DataCenterCache {
public:
    void put(domain::DataCenter center);
    std::optional<domain::DataCenter> find(std::string_view id) const;
    std::optional<Sender> sender(std::string_view id) const;
    std::vector<domain::DataCenter> all() const;  // by id
    std::size_t size() const;

    // The sender whose key this is. forbidden "key-missing", "key-unknown", "key-revoked". Takes the same time whether the key exists or
    // not.
    kernel::Result<Sender> authenticate(std::string_view key) const;
    // As authenticate, for a key that was presented before, by its id: whether it holds still.
    kernel::Result<Sender> sender_of_key(std::string_view key_id) const;

private:
    struct KeyEntry {
        std::string center, hash;
        bool revoked = false;
    };
    kernel::Result<Sender> sender_of(const KeyEntry& entry) const;

    mutable std::shared_mutex mutex_;
    std::map<std::string, domain::DataCenter, std::less<>> centers_;
    std::unordered_map<std::string, KeyEntry> keys_;
};

// A new secret: the key to show once, and what is stored of it.
struct NewKey {
    std::string key_id, key, key_hash;
};
NewKey new_key();
// The part of a key that is no secret; "" of what is not shaped like a key.
std::string key_id_of(std::string_view key);

// Blocking, thread-safe: orders are carried out one after the other.
class ManageDataCenters {
public:
    // `on_stored` is called after each stored event: it wakes the relay.
    ManageDataCenters(DataCenters& store, DataCenterCache& cache, const kernel::Clock& clock, std::function<void()> on_stored);

    // Fills the cache. Once, before use.
    kernel::Result<void> load();

    // The data centre after the order. Errors: domain::decide's, the store's, conflict "too-many-data-centers".
    kernel::Result<domain::DataCenter> handle(const kernel::DataCenterId& id, const domain::DataCenterCommand& command);

    // Registers it under its id as name unless it exists (open mode).
    kernel::Result<Sender> register_on_sight(const kernel::DataCenterId& id);

private:
    kernel::Result<domain::DataCenter> carry_out(const kernel::DataCenterId& id, const domain::DataCenterCommand& command);

    DataCenters& store_;
    DataCenterCache& cache_;
    const kernel::Clock& clock_;
    std::function<void()> on_stored_;
    std::mutex one_at_a_time_;
};

}  // namespace data_center_classifier::application

// Decisions and state of the aggregate DataCenter.
#include "data_center_classifier/domain/model_data_center.hpp"

#include <algorithm>

namespace data_center_classifier::domain {
namespace {

using kernel::Error;
using kernel::ErrorKind;
using Decision = kernel::Result<std::optional<kernel::DataCenterEvent>>;

Decision event(kernel::DataCenterEvent happened) {
    return std::optional<kernel::DataCenterEvent>(std::move(happened));
}
Decision nothing() {
    return std::optional<kernel::DataCenterEvent>();
}

bool is_plain_text(std::string_view text, std::size_t bytes_max) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    return text.size() <= bytes_max && std::none_of(text.begin(), text.end(), is_control);
}

const AccessKey* key_of(const DataCenter& state, std::string_view key_id) {
    const auto found = std::find_if(state.keys.begin(), state.keys.end(), [&](const AccessKey& key) { return key.id == key_id; });
    return found == state.keys.end() ? nullptr : &*found;
}

struct Decide {
    const DataCenter& state;
    kernel::Timestamp at;

    Decision operator()(const RegisterDataCenter& command) const {
        if (!is_data_center_id(command.id.value))
            return Error{ErrorKind::incorrect, "data-center-id-invalid",
                         "a data centre id is 1 to 64 of a-z, 0-9 and -, and starts with a letter or digit"};
        if (!is_plain_text(command.name, name_bytes_max))
            return Error{ErrorKind::incorrect, "name-invalid", "a name has at most 200 bytes and no control characters"};
        if (state.exists()) return Error{ErrorKind::conflict, "data-center-exists", "a data centre of this id is registered already"};
        return event(kernel::DataCenterRegistered{command.id, command.name, at});
    }
    Decision operator()(const IssueKey& command) const {
        if (key_of(state, command.key_id)) return Error{ErrorKind::conflict, "key-exists", "this key was issued already"};
        const auto active = std::count_if(state.keys.begin(), state.keys.end(), [](const AccessKey& key) { return !key.revoked_at; });
        if (static_cast<std::size_t>(active) >= active_keys_max || state.keys.size() >= keys_max)
            return Error{ErrorKind::conflict, "too-many-keys",
                         "the data centre has 16 keys in use, or had 1000; revoke one it no longer needs"};
        return event(kernel::DataCenterKeyIssued{state.id, command.key_id, command.key_hash, at});
    }
    Decision operator()(const RevokeKey& command) const {
        const auto* key = key_of(state, command.key_id);
        if (!key) return Error{ErrorKind::not_found, "key-id-unknown", "the data centre has no key of this id"};
        if (key->revoked_at) return nothing();
        return event(kernel::DataCenterKeyRevoked{state.id, command.key_id, at});
    }
    Decision operator()(const SuspendDataCenter& command) const {
        if (!is_plain_text(command.reason, reason_bytes_max))
            return Error{ErrorKind::incorrect, "reason-invalid", "a reason has at most 500 bytes and no control characters"};
        if (state.suspended && state.suspended_because == command.reason) return nothing();
        return event(kernel::DataCenterSuspended{state.id, command.reason, at});
    }
    Decision operator()(const ResumeDataCenter&) const {
        if (!state.suspended) return nothing();
        return event(kernel::DataCenterResumed{state.id, at});
    }
    Decision operator()(const StoreMapping& command) const {
        if (state.mapping == command.mapping) return nothing();
        return event(kernel::DataCenterMappingStored{state.id, command.mapping, at});
    }
    Decision operator()(const ClassifyDataCenter& command) const {
        const std::string to(1, command.grade);
        if (state.grade == to) return nothing();
        return event(kernel::DataCenterClassified{state.id, state.grade, to, command.score, command.why, command.rubric, at});
    }
};

struct Apply {
    DataCenter& state;

    void operator()(const kernel::DataCenterRegistered& e) const {
        state.id = e.data_center_id;
        state.name = e.name;
        state.registered_at = e.at;
    }
    void operator()(const kernel::DataCenterKeyIssued& e) const { state.keys.push_back({e.key_id, e.key_hash, e.at, {}}); }
    void operator()(const kernel::DataCenterKeyRevoked& e) const {
        for (auto& key : state.keys)
            if (key.id == e.key_id) key.revoked_at = e.at;
    }
    void operator()(const kernel::DataCenterSuspended& e) const {
        state.suspended = true;
        state.suspended_because = e.reason;
    }
    void operator()(const kernel::DataCenterResumed&) const {
        state.suspended = false;
        state.suspended_because.clear();
    }
    void operator()(const kernel::DataCenterMappingStored& e) const { state.mapping = e.mapping; }
    void operator()(const kernel::DataCenterClassified& e) const {
        state.grade = e.to;
        state.score = e.score;
    }
};

}  // namespace

bool is_data_center_id(std::string_view text) {
    const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    if (text.empty() || text.size() > 64 || !is_word(text.front())) return false;
    return std::all_of(text.begin(), text.end(), [&](char c) { return is_word(c) || c == '-'; });
}

Decision decide(const DataCenter& state, const DataCenterCommand& command, kernel::Timestamp at) {
    if (!state.exists() && !std::holds_alternative<RegisterDataCenter>(command))
        return Error{ErrorKind::not_found, "data-center-unknown", "no data centre of this id is registered"};
    return std::visit(Decide{state, at}, command);
}

DataCenter apply(DataCenter state, const kernel::DataCenterEvent& event) {
    std::visit(Apply{state}, event);
    ++state.version;
    return state;
}

}  // namespace data_center_classifier::domain

// CheckIds: the ids of some checks of a rubric, in order, as one short text: every stored record has two of them.
// "CONF-01,-02,-05,COMP-01": an id that begins like the last whole one, up to its last "-", is written as the rest of it, from that "-" on.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace kernel {

class CheckIds {
public:
    CheckIds() = default;
    CheckIds(std::initializer_list<std::string_view> ids) {
        for (const auto id : ids) add(id);
    }
    // Takes what text() gave; anything else reads as some ids or other.
    static CheckIds from_text(std::string text) {
        CheckIds ids;
        ids.text_ = std::move(text);
        return ids;
    }

    // REQUIRES: `id` is not empty, holds no comma and does not begin with "-".
    void add(std::string_view id) {
        if (!text_.empty()) text_ += ',';
        const auto dash = id.rfind('-');
        const bool same = dash != std::string_view::npos && id.substr(0, dash) == prefix_;
        text_ += same ? id.substr(dash) : id;
        if (!same) prefix_ = dash == std::string_view::npos ? std::string_view() : id.substr(0, dash);
    }

    // Calls `f` with each id, valid during the call.
    template <class F>
    void each(F f) const {
        std::string id;
        std::size_t prefix = 0;
        for (std::string_view rest = text_; !rest.empty();) {
            const auto item = rest.substr(0, rest.find(','));
            rest.remove_prefix(item.size() == rest.size() ? rest.size() : item.size() + 1);
            id.resize(item.starts_with('-') ? prefix : 0);
            id += item;
            if (!item.starts_with('-')) prefix = id.rfind('-') == std::string::npos ? 0 : id.rfind('-');
            f(std::string_view(id));
        }
    }

    std::vector<std::string> all() const {
        std::vector<std::string> ids;
        each([&](std::string_view id) { ids.emplace_back(id); });
        return ids;
    }
    bool empty() const { return text_.empty(); }
    const std::string& text() const& { return text_; }
    std::string text() && { return std::move(text_); }
    friend bool operator==(const CheckIds& a, const CheckIds& b) { return a.text_ == b.text_; }

private:
    std::string text_;
    std::string prefix_;  // of the last whole id that was added
};

}  // namespace kernel

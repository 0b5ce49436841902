// WordTable: words known at compile time, in a hash table that is made then; looked up by the hash of a word as it is read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace data_center_classifier::domain {

struct WordHash {
    std::uint32_t value = 2166136261U;
    constexpr void add(char c) { value = (value ^ static_cast<unsigned char>(c)) * 16777619U; }
};

// `Entry` has a member `text`. `slots` is a power of two, at least twice as many as there are words.
template <class Entry, std::size_t words, std::size_t slots>
class WordTable {
public:
    static_assert(slots >= 2 * words && (slots & (slots - 1)) == 0);

    constexpr explicit WordTable(const std::array<Entry, words>& entries) : entries_(entries) {
        for (std::size_t i = 0; i < words; ++i) {
            WordHash hash;
            for (const char c : entries_[i].text) hash.add(c);
            auto at = slot_of(hash.value);
            while (table_[at].word != 0) at = (at + 1) % slots;
            table_[at] = {hash.value, static_cast<std::uint16_t>(i + 1)};
        }
    }

    // The entry of that hash and length, or nullptr.
    constexpr const Entry* find(std::uint32_t hash, std::size_t size) const {
        for (auto at = slot_of(hash); table_[at].word != 0; at = (at + 1) % slots) {
            if (table_[at].hash != hash) continue;
            const auto& entry = entries_[table_[at].word - 1U];
            if (entry.text.size() == size) return &entry;
        }
        return nullptr;
    }
    // No text stands twice, and no two of one length have one hash.
    constexpr bool finds_each_word() const {
        for (const auto& entry : entries_) {
            WordHash hash;
            for (const char c : entry.text) hash.add(c);
            if (find(hash.value, entry.text.size()) != &entry) return false;
        }
        return true;
    }
    constexpr const std::array<Entry, words>& entries() const { return entries_; }

private:
    static constexpr std::size_t slot_of(std::uint32_t hash) { return (hash ^ (hash >> 15)) % slots; }
    struct Slot {
        std::uint32_t hash = 0;
        std::uint16_t word = 0;  // index + 1; 0: free
    };
    std::array<Entry, words> entries_{};
    std::array<Slot, slots> table_{};
};

constexpr std::size_t count_words(std::string_view list) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < list.size(); ++i)
        if (list[i] != ' ' && (i == 0 || list[i - 1] == ' ')) ++count;
    return count;
}

// Calls `each` for every word of a list with blanks between them.
template <class Each>
constexpr void each_word(std::string_view list, Each each) {
    for (std::size_t at = 0; at < list.size();) {
        const auto end = list.find(' ', at) == std::string_view::npos ? list.size() : list.find(' ', at);
        if (end > at) each(list.substr(at, end - at));
        at = end + 1;
    }
}

}  // namespace data_center_classifier::domain

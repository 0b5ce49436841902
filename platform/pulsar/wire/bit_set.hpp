// The ack_set of a batch: Java's BitSet words, bit i = 1 while message i is not acknowledged, least significant first, trailing zero words
// left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace platform::pulsar::wire {

class BitSet {
public:
    BitSet() = default;
    static BitSet all(std::size_t count);
    static BitSet from_words(std::vector<std::uint64_t> words) {
        BitSet set;
        set.words_ = std::move(words);
        return set;
    }
    bool test(std::size_t index) const { return index / 64 < words_.size() && (words_[index / 64] >> (index % 64) & 1) != 0; }
    void clear(std::size_t index) {
        if (index / 64 < words_.size()) words_[index / 64] &= ~(std::uint64_t{1} << (index % 64));
    }
    void clear_through(std::size_t index);  // 0..index
    bool none() const;
    std::size_t count() const;
    // For the wire.
    std::vector<std::uint64_t> words() const;
    void words(std::vector<std::uint64_t>& out) const;  // likewise; written over

private:
    std::vector<std::uint64_t> words_;
};

}  // namespace platform::pulsar::wire

#include "platform/pulsar/wire/bit_set.hpp"

#include <algorithm>
#include <bit>

namespace platform::pulsar::wire {

namespace {

constexpr std::size_t word_bits = 64;

}  // namespace

BitSet BitSet::all(std::size_t count) {
    BitSet set;
    set.words_.assign(count / word_bits, ~std::uint64_t{0});
    if (count % word_bits != 0) set.words_.push_back((std::uint64_t{1} << (count % word_bits)) - 1);
    return set;
}

void BitSet::clear_through(std::size_t index) {
    const std::size_t whole = std::min(index / word_bits, words_.size());
    std::fill_n(words_.begin(), whole, 0);
    if (whole == words_.size()) return;
    // Shifted twice: a shift by all 64 bits is not defined.
    words_[whole] &= ~std::uint64_t{0} << (index % word_bits) << 1U;
}

bool BitSet::none() const {
    return std::ranges::all_of(words_, [](std::uint64_t word) { return word == 0; });
}

std::size_t BitSet::count() const {
    std::size_t bits = 0;
    for (const auto word : words_) bits += static_cast<std::size_t>(std::popcount(word));
    return bits;
}

std::vector<std::uint64_t> BitSet::words() const {
    std::vector<std::uint64_t> out;
    words(out);
    return out;
}

void BitSet::words(std::vector<std::uint64_t>& out) const {
    out = words_;
    while (!out.empty() && out.back() == 0) out.pop_back();
}

}  // namespace platform::pulsar::wire

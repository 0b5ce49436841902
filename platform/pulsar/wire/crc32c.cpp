// CRC32C by the processor's own instruction where it has one, by tables elsewhere.
#include "platform/pulsar/wire/frame.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace platform::pulsar::wire {

namespace {

// Source: Castagnoli et al. 1993; the polynomial 0x1edc6f41, reflected.
constexpr std::uint32_t polynomial = 0x82f63b78;

// How one byte changes the register.
constexpr auto byte_table = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
        auto crc = byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? polynomial : 0);
        table[byte] = crc;
    }
    return table;
}();

constexpr std::uint32_t with_byte(std::uint32_t crc, unsigned char byte) {
    return (crc >> 8U) ^ byte_table[(crc ^ byte) & 0xffU];
}

std::uint32_t by_table(std::uint32_t crc, const char* at, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) crc = with_byte(crc, static_cast<unsigned char>(at[i]));
    return crc;
}

#if defined(__x86_64__)

// The instruction takes three cycles and can start in each: three stretches at a time are three times as fast. Their registers are then
// joined: the register after `zeros` zero bytes is linear in the register before, so four tables of a byte each give it.
class Shift {
public:
    explicit Shift(std::size_t zeros) {
        for (std::size_t part = 0; part < tables_.size(); ++part) {
            for (std::uint32_t bit = 1; bit < 256; bit <<= 1U) {
                auto crc = bit << (8 * part);
                for (std::size_t i = 0; i < zeros; ++i) crc = with_byte(crc, 0);
                // Every number below 2 * bit is one below `bit`, with or without this bit.
                for (std::uint32_t low = 0; low < bit; ++low) tables_[part][bit + low] = tables_[part][low] ^ crc;
            }
        }
    }
    std::uint32_t operator()(std::uint32_t crc) const {
        return tables_[0][crc & 0xffU] ^ tables_[1][crc >> 8U & 0xffU] ^ tables_[2][crc >> 16U & 0xffU] ^ tables_[3][crc >> 24U];
    }

private:
    std::array<std::array<std::uint32_t, 256>, 4> tables_{};
};

std::uint64_t eight(const char* at) {
    std::uint64_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return value;
}

template <std::size_t stretch>
__attribute__((target("sse4.2"))) std::uint32_t by_three(std::uint32_t crc, const char*& at, std::size_t& size) {
    static const Shift shift(stretch);
    while (size >= 3 * stretch) {
        std::uint64_t first = crc;
        std::uint64_t second = 0;
        std::uint64_t third = 0;
        for (const char* end = at + stretch; at < end; at += 8) {
            first = _mm_crc32_u64(first, eight(at));
            second = _mm_crc32_u64(second, eight(at + stretch));
            third = _mm_crc32_u64(third, eight(at + 2 * stretch));
        }
        crc = shift(shift(static_cast<std::uint32_t>(first)) ^ static_cast<std::uint32_t>(second)) ^ static_cast<std::uint32_t>(third);
        at += 2 * stretch;
        size -= 3 * stretch;
    }
    return crc;
}

__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t crc, const char* at, std::size_t size) {
    crc = by_three<2048>(crc, at, size);
    crc = by_three<128>(crc, at, size);
    std::uint64_t wide = crc;
    for (; size >= 8; at += 8, size -= 8) wide = _mm_crc32_u64(wide, eight(at));
    crc = static_cast<std::uint32_t>(wide);
    for (; size > 0; ++at, --size) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(*at));
    return crc;
}

std::uint32_t updated(std::uint32_t crc, const char* at, std::size_t size) {
    static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    return has_instruction ? by_instruction(crc, at, size) : by_table(crc, at, size);
}

#else

std::uint32_t updated(std::uint32_t crc, const char* at, std::size_t size) {
    return by_table(crc, at, size);
}

#endif

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
    return ~updated(~std::uint32_t{0}, bytes.data(), bytes.size());
}

std::uint32_t crc32c_portable(std::string_view bytes) {
    return ~by_table(~std::uint32_t{0}, bytes.data(), bytes.size());
}

}  // namespace platform::pulsar::wire

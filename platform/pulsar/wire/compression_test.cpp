#include "platform/pulsar/wire/compression.hpp"
#include "platform/pulsar/wire/test_bytes.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>

namespace platform::pulsar::wire {
namespace {

constexpr std::size_t size_max = 1024 * 1024;
constexpr proto::CompressionType all[] = {proto::NONE, proto::LZ4, proto::ZLIB, proto::ZSTD, proto::SNAPPY};
constexpr proto::CompressionType real[] = {proto::LZ4, proto::ZLIB, proto::ZSTD, proto::SNAPPY};

std::string compressed(proto::CompressionType codec, std::string_view bytes) {
    std::string out = "old";
    EXPECT_TRUE(compress(codec, bytes, out));
    return out;
}

void expect_refused(proto::CompressionType codec, std::string_view bytes, std::size_t size) {
    std::string out = "old";
    const auto done = decompress(codec, bytes, size, size_max, out);
    ASSERT_FALSE(done) << codec;
    EXPECT_EQ(done.error().code, "pulsar-compression");
    EXPECT_EQ(done.error().kind, kernel::ErrorKind::incorrect);
    EXPECT_TRUE(out.empty());
}

TEST(Compression, every_codec_gives_back_what_it_got) {
    EXPECT_TRUE(rc::check([] {
        const auto codec = *rc::gen::elementOf(std::vector(std::begin(all), std::end(all)));
        auto bytes = *rc::gen::arbitrary<std::string>();
        const auto times = *rc::gen::inRange(1, 200);
        const auto unit = bytes;
        for (int i = 1; i < times; ++i) bytes += unit;
        std::string out = "old";
        RC_ASSERT(static_cast<bool>(decompress(codec, compressed(codec, bytes), bytes.size(), size_max, out)));
        RC_ASSERT(out == bytes);
    }));
}

TEST(Compression, bytes_of_other_encoders_are_read) {
    // "hello hello hello hello" by Python's zlib, and by hand after the descriptions of the formats.
    std::string out;
    const std::string words = "hello hello hello hello";
    ASSERT_TRUE(decompress(proto::ZLIB, bytes_of("789ccb48cdc9c957c8402701680308b1"), words.size(), size_max, out)) << "zlib";
    EXPECT_EQ(out, words);
    ASSERT_TRUE(decompress(proto::LZ4, bytes_of("62") + "hello " + bytes_of("0600 c0") + "hello world!", 24, size_max, out)) << "lz4";
    EXPECT_EQ(out, "hello hello hello world!");
    ASSERT_TRUE(decompress(proto::SNAPPY, bytes_of("0c 14") + "hello " + bytes_of("0906"), 12, size_max, out)) << "snappy";
    EXPECT_EQ(out, "hello hello ");
    // ZSTD (RFC 8878): a frame without its size, one raw block.
    ASSERT_TRUE(decompress(proto::ZSTD, bytes_of("28b52ffd 00 58 290000") + "hello", 5, size_max, out)) << "zstd";
    EXPECT_EQ(out, "hello");
}

TEST(Compression, a_size_that_lies_is_refused) {
    for (const auto codec : all) {
        const std::string bytes(1000, 'x');
        const auto small = compressed(codec, bytes);
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{999}, std::size_t{1001}, size_max, size_max + 1,
                                       std::numeric_limits<std::size_t>::max()}) {
            expect_refused(codec, small, size);
        }
    }
}

TEST(Compression, more_than_is_allowed_is_refused_although_it_is_true) {
    const std::string bytes(1000, 'x');
    for (const auto codec : all) {
        std::string out;
        EXPECT_FALSE(decompress(codec, compressed(codec, bytes), 1000, 999, out)) << codec;
        EXPECT_TRUE(decompress(codec, compressed(codec, bytes), 1000, 1000, out)) << codec;
    }
}

TEST(Compression, a_great_size_makes_no_room_before_it_is_found_to_lie) {
    // From so few bytes none of these can make so many; ZSTD could, when its frame does not say otherwise.
    for (const auto codec : {proto::LZ4, proto::ZLIB, proto::SNAPPY}) {
        std::string out;
        EXPECT_FALSE(decompress(codec, compressed(codec, "few"), size_max, size_max, out));
        EXPECT_LT(out.capacity(), 1000U);
    }
}

TEST(Compression, bytes_that_are_cut_or_longer_are_refused) {
    std::string bytes;
    for (int i = 0; i < 500; ++i) bytes += "line " + std::to_string(i * i) + "\n";
    for (const auto codec : real) {
        const auto small = compressed(codec, bytes);
        for (std::size_t size = 0; size < small.size(); size += 7) {
            expect_refused(codec, std::string_view(small).substr(0, size), bytes.size());
        }
        expect_refused(codec, small + "x", bytes.size());
    }
}

TEST(Compression, garbage_is_refused_or_is_of_the_size) {
    EXPECT_TRUE(rc::check([] {
        const auto codec = *rc::gen::elementOf(std::vector(std::begin(all), std::end(all)));
        const auto bytes = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
        const auto size = *rc::gen::inRange<std::size_t>(0, 300);
        std::string out;
        if (decompress(codec, bytes, size, size_max, out)) RC_ASSERT(out.size() == size);
    }));
}

TEST(Compression, a_codec_of_a_later_protocol_is_unsupported) {
    const auto later = static_cast<proto::CompressionType>(5);
    std::string out;
    const auto done = decompress(later, "bytes", 5, size_max, out);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, kernel::ErrorKind::unsupported);
    EXPECT_EQ(done.error().code, "pulsar-compression");
    EXPECT_FALSE(compress(later, "bytes", out));
}

}  // namespace
}  // namespace platform::pulsar::wire

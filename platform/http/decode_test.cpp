// Tests of the decoder and of the spool.
#include "platform/http/decode.hpp"
#include "platform/http/spool.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <zlib.h>
#include <zstd.h>

namespace platform::http {
namespace {

using kernel::Error;
using kernel::Result;

std::string gzipped(const std::string& text) {
    z_stream stream{};
    deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
    std::string out(deflateBound(&stream, text.size()) + 32, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string zstandard(const std::string& text) {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
    return out;
}

// Feeds `encoded` in pieces of `piece` bytes, with `room` at a time.
Result<std::string> decoded(Decoder& decoder, std::string_view encoded, std::size_t piece, std::size_t room) {
    std::string out;
    while (!encoded.empty()) {
        auto input = encoded.substr(0, piece);
        encoded.remove_prefix(input.size());
        for (;;) {
            const auto before = out.size();
            auto step = decoder.decode(input, out, room);
            if (!step) return std::move(step).error();
            if (out.size() - before < room && input.empty()) break;
        }
    }
    if (!decoder.complete()) return Error{kernel::ErrorKind::incorrect, "not-complete", ""};
    return out;
}

Result<std::string> decoded_as(std::string_view encoding, std::string_view encoded, std::size_t piece = 1000, std::size_t room = 1000) {
    auto decoder = decoder_for(encoding, 200);
    if (!decoder) return std::move(decoder).error();
    return decoded(**decoder, encoded, piece, room);
}

TEST(decoder, says_that_a_window_of_zstd_is_too_large_and_how_to_pack_instead) {
    const std::string text(1000, 'x');
    std::string packed(ZSTD_compressBound(text.size()), '\0');
    auto* context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 24);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
    ZSTD_inBuffer in{text.data(), text.size(), 0};
    ZSTD_outBuffer out{packed.data(), packed.size(), 0};
    ZSTD_compressStream2(context, &out, &in, ZSTD_e_flush);
    ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
    packed.resize(out.pos);
    ZSTD_freeCCtx(context);
    const auto got = decoded_as("zstd", packed);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, "body-window-too-large");
    EXPECT_THAT(got.error().message, testing::HasSubstr("without --long"));
}

TEST(decoder, brings_back_any_text_however_it_is_cut) {
    EXPECT_TRUE(rc::check("gzip and zstd", [](const std::string& text) {
        const auto piece = *rc::gen::inRange<std::size_t>(1, 40);
        const auto room = *rc::gen::inRange<std::size_t>(1, 40);
        RC_ASSERT(*decoded_as("gzip", gzipped(text), piece, room) == text);
        RC_ASSERT(*decoded_as("zstd", zstandard(text), piece, room) == text);
    }));
}

TEST(decoder, reads_several_members_and_frames) {
    EXPECT_EQ(*decoded_as("GZIP", gzipped("one ") + gzipped("") + gzipped("two")), "one two");
    EXPECT_EQ(*decoded_as("Zstd", zstandard("one ") + zstandard("two"), 3, 2), "one two");
}

TEST(decoder, sees_a_stream_that_is_cut_anywhere) {
    for (const auto& [encoding, whole] :
         {std::pair{"gzip", gzipped("a body of some length")}, {"zstd", zstandard("a body of some length")}})
        for (std::size_t cut = 0; cut < whole.size(); ++cut) {
            const auto out = decoded_as(encoding, whole.substr(0, cut));
            ASSERT_FALSE(out) << encoding << cut;
            ASSERT_EQ(out.error().code, "not-complete") << encoding << cut;
        }
}

TEST(decoder, refuses_what_is_not_in_the_encoding) {
    EXPECT_EQ(decoded_as("gzip", "plain text").error().code, "body-encoding-broken");
    EXPECT_EQ(decoded_as("zstd", "plain text").error().code, "body-encoding-broken");
    EXPECT_EQ(decoded_as("gzip", gzipped("x") + "trailing").error().code, "body-encoding-broken");
    auto flipped = gzipped("a body whose checksum is wrong");
    flipped[flipped.size() - 6] = static_cast<char>(flipped[flipped.size() - 6] ^ 1);
    EXPECT_EQ(decoded_as("gzip", flipped).error().code, "body-encoding-broken");
}

TEST(decoder, refuses_a_bomb_early) {
    const std::string zeros(100'000'000, '\0');
    for (const auto& [encoding, bomb] : {std::pair{"gzip", gzipped(zeros)}, {"zstd", zstandard(zeros)}}) {
        auto decoder = decoder_for(encoding, 200);
        ASSERT_TRUE(decoder);
        std::string_view input = bomb;
        std::string out;
        Result<void> step = kernel::ok();
        while (step && out.size() < zeros.size()) step = (*decoder)->decode(input, out, 65536);
        ASSERT_FALSE(step) << encoding;
        EXPECT_EQ(step.error().code, "body-expands-too-much") << encoding;
        EXPECT_LE(out.size(), 20'000'000U) << encoding;
    }
}

TEST(decoder, lets_a_small_body_expand_as_it_likes) {
    const std::string zeros(1'000'000, '\0');
    EXPECT_EQ(decoded_as("gzip", gzipped(zeros))->size(), zeros.size());
    EXPECT_EQ(decoded_as("zstd", zstandard(zeros))->size(), zeros.size());
}

TEST(decoder, is_none_for_identity_and_an_error_for_the_unknown) {
    EXPECT_EQ(*decoder_for("", 200), nullptr);
    EXPECT_EQ(*decoder_for("Identity", 200), nullptr);
    EXPECT_EQ(decoder_for("br", 200).error().code, "content-encoding-unknown");
    EXPECT_EQ(decoder_for("gzip, gzip", 200).error().code, "content-encoding-unknown");
}

TEST(spool, gives_bytes_back_in_order_from_memory_and_file) {
    EXPECT_TRUE(rc::check("first in, first out", [](const std::vector<std::string>& pieces) {
        SpoolQuota quota(1'000'000);
        Spool spool({.memory_max = *rc::gen::inRange<std::size_t>(0, 100), .file_max = 1'000'000}, quota);
        std::string in;
        std::string out;
        for (const auto& piece : pieces) {
            RC_ASSERT(static_cast<bool>(spool.append(piece)));
            in += piece;
            if (*rc::gen::inRange(0, 3) == 0) out += *spool.take();
        }
        while (!spool.empty()) out += *spool.take();
        RC_ASSERT(in == out);
        RC_ASSERT(spool.take()->empty());
    }));
}

TEST(spool, counts_only_what_waits_so_that_a_peer_a_little_behind_is_served_for_ever) {
    constexpr std::uint64_t file_max = 1'000'000;
    SpoolQuota quota(file_max);
    {
        Spool spool({.memory_max = 0, .file_max = file_max}, quota);
        ASSERT_TRUE(spool.append(std::string(400'000, 'a')));
        for (int i = 0; i < 50; ++i) {
            ASSERT_TRUE(spool.append(std::string(256 * 1024, 'b'))) << "after " << i;
            std::size_t taken = 0;
            while (taken < 256 * 1024) taken += spool.take()->size();
        }
        EXPECT_LE(quota.used(), file_max);
    }
    EXPECT_EQ(quota.used(), 0U) << "a spool that goes gives back what it held";
}

TEST(spool, is_busy_when_all_of_them_together_hold_too_much) {
    SpoolQuota quota(150);
    Spool one({.memory_max = 0, .file_max = 100}, quota);
    ASSERT_TRUE(one.append(std::string(100, 'x')));
    Spool other({.memory_max = 0, .file_max = 100}, quota);
    const auto full = other.append(std::string(51, 'y'));
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().kind, kernel::ErrorKind::busy);
    EXPECT_EQ(full.error().code, "answer-spools-full");
    EXPECT_EQ(one.take()->size(), 100U);
    EXPECT_TRUE(other.append(std::string(100, 'y')));
}

TEST(spool, is_busy_beyond_its_bound_and_takes_bytes_again_once_read) {
    SpoolQuota quota(1000);
    Spool spool({.memory_max = 10, .file_max = 100}, quota);
    ASSERT_TRUE(spool.append("0123456789"));
    ASSERT_TRUE(spool.append(std::string(100, 'x')));
    const auto full = spool.append("y");
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, "answer-spool-full");
    EXPECT_EQ(full.error().kind, kernel::ErrorKind::busy);
    EXPECT_EQ(*spool.take(), "0123456789");
    EXPECT_EQ(spool.take()->size(), 100U);
    EXPECT_TRUE(spool.empty());
    EXPECT_TRUE(spool.append(std::string(100, 'z')));
}

}  // namespace
}  // namespace platform::http

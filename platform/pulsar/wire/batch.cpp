#include "platform/pulsar/wire/batch.hpp"

#include "platform/pulsar/wire/big_endian.hpp"

#include <limits>

namespace platform::pulsar::wire {

namespace {

using kernel::Result;

constexpr std::size_t size_bytes = 4;
// Its size and the one field that it must have.
constexpr std::size_t message_bytes_min = size_bytes + 2;

kernel::Error batch_error(std::string message) {
    return {kernel::ErrorKind::incorrect, "pulsar-batch", std::move(message)};
}

}  // namespace

void add_to_batch(std::string& batch, proto::SingleMessageMetadata& single, std::string_view payload) {
    CHECK(payload.size() <= std::numeric_limits<std::int32_t>::max(), "a payload has a size that its metadata can say");
    single.set_payload_size(static_cast<std::int32_t>(payload.size()));
    const std::size_t size = single.ByteSizeLong();
    CHECK(size <= std::numeric_limits<std::int32_t>::max(), "the metadata of a message has a size that a batch can say");
    const std::size_t before = batch.size();
    const std::size_t after = before + size_bytes + size + payload.size();
    batch.resize_and_overwrite(after, [&](char* begin, std::size_t) {  // the number may be the capacity
        char* at = write_u32(begin + before, static_cast<std::uint32_t>(size));
        at = reinterpret_cast<char*>(single.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(at)));
        if (!payload.empty()) std::memcpy(at, payload.data(), payload.size());
        return after;
    });
}

Result<BatchReader> BatchReader::open(std::string_view batch, std::int64_t count) {
    if (count < 1 || static_cast<std::uint64_t>(count) > batch.size() / message_bytes_min) {
        return batch_error(std::to_string(count) + " messages in " + std::to_string(batch.size()) + " bytes");
    }
    return BatchReader(batch, count);
}

Result<std::string_view> BatchReader::next(proto::SingleMessageMetadata& single) {
    CHECK(left_ > 0, "no message is read behind the last");
    if (rest_.size() < size_bytes) return batch_error("a batch that ends before its last message");
    const std::uint64_t size = read_u32(rest_);
    if (size > rest_.size() - size_bytes || size > std::numeric_limits<int>::max() ||
        !single.ParsePartialFromArray(rest_.data() + size_bytes, static_cast<int>(size)) || !single.IsInitialized()) {
        return batch_error("the metadata of a message of a batch cannot be read");
    }
    const auto behind = rest_.substr(size_bytes + size);
    if (single.payload_size() < 0 || static_cast<std::uint64_t>(single.payload_size()) > behind.size()) {
        return batch_error("a payload that is longer than its batch");
    }
    const auto payload = behind.substr(0, static_cast<std::size_t>(single.payload_size()));
    const auto rest = behind.substr(payload.size());
    if (left_ == 1 && !rest.empty()) return batch_error("bytes behind the last message of a batch");
    rest_ = rest;
    --left_;
    return payload;
}

}  // namespace platform::pulsar::wire

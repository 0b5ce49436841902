#include "platform/pulsar/wire/error_code.hpp"

#include "kernel/utf8.hpp"

#include <string>

namespace platform::pulsar::wire {

namespace {

using enum kernel::ErrorKind;
using enum Reaction;

struct Meaning {
    Reaction reaction;
    kernel::ErrorKind kind;
    std::string_view code;
};

Meaning meaning_of(proto::ServerError error) {
    switch (error) {
        case proto::UnknownError: break;
        case proto::MetadataError: return {retry, unavailable, "pulsar-metadata-error"};
        case proto::PersistenceError: return {retry, unavailable, "pulsar-persistence-error"};
        case proto::AuthenticationError: return {fail_operation, forbidden, "pulsar-authentication-error"};
        case proto::AuthorizationError: return {fail_operation, forbidden, "pulsar-authorization-error"};
        case proto::ConsumerBusy: return {retry_for_a_while, busy, "pulsar-consumer-busy"};
        case proto::ServiceNotReady: return {retry, unavailable, "pulsar-service-not-ready"};
        case proto::ProducerBlockedQuotaExceededError: return {retry, busy, "pulsar-producer-blocked-quota-exceeded-error"};
        case proto::ProducerBlockedQuotaExceededException: return {retry, busy, "pulsar-producer-blocked-quota-exceeded-exception"};
        // The bytes left us with another checksum than they arrived with.
        case proto::ChecksumError: return {fail_operation, fault, "pulsar-checksum-error"};
        case proto::UnsupportedVersionError: return {fail_operation, unsupported, "pulsar-unsupported-version-error"};
        case proto::TopicNotFound: return {fail_operation, not_found, "pulsar-topic-not-found"};
        case proto::SubscriptionNotFound: return {fail_operation, not_found, "pulsar-subscription-not-found"};
        // Our consumer, which the broker lost: subscribe again.
        case proto::ConsumerNotFound: return {retry, unavailable, "pulsar-consumer-not-found"};
        case proto::TooManyRequests: return {retry, busy, "pulsar-too-many-requests"};
        case proto::TopicTerminatedError: return {end_handle, unsupported, "pulsar-topic-terminated-error"};
        case proto::ProducerBusy: return {retry_for_a_while, busy, "pulsar-producer-busy"};
        case proto::InvalidTopicName: return {fail_operation, incorrect, "pulsar-invalid-topic-name"};
        case proto::IncompatibleSchema: return {fail_operation, incorrect, "pulsar-incompatible-schema"};
        case proto::ConsumerAssignError: return {fail_operation, incorrect, "pulsar-consumer-assign-error"};
        case proto::TransactionCoordinatorNotFound: return {retry, unavailable, "pulsar-transaction-coordinator-not-found"};
        case proto::InvalidTxnStatus: return {fail_operation, incorrect, "pulsar-invalid-txn-status"};
        case proto::NotAllowedError: return {fail_operation, incorrect, "pulsar-not-allowed-error"};
        case proto::TransactionConflict: return {fail_operation, conflict, "pulsar-transaction-conflict"};
        case proto::TransactionNotFound: return {fail_operation, not_found, "pulsar-transaction-not-found"};
        case proto::ProducerFenced: return {end_handle, conflict, "pulsar-producer-fenced"};
    }
    return {retry, unavailable, "pulsar-unknown-error"};
}

// At most 300 bytes on a character's border.
std::string shown(std::string_view words) {
    constexpr std::size_t bytes_max = 300;
    auto text = kernel::repaired_utf8(words.substr(0, bytes_max));
    for (char& c : text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    if (text.size() <= bytes_max) return text;
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
    return text;
}

}  // namespace

Reaction reaction_to(proto::ServerError error) {
    return meaning_of(error).reaction;
}

kernel::Error to_error(proto::ServerError error, std::string_view message) {
    const auto meaning = meaning_of(error);
    return {meaning.kind, std::string(meaning.code), shown(message)};
}

}  // namespace platform::pulsar::wire

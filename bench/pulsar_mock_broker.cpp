// Blocking sockets: our client reads whatever it writes, and writes whatever this reads.
#include "bench/pulsar_mock_broker.hpp"

#include "bench/wire.hpp"
#include "platform/pulsar/wire/batch.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

namespace bench {
namespace {

namespace proto = platform::pulsar::proto;
namespace wire = platform::pulsar::wire;

constexpr std::size_t read_bytes = 512 * 1024;
constexpr std::size_t feed_bytes = 512 * 1024;
// Ids between these have four bytes on the wire: written over in a frame that stays as it is.
constexpr std::uint64_t entry_first = 1U << 21U;
constexpr std::uint64_t entry_last = (1U << 28U) - 1;
constexpr std::size_t entry_id_bytes = 4;
constexpr std::size_t total_bytes = 4;
constexpr std::size_t consumer_id_at = 13;  // of one byte: behind both sizes, the type, the tag and size of its part, and its own tag

void write_id(char* at, std::uint64_t id) {
    for (std::size_t i = 0; i < entry_id_bytes; ++i, id >>= 7U)
        at[i] = static_cast<char>((id & 0x7fU) | (i + 1 < entry_id_bytes ? 0x80U : 0U));
}

bool write_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void write_big_endian(char* at, std::size_t number) {
    for (std::size_t i = 0; i < total_bytes; ++i) at[i] = static_cast<char>(number >> (8 * (total_bytes - 1 - i)));
}

// What a real broker sends: its own metadata, and what a producer's SEND had behind its command.
std::string message_frame(std::size_t size, std::size_t batch) {
    const std::string payload(size, 'x');
    proto::BaseCommand command;
    command.set_type(proto::BaseCommand::SEND);
    command.mutable_send()->set_producer_id(1);
    command.mutable_send()->set_sequence_id(1000000);
    proto::MessageMetadata metadata;
    metadata.set_producer_name("standalone-12-345");
    metadata.set_sequence_id(1000000);
    metadata.set_publish_time(1790000000000);
    std::string body = payload;
    if (batch > 0) {
        metadata.set_num_messages_in_batch(static_cast<std::int32_t>(batch));
        metadata.set_highest_sequence_id(1000000 + batch - 1);
        body.clear();
        proto::SingleMessageMetadata single;
        for (std::size_t i = 0; i < batch; ++i) {
            single.set_sequence_id(1000000 + i);
            wire::add_to_batch(body, single, payload);
        }
    }
    const auto sent = wire::encode_send(command, metadata, body);
    const auto section = wire::parse_command(std::string_view(sent).substr(total_bytes), command);
    if (!section) fail("a frame of our own cannot be read");
    command.Clear();
    command.set_type(proto::BaseCommand::MESSAGE);
    command.mutable_message()->set_consumer_id(0);
    command.mutable_message()->mutable_message_id()->set_ledgerid(7);
    command.mutable_message()->mutable_message_id()->set_entryid(entry_first);
    proto::BrokerEntryMetadata broker;
    broker.set_broker_timestamp(1790000000001);
    broker.set_index(123456789);
    const auto broker_bytes = broker.SerializeAsString();
    std::string broker_size(total_bytes, '\0');
    write_big_endian(broker_size.data(), broker_bytes.size());
    return wire::encode(command) + "\x0e\x02" + broker_size + broker_bytes + std::string(*section);
}

}  // namespace

MockBroker::MockBroker(std::size_t size, std::size_t batch, std::function<void()> on_thread)
    : messages_an_entry_(std::max<std::size_t>(batch, 1)), entry_(message_frame(size, batch)), next_entry_(entry_first) {
    write_big_endian(entry_.data(), entry_.size() - total_bytes);
    std::string id(entry_id_bytes, '\0');
    write_id(id.data(), entry_first);
    id_at_ = entry_.find("\x10" + id) + 1;
    for (std::size_t i = 0; i == 0 || entries_feed_.size() + entry_.size() <= feed_bytes; ++i) entries_feed_ += entry_;

    listening_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (listening_ < 0 || bind(listening_, reinterpret_cast<const sockaddr*>(&address), length) != 0 || listen(listening_, 8) != 0 ||
        getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &length) != 0)
        fail("the mock broker cannot listen");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, begin = std::move(on_thread)] {
        pthread_setname_np(pthread_self(), "mock-broker");
        begin();
        serve();
    });
}

MockBroker::~MockBroker() {
    shutdown(listening_, SHUT_RDWR);
    thread_.join();
    close(listening_);
}

std::string MockBroker::service() const {
    return "pulsar://127.0.0.1:" + std::to_string(port_);
}

double MockBroker::cpu_seconds() const {
    clockid_t clock{};
    timespec time{};
    auto& thread = const_cast<std::thread&>(thread_);
    if (pthread_getcpuclockid(thread.native_handle(), &clock) != 0 || clock_gettime(clock, &time) != 0)
        fail("a thread's clock cannot be read");
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void MockBroker::serve() {
    while (true) {
        const int socket = accept(listening_, nullptr, nullptr);
        if (socket < 0) return;
        const int on = 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        serve_one(socket);
        close(socket);
    }
}

void MockBroker::serve_one(int socket) {
    splitter_ = wire::Splitter();
    permits_ = 0;
    while (true) {
        if (!read(socket, permits_ <= 0)) return;
        if (permits_ > 0 && !feed(socket)) return;
    }
}

// False when the connection is gone.
bool MockBroker::read(int socket, bool wait) {
    const auto room = splitter_.prepare(read_bytes);
    const auto bytes = recv(socket, room.data(), room.size(), wait ? 0 : MSG_DONTWAIT);
    if (bytes < 0 && errno == EAGAIN) return true;
    if (bytes <= 0) return false;
    splitter_.commit(static_cast<std::size_t>(bytes));
    while (true) {
        const auto frame = splitter_.next();
        if (!frame) fail("the client sent a frame that is none");
        if (!*frame) break;
        answer(**frame);
    }
    const bool written = write_all(socket, answers_);
    answers_.clear();
    return written;
}

void MockBroker::answer(std::string_view frame) {
    constexpr std::size_t type_at = 5;  // behind the size and the tag of the command, whose first field it is
    if (frame.size() > type_at && frame[type_at] == proto::BaseCommand::ACK) return;  // long, and nothing waits for it
    if (!wire::parse_command(frame, in_)) fail("the client sent a command that cannot be read");
    out_.Clear();
    command();
    if (out_.has_type()) answers_ += wire::encode(out_);
}

void MockBroker::command() {
    using Type = proto::BaseCommand;
    const auto success = [this](std::uint64_t request) {
        out_.set_type(Type::SUCCESS);
        out_.mutable_success()->set_request_id(request);
    };
    switch (in_.type()) {
        case Type::SEND: {
            out_.set_type(Type::SEND_RECEIPT);
            auto& receipt = *out_.mutable_send_receipt();
            receipt.set_producer_id(in_.send().producer_id());
            receipt.set_sequence_id(in_.send().sequence_id());
            receipt.set_highest_sequence_id(in_.send().highest_sequence_id());
            receipt.mutable_message_id()->set_ledgerid(7);
            receipt.mutable_message_id()->set_entryid(++entries_);
            return;
        }
        case Type::FLOW: permits_ += in_.flow().messagepermits(); return;
        case Type::CONNECT:
            out_.set_type(Type::CONNECTED);
            out_.mutable_connected()->set_server_version("mock");
            out_.mutable_connected()->set_protocol_version(in_.connect().protocol_version());
            out_.mutable_connected()->set_max_message_size(5 * 1024 * 1024);
            return;
        case Type::PARTITIONED_METADATA: {
            out_.set_type(Type::PARTITIONED_METADATA_RESPONSE);
            auto& response = *out_.mutable_partitioned_metadata_response();
            response.set_request_id(in_.partitioned_metadata().request_id());
            response.set_partitions(0);
            response.set_response(proto::CommandPartitionedTopicMetadataResponse::Success);
            return;
        }
        case Type::LOOKUP: {
            out_.set_type(Type::LOOKUP_RESPONSE);
            auto& response = *out_.mutable_lookup_response();
            response.set_request_id(in_.lookup().request_id());
            response.set_brokerserviceurl(service());
            response.set_authoritative(true);
            response.set_response(proto::CommandLookupTopicResponse::Connect);
            return;
        }
        case Type::PRODUCER:
            out_.set_type(Type::PRODUCER_SUCCESS);
            out_.mutable_producer_success()->set_request_id(in_.producer().request_id());
            out_.mutable_producer_success()->set_producer_name("mock-1");
            return;
        case Type::SUBSCRIBE: {
            const auto consumer = in_.subscribe().consumer_id();
            if (consumer > 0x7f) fail("a consumer's id does not fit into the frames");
            for (std::size_t begin = 0; begin < entries_feed_.size(); begin += entry_.size())
                entries_feed_[begin + consumer_id_at] = static_cast<char>(consumer);
            return success(in_.subscribe().request_id());
        }
        case Type::CLOSE_PRODUCER: return success(in_.close_producer().request_id());
        case Type::CLOSE_CONSUMER: return success(in_.close_consumer().request_id());
        case Type::PING:
            out_.set_type(Type::PONG);
            out_.mutable_pong();
            return;
        default: return;
    }
}

// As many entries as are allowed, up to one filling of the feed.
bool MockBroker::feed(int socket) {
    const auto there = entries_feed_.size() / entry_.size();
    const auto allowed = (static_cast<std::size_t>(permits_) + messages_an_entry_ - 1) / messages_an_entry_;
    const auto count = std::min(there, allowed);
    for (std::size_t i = 0; i < count; ++i) {
        write_id(entries_feed_.data() + i * entry_.size() + id_at_, next_entry_);
        next_entry_ = next_entry_ == entry_last ? entry_first : next_entry_ + 1;
    }
    permits_ -= static_cast<std::int64_t>(count * messages_an_entry_);
    entries_ += count;
    return write_all(socket, {entries_feed_.data(), count * entry_.size()});
}

}  // namespace bench

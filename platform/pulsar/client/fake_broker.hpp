// A broker for tests, in this process and on 127.0.0.1: topics in memory, one connection's commands after the other, and what may go wrong.
#pragma once

#include "kernel/check.hpp"
#include "platform/pulsar/wire/frame.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace platform::pulsar::client {

class FakeBroker {
public:
    struct Options {
        std::string address = "127.0.0.1";
        std::uint16_t port = 0;  // 0: any that is free
        bool tls = false;
        std::string certificate{}, key{};  // of the broker
        std::string client_ca{};           // not empty: clients need a certificate of it
        std::string token{};               // not empty: clients need it
        bool is_silent = false;            // takes connections, and says nothing
        std::map<std::string, std::uint32_t> partitions{};
        bool keeps_messages = true;
        bool has_exclusive_producer = false;  // somebody else: ours wait their turn, for ever
    };

    FakeBroker() : FakeBroker(Options{}) {}
    explicit FakeBroker(Options options)
        : options_(std::move(options)),
          acceptor_(io_, {boost::asio::ip::make_address(options_.address), options_.port}),
          tls_(ssl::context::tls_server) {
        if (options_.tls) {
            tls_.use_certificate_chain_file(options_.certificate);
            tls_.use_private_key_file(options_.key, ssl::context::pem);
            if (!options_.client_ca.empty()) {
                tls_.load_verify_file(options_.client_ca);
                tls_.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
            }
        }
        port_ = acceptor_.local_endpoint().port();
        accept();
        thread_ = std::thread([this] { io_.run(); });
    }
    ~FakeBroker() {
        io_.stop();
        thread_.join();
    }
    FakeBroker(const FakeBroker&) = delete;
    FakeBroker& operator=(const FakeBroker&) = delete;

    std::uint16_t port() const { return port_; }
    std::string url(const std::string& host = {}) const {
        return (options_.tls ? "pulsar+ssl://" : "pulsar://") + (host.empty() ? options_.address : host) + ":" + std::to_string(port_);
    }

    // Messages are taken, and their receipts kept back until receipts are let go again.
    void hold_receipts() { holding_ = true; }
    void release_receipts() {
        boost::asio::post(io_, [this] {
            holding_ = false;
            for (auto& [peer, bytes] : std::exchange(held_, {})) peer->write(bytes);
        });
    }
    void drop_connections() {
        boost::asio::post(io_, [this] {
            for (const auto& peer : std::set(peers_)) peer->drop();
        });
    }
    // Waits for a fact: so many messages of SENDs came, connections were made, consumers subscribed.
    void wait_for_messages(std::size_t count) {
        wait([this, count] { return messages_ >= count; });
    }
    void wait_for_subscriptions(std::size_t count) {
        wait([this, count] { return subscriptions_ >= count; });
    }
    void wait_for_producers(std::size_t count) {
        wait([this, count] { return producers_ >= count; });
    }
    void wait_for_connections(std::size_t count) {
        wait([this, count] { return connections_ >= count; });
    }
    std::size_t connections() {
        const std::lock_guard lock(mutex_);
        return connections_;
    }
    std::size_t acks() {
        const std::lock_guard lock(mutex_);
        return acks_;
    }

private:
    using Error = boost::system::error_code;
    using tcp = boost::asio::ip::tcp;
    using Command = proto::BaseCommand;
    struct ssl {  // names of Asio's namespace, without bringing it in
        using context = boost::asio::ssl::context;
        using stream = boost::asio::ssl::stream<tcp::socket>;
        static constexpr auto verify_peer = boost::asio::ssl::verify_peer;
        static constexpr auto verify_fail_if_no_peer_cert = boost::asio::ssl::verify_fail_if_no_peer_cert;
    };

    struct Entry {
        std::string section;
        std::uint32_t messages = 1;
    };

    struct Peer;
    struct Reading {
        std::weak_ptr<Peer> peer;
        std::string topic;
        std::size_t next = 0;
        std::int64_t permits = 0;
    };

    struct Peer : std::enable_shared_from_this<Peer> {
        Peer(FakeBroker& of, tcp::socket socket) : broker(of), stream(std::move(socket), of.tls_) {}

        void start() {
            if (!broker.options_.tls) return read();
            stream.async_handshake(ssl::stream::server, [self = shared_from_this()](const Error& error) {
                if (error) self->drop();
                else self->read();
            });
        }
        void read() {
            auto room = splitter.prepare(64 * 1024);
            auto done = [self = shared_from_this()](const Error& error, std::size_t bytes) {
                if (self->is_dropped) return;
                if (error) return self->drop();
                self->splitter.commit(bytes);
                if (!self->take_frames()) return self->drop();
                self->flush();
                self->read();
            };
            if (broker.options_.tls) stream.async_read_some(boost::asio::buffer(room.data(), room.size()), std::move(done));
            else stream.next_layer().async_read_some(boost::asio::buffer(room.data(), room.size()), std::move(done));
        }
        bool take_frames() {
            for (;;) {
                const auto frame = splitter.next();
                if (!frame) return false;
                if (!*frame) return true;
                const auto rest = wire::parse_command(**frame, incoming);
                if (!rest) return false;
                if (!broker.options_.is_silent) broker.handle(*this, incoming, *rest);
            }
        }
        void write(std::string_view bytes) {
            out += bytes;
            flush();
        }
        void flush() {
            if (is_writing || is_dropped || out.empty()) return;
            is_writing = true;
            writing.clear();
            writing.swap(out);
            auto done = [self = shared_from_this()](const Error& error, std::size_t) {
                self->is_writing = false;
                if (error || (self->ends_when_written && self->out.empty())) return self->drop();
                self->flush();
            };
            if (broker.options_.tls) boost::asio::async_write(stream, boost::asio::buffer(writing), std::move(done));
            else boost::asio::async_write(stream.next_layer(), boost::asio::buffer(writing), std::move(done));
        }
        void drop() {
            is_dropped = true;
            Error ignored;
            stream.next_layer().close(ignored);
            std::erase_if(broker.readings_, [this](const auto& reading) { return reading.second.peer.lock().get() == this; });
            broker.peers_.erase(shared_from_this());
        }

        FakeBroker& broker;
        ssl::stream stream;
        wire::Splitter splitter;
        Command incoming;
        std::string out, writing;
        bool is_writing = false, is_dropped = false, ends_when_written = false;
        std::map<std::uint64_t, std::string> producers;  // topics
    };

    void accept() {
        acceptor_.async_accept([this](const Error& error, tcp::socket socket) {
            if (error) return;
            socket.set_option(tcp::no_delay(true));
            auto peer = std::make_shared<Peer>(*this, std::move(socket));
            peers_.insert(peer);
            count(connections_, 1);
            peer->start();
            accept();
        });
    }

    void handle(Peer& peer, const Command& in, std::string_view rest) {
        Command out;
        switch (in.type()) {
            case Command::CONNECT:
                if (!options_.token.empty() && in.connect().auth_data() != options_.token) {
                    out.set_type(Command::ERROR);
                    out.mutable_error()->set_request_id(std::numeric_limits<std::uint64_t>::max());
                    out.mutable_error()->set_error(proto::AuthenticationError);
                    out.mutable_error()->set_message("the token is not good");
                    peer.ends_when_written = true;
                    break;
                }
                out.set_type(Command::CONNECTED);
                out.mutable_connected()->set_server_version("fake");
                out.mutable_connected()->set_protocol_version(19);
                break;
            case Command::PARTITIONED_METADATA: {
                out.set_type(Command::PARTITIONED_METADATA_RESPONSE);
                auto& response = *out.mutable_partitioned_metadata_response();
                response.set_request_id(in.partitioned_metadata().request_id());
                const auto found = options_.partitions.find(in.partitioned_metadata().topic());
                response.set_partitions(found == options_.partitions.end() ? 0 : found->second);
                response.set_response(proto::CommandPartitionedTopicMetadataResponse::Success);
                break;
            }
            case Command::LOOKUP: {
                out.set_type(Command::LOOKUP_RESPONSE);
                auto& response = *out.mutable_lookup_response();
                response.set_request_id(in.lookup().request_id());
                response.set_response(proto::CommandLookupTopicResponse::Connect);
                if (options_.tls) response.set_brokerserviceurltls(url());
                else response.set_brokerserviceurl(url());
                break;
            }
            case Command::PRODUCER: {
                peer.producers[in.producer().producer_id()] = in.producer().topic();
                count(producers_, 1);
                out.set_type(Command::PRODUCER_SUCCESS);
                auto& success = *out.mutable_producer_success();
                success.set_request_id(in.producer().request_id());
                if (options_.has_exclusive_producer) success.set_producer_ready(false);
                success.set_producer_name(in.producer().producer_name().empty() ? "fake-name" : in.producer().producer_name());
                break;
            }
            case Command::SEND: return store(peer, in.send(), rest);
            case Command::SUBSCRIBE: {
                const auto& wanted = in.subscribe();
                Reading reading{.peer = peer.weak_from_this(), .topic = wanted.topic()};
                const auto start = static_cast<std::int64_t>(wanted.start_message_id().entryid());
                if (wanted.has_start_message_id() && start > 0)
                    reading.next = std::min(static_cast<std::size_t>(start), topics_[wanted.topic()].size());
                readings_[wanted.consumer_id()] = reading;
                count(subscriptions_, 1);
                succeed(out, wanted.request_id());
                break;
            }
            case Command::FLOW: {
                const auto found = readings_.find(in.flow().consumer_id());
                if (found == readings_.end()) return;
                found->second.permits += in.flow().messagepermits();
                return deliver(found->first, found->second);
            }
            case Command::ACK:
                count(acks_, static_cast<std::size_t>(in.ack().message_id_size()));
                if (!in.ack().has_request_id()) return;
                out.set_type(Command::ACK_RESPONSE);
                out.mutable_ack_response()->set_consumer_id(in.ack().consumer_id());
                out.mutable_ack_response()->set_request_id(in.ack().request_id());
                break;
            case Command::GET_LAST_MESSAGE_ID: {
                out.set_type(Command::GET_LAST_MESSAGE_ID_RESPONSE);
                auto& response = *out.mutable_get_last_message_id_response();
                response.set_request_id(in.get_last_message_id().request_id());
                const auto& entries = topics_[readings_.at(in.get_last_message_id().consumer_id()).topic];
                response.mutable_last_message_id()->set_ledgerid(1);
                response.mutable_last_message_id()->set_entryid(entries.size() - 1);
                break;
            }
            case Command::CLOSE_PRODUCER:
                peer.producers.erase(in.close_producer().producer_id());
                succeed(out, in.close_producer().request_id());
                break;
            case Command::CLOSE_CONSUMER:
                readings_.erase(in.close_consumer().consumer_id());
                succeed(out, in.close_consumer().request_id());
                break;
            case Command::UNSUBSCRIBE: succeed(out, in.unsubscribe().request_id()); break;
            case Command::PING:
                out.set_type(Command::PONG);
                out.mutable_pong();
                break;
            default: return;
        }
        peer.out += wire::encode(out);
    }

    static void succeed(Command& out, std::uint64_t request) {
        out.set_type(Command::SUCCESS);
        out.mutable_success()->set_request_id(request);
    }

    void store(Peer& peer, const proto::CommandSend& send, std::string_view rest) {
        const auto& topic = peer.producers.at(send.producer_id());
        auto& entries = topics_[topic];
        const auto number = options_.keeps_messages ? entries.size() : unkept_++;
        const auto messages = static_cast<std::uint32_t>(send.num_messages());
        if (options_.keeps_messages) entries.push_back({std::string(rest), messages});
        Command out;
        out.set_type(Command::SEND_RECEIPT);
        auto& receipt = *out.mutable_send_receipt();
        receipt.set_producer_id(send.producer_id());
        receipt.set_sequence_id(send.sequence_id());
        receipt.mutable_message_id()->set_ledgerid(1);
        receipt.mutable_message_id()->set_entryid(number);
        if (holding_) held_.emplace_back(peer.shared_from_this(), wire::encode(out));
        else peer.out += wire::encode(out);
        count(messages_, messages);
        for (auto& [id, reading] : readings_)
            if (reading.topic == topic) deliver(id, reading);
    }

    void deliver(std::uint64_t consumer, Reading& reading) {
        const auto peer = reading.peer.lock();
        const auto& entries = topics_[reading.topic];
        if (!peer) return;
        for (; reading.permits > 0 && reading.next < entries.size(); ++reading.next) {
            const auto& entry = entries[reading.next];
            Command out;
            out.set_type(Command::MESSAGE);
            out.mutable_message()->set_consumer_id(consumer);
            out.mutable_message()->mutable_message_id()->set_ledgerid(1);
            out.mutable_message()->mutable_message_id()->set_entryid(reading.next);
            reading.permits -= entry.messages;
            auto frame = wire::encode(out);
            const auto total = static_cast<std::uint32_t>(frame.size() - 4 + entry.section.size());
            for (int i = 0; i < 4; ++i) frame[static_cast<std::size_t>(i)] = static_cast<char>(total >> (24 - 8 * i));
            peer->out += frame;
            peer->out += entry.section;
        }
        peer->flush();
    }

    void count(std::size_t& what, std::size_t by) {
        {
            const std::lock_guard lock(mutex_);
            what += by;
        }
        changed_.notify_all();
    }
    void wait(const std::function<bool()>& fact) {
        std::unique_lock lock(mutex_);
        CHECK(changed_.wait_for(lock, std::chrono::seconds(30), fact), "what the test waits for happens");
    }

    const Options options_;
    boost::asio::io_context io_{1};
    tcp::acceptor acceptor_;
    ssl::context tls_;
    std::uint16_t port_ = 0;
    std::atomic<bool> holding_{false};
    std::vector<std::pair<std::shared_ptr<Peer>, std::string>> held_;
    std::map<std::string, std::vector<Entry>> topics_;
    std::size_t unkept_ = 0;
    std::map<std::uint64_t, Reading> readings_;  // by consumer: a client's ids are its own, so one client with consumers at a time
    std::set<std::shared_ptr<Peer>> peers_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t messages_ = 0, producers_ = 0, subscriptions_ = 0, connections_ = 0, acks_ = 0;
    std::thread thread_;
};

}  // namespace platform::pulsar::client

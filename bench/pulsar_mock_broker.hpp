// A broker in a thread of this process that does as little as it can: receipts for what is sent, prebuilt entries for who receives. One
// connection at a time.
#pragma once

#include "platform/pulsar/wire/frame.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace bench {

class MockBroker {
public:
    // The entries that it feeds: `batch` messages of `size` bytes each; 0: one message that is no batch. `on_thread` is called first on its
    // thread.
    MockBroker(std::size_t size, std::size_t batch, std::function<void()> on_thread);
    ~MockBroker();
    MockBroker(const MockBroker&) = delete;
    MockBroker& operator=(const MockBroker&) = delete;

    std::string service() const;
    double cpu_seconds() const;                         // of its thread
    std::uint64_t entries() const { return entries_; }  // received or fed, when nothing is under way

private:
    void serve();
    void serve_one(int socket);
    bool read(int socket, bool wait);
    void answer(std::string_view frame);
    void command();
    bool feed(int socket);

    int listening_ = -1;
    std::uint16_t port_ = 0;
    std::size_t messages_an_entry_;
    std::string entry_;         // one MESSAGE frame
    std::string entries_feed_;  // many, one after the other
    std::size_t id_at_ = 0;     // where in a frame the entry's id is
    std::uint64_t next_entry_ = 0;
    std::atomic<std::uint64_t> entries_{0};
    std::int64_t permits_ = 0;
    platform::pulsar::wire::Splitter splitter_;
    platform::pulsar::proto::BaseCommand in_, out_;
    std::string answers_;
    std::thread thread_;
};

}  // namespace bench

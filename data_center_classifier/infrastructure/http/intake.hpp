// Intake: what the routes of /raw-data share. Records that were read become batches, batches become outcomes and lines of an answer.
#pragma once

#include "data_center_classifier/infrastructure/http/answers.hpp"
#include "data_center_classifier/infrastructure/http/authentication.hpp"
#include "data_center_classifier/infrastructure/http/quota.hpp"
#include "data_center_classifier/infrastructure/http/routes.hpp"
#include "platform/http/problem.hpp"

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace data_center_classifier::infrastructure::http {

inline constexpr std::size_t batch_items_max = 1'000;
inline constexpr std::size_t batch_bytes_max = 1024 * 1024;
// How long a batch waits for a full queue before it is given up.
inline constexpr std::chrono::seconds busy_patience{20};

// One record as it came: to be received, or refused.
struct Item {
    std::uint64_t index = 0;  // in the request
    std::optional<platform::http::Problem> refusal;
    std::string record_id_found = {};  // what its id is, when it cannot be one
};

// Records of one request that are received together. Those without refusal stand in `incoming`, in order.
struct Batch {
    std::vector<Item> items;
    std::shared_ptr<std::vector<application::Incoming>> incoming = std::make_shared<std::vector<application::Incoming>>();
    std::size_t bytes = 0;
    std::string request_id;
    std::string key_id;  // of its sender; empty in open mode
    bool full() const { return items.size() >= batch_items_max || bytes >= batch_bytes_max; }
};
using Batches = std::deque<Batch>;

// Why the use case refused an item.
platform::http::Problem refusal_of(const Item& item, const application::Outcome& outcome);

class Intake {
public:
    explicit Intake(const Surface& surface);

    // Puts what a reader gave into the last of the batches, or a new one.
    void add(Batches& batches, const Submitter& submitter, std::string_view interface, std::uint64_t index,
             formats::Read<domain::RawData> read) const;

    // Receives a batch: finds its senders (in open mode they are registered on first sight), then judges and stores. A full queue is tried
    // again until `patience` is over. Gives the outcomes of `batch->incoming`; an error concerns the whole batch: forbidden "key-revoked"
    // or "data-center-suspended" when that happened after its request was let in.
    kernel::Task<std::vector<application::Outcome>> receive(std::shared_ptr<Batch> batch, std::chrono::steady_clock::duration patience);

    // Writes a batch's items, in order, a line each if `lines`; and counts them.
    void write(JsonWriter& json, Totals& totals, const Batch& batch, const std::vector<application::Outcome>& outcomes, bool lines) const;
    // Writes them all as refused.
    void write_failed(JsonWriter& json, Totals& totals, const Batch& batch, const kernel::Error& error, bool lines) const;

    // Adds to the metric acopio_intake_records_total.
    void count(const Totals& totals);

    // A JSON reader, lent: kept for the next one afterwards.
    class Reader {
    public:
        explicit Reader(Intake& intake);
        ~Reader();
        Reader(const Reader&) = delete;
        Reader& operator=(const Reader&) = delete;
        formats::JsonReader* operator->() const { return reader_.get(); }

    private:
        Intake& intake_;
        std::unique_ptr<formats::JsonReader> reader_;
    };

    // Bytes of bodies that are read as a whole, until they are answered; and streams.
    Quota body_bytes, streams;
    CountsByName streams_of_center;

    const Surface& surface() const { return surface_; }
    const domain::Rubric& rubric() const { return surface_.receive.rubric(); }

private:
    kernel::Result<void> may_still_send(const Batch& batch) const;
    kernel::Task<> find_senders(std::shared_ptr<Batch> batch);
    static void drop_refused(Batch& batch, const std::vector<std::optional<platform::http::Problem>>& refusals);

    const Surface& surface_;
    std::mutex readers_mutex_;
    std::vector<std::unique_ptr<formats::JsonReader>> readers_;
    std::array<platform::runtime::Counter, 4> records_;  // index: application::Status
    platform::runtime::Histogram seconds_;
};

}  // namespace data_center_classifier::infrastructure::http

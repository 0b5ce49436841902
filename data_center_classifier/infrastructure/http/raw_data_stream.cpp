// Two coroutines on one thread: one reads and parses, the other stores batches and answers, so that parsing goes on while a batch is on its
// way to the disk. The second takes what there is as soon as it is free: a sender that pauses is answered at once, a fast one in full
// batches.
#include "data_center_classifier/infrastructure/http/raw_data_stream.hpp"

#include "data_center_classifier/infrastructure/http/problems.hpp"
#include "data_center_classifier/infrastructure/http/text_members.hpp"
#include "platform/runtime/coroutine.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace data_center_classifier::infrastructure::http {
namespace {

using platform::http::Exchange;
using platform::http::Problem;
using platform::http::Response;

// Bytes that are parsed between two looks at the batches: what bounds them when records are tiny.
constexpr std::size_t slice_bytes = 32 * 1024;
constexpr std::size_t batches_max = 2;

// Wakes the one coroutine that waits for it, on the same thread.
class Signal {
public:
    explicit Signal(const boost::asio::any_io_executor& executor) : timer_(executor, boost::asio::steady_timer::time_point::max()) {}
    kernel::Task<> wait() {
        co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        co_return kernel::ok();
    }
    void notify() { timer_.cancel(); }

private:
    boost::asio::steady_timer timer_;
};

// Bytes into batches: NDJSON or CSV.
class Parser {
public:
    Parser(Intake& intake, Submitter submitter, StreamFormat format)
        : intake_(intake), submitter_(std::move(submitter)), format_(format), lines_(intake.surface().limits.record_bytes_max) {
        if (format == StreamFormat::csv) csv_.emplace(mapping(), intake.surface().limits);
        else json_.emplace(intake);
    }

    // A refusal ends the stream.
    std::optional<formats::Refusal> feed(std::string_view bytes, Batches& batches) {
        if (format_ == StreamFormat::csv) return csv_->feed(bytes, row_into(batches));
        lines_.feed(bytes, line_into(batches));
        return std::nullopt;
    }
    std::optional<formats::Refusal> finish(Batches& batches) {
        if (format_ == StreamFormat::csv) return csv_->finish(row_into(batches));
        lines_.finish(line_into(batches));
        return std::nullopt;
    }

private:
    formats::CsvReader::Mapping mapping() const {
        const auto center = intake_.surface().cache.find(submitter_.sender.id.value);
        if (!center) return {};
        auto mapping = text_members(center->mapping);
        return mapping ? std::move(*mapping) : formats::CsvReader::Mapping();
    }
    formats::CsvReader::Row row_into(Batches& batches) {
        return [this, &batches](std::size_t, formats::Read<domain::RawData> read) {
            intake_.add(batches, submitter_, "csv", index_++, std::move(read));
        };
    }
    formats::LineSplitter::Line line_into(Batches& batches) {
        return [this, &batches](std::uint64_t number, std::string_view text, bool too_long) {
            intake_.add(batches, submitter_, "ndjson", index_++,
                        too_long ? formats::Read<domain::RawData>(line_too_long(number)) : (*json_)->record(text, number));
        };
    }
    formats::Refusal line_too_long(std::uint64_t number) const {
        const auto bytes_max = std::to_string(intake_.surface().limits.record_bytes_max);
        formats::Refusal refusal;
        refusal.code = "record-too-large";
        refusal.detail = "the line is longer than a record may be";
        refusal.line = number;
        refusal.expected = "at most " + bytes_max + " bytes";
        refusal.found = "more than " + bytes_max + " bytes";
        refusal.mend = "send images by reference; check that each record ends with a line feed";
        return refusal;
    }

    Intake& intake_;
    Submitter submitter_;
    StreamFormat format_;
    formats::LineSplitter lines_;
    std::optional<Intake::Reader> json_;
    std::optional<formats::CsvReader> csv_;
    std::uint64_t index_ = 0;
};

struct Stream {
    Stream(Intake& with, Submitter submitter, StreamFormat format, Exchange& of, const boost::asio::any_io_executor& executor)
        : intake(with), exchange(of), parser(with, std::move(submitter), format), more(executor), room(executor) {}

    Intake& intake;
    Exchange& exchange;
    Parser parser;
    Batches batches;                 // read, not yet received
    Signal more, room;               // for the storing and for the reading side
    bool all_read = false;           // nothing more comes
    bool given_up = false;           // nothing more is stored
    bool started = false;            // a line was answered
    bool ended = false;              // the last line was answered
    std::optional<Problem> problem;  // why it breaks off
    Totals totals;

    void parse_end(std::optional<formats::Refusal> refusal) {
        if (refusal) problem = problem_of(std::move(*refusal));
    }
};
using SharedStream = std::shared_ptr<Stream>;

kernel::Task<> read_slices(SharedStream stream, std::string chunk) {
    for (std::size_t begin = 0; begin < chunk.size() && !stream->problem && !stream->given_up; begin += slice_bytes) {
        stream->parse_end(stream->parser.feed(std::string_view(chunk).substr(begin, slice_bytes), stream->batches));
        stream->more.notify();
        while (stream->batches.size() >= batches_max && !stream->given_up)
            if (auto waited = co_await stream->room.wait(); !waited) co_return waited;
    }
    co_return kernel::ok();
}

kernel::Task<> read_all(SharedStream stream) {
    while (!stream->problem && !stream->given_up) {
        auto chunk = co_await stream->exchange.body.read();
        if (!chunk) {
            stream->problem = problem_of(chunk.error());
        } else if (chunk->empty()) {
            stream->parse_end(stream->parser.finish(stream->batches));
            break;
        } else if (auto done = co_await read_slices(stream, std::move(*chunk)); !done) {
            stream->problem = problem_of(done.error());
        }
    }
    stream->all_read = true;
    stream->more.notify();
    co_return kernel::ok();
}

kernel::Task<> write(SharedStream stream, std::string lines) {
    if (!stream->started) {
        stream->started = true;
        if (auto done = co_await stream->exchange.writer.start(200, "application/x-ndjson"); !done) co_return done;
    }
    co_return co_await stream->exchange.writer.write(std::move(lines));
}

kernel::Task<> store_batch(SharedStream stream, std::shared_ptr<Batch> batch) {
    auto outcomes = co_await stream->intake.receive(batch, busy_patience);
    if (!outcomes) co_return std::move(outcomes).error();
    JsonWriter json;
    Totals totals;
    stream->intake.write(json, totals, *batch, *outcomes, true);
    stream->intake.count(totals);
    for (std::size_t i = 0; i < totals.by_status.size(); ++i) stream->totals.by_status[i] += totals.by_status[i];
    co_return co_await write(stream, json.take());
}

std::string last_line(const Stream& stream) {
    JsonWriter json;
    json.open('{');
    add_totals(json, stream.totals);
    json.name("done").boolean(!stream.problem);
    if (stream.problem) {
        auto problem = *stream.problem;
        problem.instance = stream.exchange.request.id;
        json.name("problem").raw(platform::http::to_json(problem));
    }
    json.close('}').end_line();
    return json.take();
}

kernel::Task<> store_all(SharedStream stream) {
    while (true) {
        while (stream->batches.empty() && !stream->all_read)
            if (auto waited = co_await stream->more.wait(); !waited) co_return waited;
        if (stream->batches.empty()) break;
        auto batch = std::make_shared<Batch>(std::move(stream->batches.front()));
        stream->batches.pop_front();
        stream->room.notify();
        if (auto done = co_await store_batch(stream, std::move(batch)); !done) {
            stream->problem = problem_of(done.error());
            // Said of the batch that failed; of those before it lines were answered, and they are stored.
            if (stream->started && stream->problem->code == "log-write-failed")
                stream->problem->detail =
                    "the event log could not be written: of what follows the last line that was answered nothing is stored; retry later";
            stream->given_up = true;
            stream->room.notify();
            // At once: the reading side may wait for a sender that pauses.
            if (stream->started) stream->ended = bool(co_await write(stream, last_line(*stream)));
            break;
        }
    }
    co_return kernel::ok();
}

}  // namespace

kernel::Task<Response> post_stream(Intake* intake, Submitter submitter, StreamFormat format, Exchange* exchange) {
    using namespace boost::asio::experimental::awaitable_operators;
    const auto stream =
        std::make_shared<Stream>(*intake, std::move(submitter), format, *exchange, co_await boost::asio::this_coro::executor);
    auto [read, stored] = co_await (read_all(stream) && store_all(stream));
    if (!read) co_return std::move(read).error();
    if (!stored) co_return std::move(stored).error();
    // Nothing was answered yet: a problem can have a status of its own.
    if (stream->problem && !stream->started) co_return refuse(*stream->problem);
    if (!stream->ended)
        if (auto done = co_await write(stream, last_line(*stream)); !done) co_return std::move(done).error();
    Response response;
    response.streamed = true;
    co_return response;
}

}  // namespace data_center_classifier::infrastructure::http

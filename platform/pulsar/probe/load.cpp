#include "platform/pulsar/probe/load.hpp"

#include "platform/pulsar/probe/json.hpp"
#include "platform/runtime/coroutine.hpp"

#include <utility>

namespace platform::pulsar::probe {

Load::Load(std::shared_ptr<client::Producer> producer, LoadOptions options, Output& output)
    : producer_(std::move(producer)),
      options_(std::move(options)),
      output_(output),
      thread_([this](const std::stop_token& stopped) { run(stopped); }) {}

// The thread is stopped and joined first.
Load::~Load() = default;

void Load::finish() {
    const std::lock_guard lock(progress_->mutex);
    progress_->finish = true;
    progress_->changed.notify_all();
}

void Load::run(const std::stop_token& stop) {
    const auto is_over = [&] { return progress_->failed || progress_->finish; };
    for (auto sequence = options_.first; sequence < options_.first + options_.count; ++sequence) {
        {
            std::unique_lock lock(progress_->mutex);
            progress_->changed.wait(lock, stop, [&] { return progress_->pending < options_.window || is_over(); });
            if (options_.pause.count() > 0) progress_->changed.wait_for(lock, stop, options_.pause, is_over);
            if (stop.stop_requested() || is_over()) break;
            ++progress_->pending;
        }
        client::OutMessage message;
        message.payload = options_.name + ":" + std::to_string(sequence) + ":";
        if (message.payload.size() < options_.size) message.payload.resize(options_.size, 'x');
        message.key = options_.name + "-" + std::to_string(sequence % options_.keys);
        message.sequence = sequence;
        auto taken = producer_->try_send(std::move(message), [progress = progress_, name = options_.name, sequence,
                                                              output = &output_](const kernel::Result<client::Receipt>& receipt) {
            auto line = to_json(receipt);
            line[receipt ? "acked" : "failed"] = name;
            line["sequence"] = sequence;
            output->say(line);
            const std::lock_guard lock(progress->mutex);
            --progress->pending;
            progress->acked += receipt ? 1 : 0;
            progress->failed |= !receipt;
            progress->changed.notify_all();
        });
        if (taken) continue;
        output_.say({{"failed", options_.name}, {"sequence", sequence}, {"error", to_json(taken.error())}});
        const std::lock_guard lock(progress_->mutex);
        --progress_->pending;
        progress_->failed = true;
    }
    std::unique_lock lock(progress_->mutex);
    progress_->changed.wait(lock, stop, [&] { return progress_->pending == 0; });
    output_.say({{"loaded", options_.name}, {"acked", progress_->acked}, {"failed", progress_->failed}});
}

Follow::Follow(std::shared_ptr<client::Consumer> consumer, FollowOptions options, Output& output)
    : consumer_(std::move(consumer)),
      options_(std::move(options)),
      output_(output),
      thread_([this](const std::stop_token& stopped) { run(stopped); }) {}

Follow::~Follow() {
    stop();
}

void Follow::stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

void Follow::run(const std::stop_token& stop) {
    const auto took = [&](const client::MessageId& id) -> kernel::Result<void> {
        if (options_.ack == "single") return consumer_->ack(id);
        if (options_.ack == "receipt") return runtime::run(consumer_->ack_with_receipt(id));
        return runtime::run(consumer_->ack_cumulative_with_receipt(id));
    };
    while (!stop.stop_requested()) {
        auto messages = consumer_->receive_blocking(100, std::chrono::seconds(1), stop);
        if (!messages) {
            output_.say({{"followed", options_.name}, {"error", to_json(messages.error())}});
            return;
        }
        for (const auto& message : *messages) {
            output_.say({{"got", options_.name}, {"message", to_json(message, options_.digest)}});
            if (options_.ack.empty()) continue;
            if (const auto stored = took(message.id)) output_.say({{"took", options_.name}, {"id", to_json(message.id)}});
            else output_.say({{"not_taken", options_.name}, {"id", to_json(message.id)}, {"error", to_json(stored.error())}});
        }
    }
    output_.say({{"followed", options_.name}});
}

}  // namespace platform::pulsar::probe

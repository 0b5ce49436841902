// Replays what the official Python client and a real broker said to each other: captures/*.hex, lines "> hex" of the client and "< hex" of
// the broker.
#include "platform/pulsar/wire/batch.hpp"
#include "platform/pulsar/wire/compression.hpp"
#include "platform/pulsar/wire/frame.hpp"
#include "platform/pulsar/wire/test_bytes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <vector>

namespace platform::pulsar::wire {
namespace {

std::vector<std::filesystem::path> captures() {
    const auto folder = std::filesystem::path(ACOPIO_SOURCE_DIR) / "platform/pulsar/wire/captures";
    std::vector<std::filesystem::path> files;
    if (!std::filesystem::is_directory(folder)) return files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".hex") files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

struct Seen {
    std::map<int, std::size_t> commands;  // by type
    std::size_t messages = 0;
    std::size_t of_batches = 0;
};

void replay_message(std::string_view bytes, const proto::BaseCommand& command, std::string_view frame, Seen& seen) {
    MessageSection section;
    const auto parsed = parse_message(bytes, section);
    ASSERT_TRUE(parsed) << parsed.error().message;
    ++seen.messages;
    EXPECT_TRUE(section.has_checksum);
    if (command.has_send()) {
        EXPECT_EQ(kernel::hex_of(encode_send(command, section.metadata, section.payload).substr(4)), kernel::hex_of(frame));
    }
    std::string payload(section.payload);
    if (section.metadata.has_compression() && section.metadata.compression() != proto::NONE) {
        const auto done = decompress(section.metadata.compression(), section.payload, section.metadata.uncompressed_size(),
                                     message_bytes_default, payload);
        ASSERT_TRUE(done) << done.error().message;
    }
    if (!section.metadata.has_num_messages_in_batch()) return;
    auto reader = BatchReader::open(payload, section.metadata.num_messages_in_batch());
    ASSERT_TRUE(reader) << reader.error().message;
    proto::SingleMessageMetadata single;
    std::string again;
    while (!reader->at_end()) {
        const auto message = reader->next(single);
        ASSERT_TRUE(message) << message.error().message;
        ++seen.of_batches;
        add_to_batch(again, single, *message);
    }
    EXPECT_EQ(kernel::hex_of(again), kernel::hex_of(payload));
}

void replay_frame(std::string_view frame, Seen& seen) {
    proto::BaseCommand command;
    const auto rest = parse_command(frame, command);
    ASSERT_TRUE(rest) << rest.error().message;
    ASSERT_TRUE(command.has_type());
    ++seen.commands[command.type()];
    const auto command_bytes = frame.substr(0, frame.size() - rest->size());
    EXPECT_EQ(kernel::hex_of(encode(command).substr(4)), kernel::hex_of(command_bytes));
    const bool carries = command.type() == proto::BaseCommand::SEND || command.type() == proto::BaseCommand::MESSAGE;
    EXPECT_EQ(!rest->empty(), carries);
    if (carries) replay_message(*rest, command, frame, seen);
}

TEST(Captures, what_the_official_client_and_the_broker_said_is_understood) {
    const auto files = captures();
    ASSERT_FALSE(files.empty()) << "platform/pulsar/wire/captures has no *.hex";
    Seen seen;
    for (const auto& path : files) {
        std::map<char, Splitter> splitters;
        std::ifstream lines(path);
        std::size_t number = 0;
        for (std::string line; std::getline(lines, line);) {
            SCOPED_TRACE(path.filename().string() + ":" + std::to_string(++number));
            if (line.empty() || line.front() == '#') continue;
            ASSERT_TRUE(line.front() == '>' || line.front() == '<');
            auto& splitter = splitters[line.front()];
            const auto bytes = bytes_of(std::string_view(line).substr(1));
            std::ranges::copy(bytes, splitter.prepare(bytes.size()).begin());
            splitter.commit(bytes.size());
            while (true) {
                const auto frame = splitter.next();
                ASSERT_TRUE(frame) << frame.error().message;
                if (!*frame) break;
                replay_frame(**frame, seen);
            }
        }
    }
    EXPECT_GT(seen.commands.size(), 5U);
    EXPECT_GT(seen.messages, 0U);
    EXPECT_GT(seen.of_batches, 0U);
}

}  // namespace
}  // namespace platform::pulsar::wire

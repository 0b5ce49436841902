// Tests of the runtime: pool, calls that block, digests, log lines, metrics.
#include "platform/runtime/blocking_call.hpp"
#include "platform/runtime/digest.hpp"
#include "platform/runtime/logging.hpp"
#include "platform/runtime/metrics.hpp"

#include <atomic>
#include <future>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace platform::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(blocking_pool, runs_everything_that_is_queued_before_it_ends) {
    std::atomic<int> done = 0;
    {
        BlockingPool pool({.threads = 2, .queue_max = 1000, .name = "a name longer than Linux keeps"});
        for (int i = 0; i < 500; ++i) ASSERT_TRUE(pool.submit([&done] { ++done; }));
    }
    EXPECT_EQ(done, 500);
}

TEST(blocking_pool, refuses_a_job_beyond_its_bound_and_takes_jobs_again_later) {
    std::promise<void> started;
    std::promise<void> gate;
    std::promise<void> last;
    BlockingPool pool({.threads = 1, .queue_max = 1});
    ASSERT_TRUE(pool.submit([&] {
        started.set_value();
        gate.get_future().wait();
    }));
    started.get_future().wait();
    ASSERT_TRUE(pool.submit([] {}));
    EXPECT_FALSE(pool.submit([] {}));
    gate.set_value();
    while (!pool.submit([&] { last.set_value(); })) std::this_thread::yield();
    EXPECT_EQ(last.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

kernel::Task<int> doubled(BlockingPool& pool, int value) {
    const auto caller = std::this_thread::get_id();
    auto worker = caller;
    auto result = co_await blocking_call(pool, [value, &worker]() -> kernel::Result<int> {
        worker = std::this_thread::get_id();
        return 2 * value;
    });
    EXPECT_NE(worker, caller);
    EXPECT_EQ(std::this_thread::get_id(), caller);
    co_return result;
}

TEST(blocking_call, runs_on_the_pool_and_resumes_where_it_was_awaited) {
    BlockingPool pool({.threads = 1});
    const auto result = run(doubled(pool, 21));
    ASSERT_TRUE(result);
    EXPECT_EQ(*result, 42);
}

TEST(blocking_call, may_end_with_its_executor_again_and_again) {
    BlockingPool pool({.threads = 2});
    for (int i = 0; i < 300; ++i) ASSERT_EQ(*run(doubled(pool, i)), 2 * i);
}

TEST(blocking_call, gives_what_its_function_throws_as_an_error_and_the_pool_goes_on) {
    BlockingPool pool({.threads = 1});
    const auto no_memory = run(blocking_call(pool, []() -> kernel::Result<int> { throw std::bad_alloc(); }));
    ASSERT_FALSE(no_memory);
    EXPECT_EQ(no_memory.error().kind, kernel::ErrorKind::fault);
    EXPECT_EQ(no_memory.error().code, "out-of-memory");
    const auto other = run(blocking_call(pool, []() -> kernel::Result<int> { throw std::runtime_error("Doe, Jane"); }));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, "job-threw");
    EXPECT_THAT(other.error().message, Not(HasSubstr("Doe")));
    EXPECT_EQ(*run(doubled(pool, 4)), 8);
}

TEST(blocking_pool, survives_a_job_that_throws_and_says_so_without_its_text) {
    testing::internal::CaptureStderr();
    std::promise<void> after;
    {
        BlockingPool pool({.threads = 1});
        ASSERT_TRUE(pool.submit([] { throw std::runtime_error("Doe, Jane"); }));
        ASSERT_TRUE(pool.submit([&] { after.set_value(); }));
    }
    EXPECT_EQ(after.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
    const auto logged = testing::internal::GetCapturedStderr();
    EXPECT_THAT(logged, HasSubstr(R"("event":"pool-job-threw","code":"job-threw")"));
    EXPECT_THAT(logged, Not(HasSubstr("Doe")));
}

TEST(blocking_call, is_busy_when_the_pool_is_full) {
    BlockingPool pool({.threads = 1, .queue_max = 0});
    const auto result = run(blocking_call(pool, []() -> kernel::Result<void> { return kernel::ok(); }));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, kernel::ErrorKind::busy);
    EXPECT_EQ(result.error().code, "pool-full");
}

TEST(digest, agrees_with_the_standard_s_examples) {
    EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(sha256("abc"), 4), "ba7816bf");
}

TEST(digest, random_secrets_have_the_length_asked_and_differ) {
    EXPECT_EQ(random_hex(24).size(), 48U);
    EXPECT_NE(random_hex(16), random_hex(16));
    EXPECT_EQ(random_hex(0), "");
}

TEST(digest, compares_by_content_and_length) {
    EXPECT_TRUE(equal_in_constant_time("secret", "secret"));
    EXPECT_TRUE(equal_in_constant_time("", ""));
    EXPECT_FALSE(equal_in_constant_time("secret", "secreT"));
    EXPECT_FALSE(equal_in_constant_time("secret", "secret2"));
}

std::string logged(Level level, std::string_view event, std::initializer_list<Field> fields) {
    testing::internal::CaptureStderr();
    log(level, event, fields);
    return testing::internal::GetCapturedStderr();
}

TEST(log_lines, are_one_json_object_with_time_level_event_and_fields) {
    const auto line =
        logged(Level::warn, "peer-slow", {{"bytes", std::int64_t{12}}, {"share", 0.5}, {"kept", true}, {"peer", "a\"b\\c\nd\xff"}});
    EXPECT_THAT(line, testing::StartsWith("{\"time\":\"2"));
    EXPECT_THAT(line, HasSubstr(R"("level":"warn","event":"peer-slow","bytes":12,"share":0.5,"kept":true,"peer":"a\"b\\c\nd?"})"));
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

TEST(log_lines, are_cut_to_four_kibibytes_and_stay_json) {
    const std::string text(10'000, '\x01');
    const auto line = logged(Level::error, text, {{"first", text}, {"second", text}, {"third", text}});
    EXPECT_LE(line.size(), 4097U);
    EXPECT_THAT(line, testing::EndsWith("}\n"));
}

TEST(log_lines, below_the_level_are_not_written) {
    EXPECT_EQ(logged(Level::debug, "detail", {}), "");
    set_log_level(Level::debug);
    EXPECT_NE(logged(Level::debug, "detail", {}), "");
    set_log_level(Level::info);
}

TEST(metrics, the_same_name_and_labels_give_the_same_instrument) {
    Metrics metrics;
    metrics.counter("acopio_things_total", "Things.", {{"kind", "a"}}).add();
    metrics.counter("acopio_things_total", "Things.", {{"kind", "a"}}).add(2);
    metrics.counter("acopio_things_total", "Things.", {{"kind", "b"}}).add();
    const auto text = metrics.exposition();
    EXPECT_THAT(text, HasSubstr("# TYPE acopio_things_total counter"));
    EXPECT_THAT(text, HasSubstr("acopio_things_total{kind=\"a\"} 3"));
    EXPECT_THAT(text, HasSubstr("acopio_things_total{kind=\"b\"} 1"));
}

TEST(metrics, gauges_are_refreshed_just_before_the_exposition) {
    Metrics metrics;
    int length = 1;
    auto gauge = metrics.gauge("acopio_queue_length", "Jobs waiting.");
    {
        const Metrics::Refresh refresh(metrics, [&] { gauge.set(length); });
        length = 7;
        EXPECT_THAT(metrics.exposition(), HasSubstr("acopio_queue_length 7"));
    }
    length = 8;
    EXPECT_THAT(metrics.exposition(), HasSubstr("acopio_queue_length 7")) << "what is gone is not asked";
}

TEST(metrics, histograms_count_in_buckets_of_seconds) {
    Metrics metrics;
    metrics.seconds("acopio_wait_seconds", "Waits.").observe(0.003);
    const auto text = metrics.exposition();
    EXPECT_THAT(text, HasSubstr("acopio_wait_seconds_bucket{le=\"0.0025\"} 0"));
    EXPECT_THAT(text, HasSubstr("acopio_wait_seconds_bucket{le=\"0.005\"} 1"));
    EXPECT_THAT(text, HasSubstr("acopio_wait_seconds_count 1"));
}

TEST(metrics, instruments_that_stand_for_nothing_may_be_used) {
    Counter().add();
    Gauge().set(1);
    Histogram().observe(1);
}

}  // namespace
}  // namespace platform::runtime

// The references: the least that a durable HTTP intake can do with the same parts as acopio. One I/O thread, one writer thread that commits
// what has gathered as one group, 202 after the commit. No judging, no looking for repeats, no index, no identities, nothing behind it.
//   table FILE   reads four fields of the JSON and inserts a row into SQLite (WAL, synchronous=FULL)
//   file FILE    reads nothing and appends the body to a file, with fdatasync: no database could be faster
// Prints its port.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <fcntl.h>
#include <simdjson.h>
#include <sqlite3.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

constexpr std::size_t buffer_bytes = 16 * 1024;
constexpr std::uint64_t body_bytes_max = 1024 * 1024;

// Where groups of bodies become durable. Both calls on one thread each: may_store() on the I/O thread, store() on the writer's.
class Store {
public:
    virtual ~Store() = default;
    virtual bool may_store(const std::string& body) = 0;
    virtual bool store(const std::vector<std::string_view>& bodies) = 0;
};

class FileStore final : public Store {
public:
    explicit FileStore(const char* path) : file_(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
        if (file_ < 0) std::perror(path), std::exit(1);
    }
    ~FileStore() override { close(file_); }

    bool may_store(const std::string&) override { return true; }

    bool store(const std::vector<std::string_view>& bodies) override {
        bytes_.clear();
        for (const auto body : bodies) bytes_ += body;
        for (std::size_t at = 0; at < bytes_.size();) {
            const auto written = write(file_, bytes_.data() + at, bytes_.size() - at);
            if (written <= 0) return false;
            at += static_cast<std::size_t>(written);
        }
        return fdatasync(file_) == 0;
    }

private:
    int file_;
    std::string bytes_;
};

class TableStore final : public Store {
public:
    explicit TableStore(const char* path) {
        check(sqlite3_open(path, &database_) == SQLITE_OK);
        run("PRAGMA journal_mode=WAL");
        run("PRAGMA synchronous=FULL");
        run("PRAGMA wal_autocheckpoint=4000");
        run("CREATE TABLE record(sequence INTEGER PRIMARY KEY, id BLOB NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL)");
        check(sqlite3_prepare_v3(database_, "INSERT INTO record(id, version, body) VALUES(?, 1, ?)", -1, SQLITE_PREPARE_PERSISTENT,
                                 &insert_, nullptr) == SQLITE_OK);
    }
    ~TableStore() override {
        sqlite3_finalize(insert_);
        sqlite3_close(database_);
    }

    bool may_store(const std::string& body) override {
        const simdjson::padded_string padded(body);
        simdjson::ondemand::document document;
        std::string_view id, modality, sex;
        std::int64_t age = 0;
        return !parser_.iterate(padded).get(document) && !document["record_id"].get(id) && !document["modality"].get(modality) &&
               !document["age"].get(age) && !document["sex"].get(sex);
    }

    bool store(const std::vector<std::string_view>& bodies) override {
        run("BEGIN IMMEDIATE");
        for (const auto body : bodies) {
            const auto id = body.substr(0, id_bytes);
            sqlite3_bind_blob(insert_, 1, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
            sqlite3_bind_blob(insert_, 2, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
            check(sqlite3_step(insert_) == SQLITE_DONE);
            sqlite3_reset(insert_);
        }
        run("COMMIT");
        return true;
    }

private:
    static constexpr std::size_t id_bytes = 16;

    void check(bool good) const {
        if (!good) std::fprintf(stderr, "%s\n", sqlite3_errmsg(database_)), std::exit(1);
    }
    void run(const char* statement) const { check(sqlite3_exec(database_, statement, nullptr, nullptr, nullptr) == SQLITE_OK); }

    sqlite3* database_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
    simdjson::ondemand::parser parser_;
};

// Stores what waits as one group, then tells all that waited. While a group is stored the next one gathers.
class GroupWriter {
public:
    GroupWriter(asio::io_context& io, Store& store) : io_(io), store_(store), thread_([this] { run(); }) {}
    ~GroupWriter() {
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }
    GroupWriter(const GroupWriter&) = delete;
    GroupWriter& operator=(const GroupWriter&) = delete;

    // `done` is called on the I/O thread, after the commit.
    void append(std::string bytes, std::move_only_function<void(bool)> done) {
        {
            const std::lock_guard lock(mutex_);
            waiting_.push_back({std::move(bytes), std::move(done)});
        }
        changed_.notify_one();
    }

private:
    struct Waiting {
        std::string bytes;
        std::move_only_function<void(bool)> done;
    };

    void run() {
        std::vector<std::string_view> bodies;
        while (true) {
            std::vector<Waiting> group;
            {
                std::unique_lock lock(mutex_);
                changed_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
                if (waiting_.empty()) return;
                group.swap(waiting_);
            }
            bodies.clear();
            for (const auto& one : group) bodies.emplace_back(one.bytes);
            const bool good = store_.store(bodies);
            asio::post(io_, [good, written = std::move(group)]() mutable {
                for (auto& one : written) one.done(good);
            });
        }
    }

    asio::io_context& io_;
    Store& store_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Waiting> waiting_;
    bool stopped_ = false;
    std::thread thread_;
};

// One connection; it lives as long as something is under way on it.
class Session : public std::enable_shared_from_this<Session> {
public:
    Session(tcp::socket socket, Store& store, GroupWriter& writer) : socket_(std::move(socket)), store_(store), writer_(writer) {}

    void read() {
        parser_.emplace();
        parser_->body_limit(body_bytes_max);
        http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](boost::system::error_code failed, std::size_t) {
            if (!failed) self->append();
        });
    }

private:
    void append() {
        auto request = parser_->release();
        response_ = {http::status::accepted, request.version()};
        response_.keep_alive(request.keep_alive());
        if (!store_.may_store(request.body())) {
            response_.result(http::status::bad_request);
            return answer();
        }
        writer_.append(std::move(request.body()), [self = shared_from_this()](bool good) {
            if (good) self->answer();
        });
    }

    void answer() {
        response_.prepare_payload();
        http::async_write(socket_, response_, [self = shared_from_this()](boost::system::error_code failed, std::size_t) {
            if (!failed && self->response_.keep_alive()) self->read();
        });
    }

    tcp::socket socket_;
    Store& store_;
    GroupWriter& writer_;
    beast::flat_buffer buffer_{buffer_bytes};
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::empty_body> response_;
};

void accept_next(tcp::acceptor& acceptor, Store& store, GroupWriter& writer) {
    acceptor.async_accept([&acceptor, &store, &writer](boost::system::error_code failed, tcp::socket socket) {
        if (!failed) {
            socket.set_option(tcp::no_delay(true));
            std::make_shared<Session>(std::move(socket), store, writer)->read();
        }
        accept_next(acceptor, store, writer);
    });
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view kind = count == 3 ? arguments[1] : "";
    if (kind != "table" && kind != "file") return std::fputs("usage: bench_reference_server table|file FILE\n", stderr), 2;
    std::unique_ptr<Store> store;
    if (kind == "table") store = std::make_unique<TableStore>(arguments[2]);
    else store = std::make_unique<FileStore>(arguments[2]);
    asio::io_context io(1);
    GroupWriter writer(io, *store);
    tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
    std::printf("%d\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    accept_next(acceptor, *store, writer);
    asio::signal_set signals(io, SIGTERM, SIGINT);
    signals.async_wait([&io](auto, auto) { io.stop(); });
    io.run();
    return 0;
}

// StreamWriter: a streamed answer, in chunks.
#pragma once

#include "platform/http/body.hpp"

namespace platform::http {

class StreamWriter final : public Writer {
public:
    struct Facts {
        bool head = false;    // HEAD: the header only
        bool chunked = true;  // false for HTTP/1.0: the end of the connection ends the answer
        bool close = false;   // say "Connection: close"
        std::string date;     // the line of the header, with its end
    };
    StreamWriter(Outlet& outlet, RequestBody& body, const Limits& limits, Facts facts)
        : outlet_(outlet), body_(body), limits_(limits), facts_(std::move(facts)) {}

    kernel::Task<> start(int status, std::string content_type) override;
    kernel::Task<> write(std::string chunk) override;

    bool started() const { return status_ != 0; }
    int status() const { return status_; }
    bool closes() const { return facts_.close || !facts_.chunked; }
    // After the handler: adds the last chunk.
    kernel::Result<void> end();

private:
    kernel::Task<> push();

    Outlet& outlet_;
    RequestBody& body_;
    const Limits& limits_;
    Facts facts_;
    int status_ = 0;
};

}  // namespace platform::http

// RequestBody: the body of one request, read from the wire as the handler asks for it.
#pragma once

#include "platform/http/decode.hpp"
#include "platform/http/http.hpp"
#include "platform/http/outlet.hpp"

#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <memory>
#include <optional>

namespace platform::http {

using Parser = boost::beast::http::request_parser<boost::beast::http::buffer_body>;

class RequestBody final : public Body {
public:
    struct Facts {
        std::string content_encoding;
        bool continue_asked = false;   // Expect: 100-continue, not answered yet
        bool length_required = false;  // the method has a body, but nothing says how long it is
    };
    // `parser` has read the header.
    RequestBody(Parser& parser, Wire& wire, Outlet& outlet, const Limits& limits, Facts facts);

    kernel::Task<std::string> read() override;
    using Body::read_all;
    kernel::Task<std::string> read_all(std::size_t bytes_max, Admit admit) override;

    // Everything that the peer sends of this request has come.
    bool at_end() const { return parser_.is_done(); }
    // What the peer still sends cannot be told apart, or does not come: nothing follows on this connection.
    bool broken() const { return broken_; }
    bool continue_asked() const { return facts_.continue_asked; }
    // Tells the peer to send the body, if it waits for that. Before anything of a final answer.
    void answer_continue();
    // Reads and drops what is left; false if that is more than `bytes_max`, or would not come.
    Await<bool> discard(std::size_t bytes_max);

private:
    kernel::Task<std::string> read_encoded();
    kernel::Task<std::string> read_decoded();
    kernel::Result<std::string> take();  // what the wire has of the body: "" if nothing
    Await<kernel::Result<void>> more();
    kernel::Result<std::string> counted(std::string bytes);
    kernel::Error remember(kernel::Error error);

    Parser& parser_;
    Wire& wire_;
    Outlet& outlet_;
    const Limits& limits_;
    Facts facts_;
    std::unique_ptr<Decoder> decoder_;
    std::string encoded_;  // for the decoder
    std::size_t encoded_used_ = 0;
    bool broken_ = false;
    bool decoder_chosen_ = false;
    bool decoder_full_ = false;  // the decoder may have more to give without more input
    std::uint64_t decoded_bytes_ = 0;
    std::optional<kernel::Error> failed_;  // for ever
};

}  // namespace platform::http

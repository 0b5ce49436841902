// Outlet: the way out of a connection for a streamed answer: the socket, and a spool for what the peer does not take yet.
#pragma once

#include "platform/http/spool.hpp"
#include "platform/http/wire.hpp"

#include <optional>
#include <string_view>

namespace platform::http {

class Outlet {
public:
    Outlet(Wire& wire, std::uint64_t file_max, SpoolQuota& quota) : wire_(wire), file_max_(file_max), quota_(quota) {}

    // Takes the bytes; never waits. Errors as Spool::append. They are sent at once if the reading side waits for the peer, and else when
    // it comes to that.
    kernel::Result<void> add(std::string_view bytes);
    // Sends what the peer takes without waiting. True once nothing is left.
    kernel::Result<bool> send_now();
    bool empty() const { return wire_.out().empty() && (!spool_ || spool_->empty()); }
    // Waits until the peer has taken everything.
    Await<kernel::Result<void>> flush(std::chrono::steady_clock::duration stall);

private:
    kernel::Result<void> keep(std::string_view bytes);

    Wire& wire_;
    std::uint64_t file_max_;
    SpoolQuota& quota_;
    std::optional<Spool> spool_;  // made when it is needed; newer than wire_.out()
};

// What ended the waiting, as an error of the request.
kernel::Error error_of(Io io);

}  // namespace platform::http

// Descriptors: how many files and sockets this process may have open, and how many connections that is enough for.
#pragma once

#include <cstddef>

namespace platform::http {

// Raises this process's bound on open descriptors from the soft to the hard one. How many it may open now.
std::size_t raise_descriptor_limit();

// Connections for each of `servers` servers, so that descriptors are left for databases, spooled answers and the rest. At least 1.
std::size_t connections_that_fit(std::size_t descriptors, std::size_t servers);

// Kept for the moment in which no other is left: with it a connection can be taken, told so and closed.
class SpareDescriptor {
public:
    SpareDescriptor() { take(); }
    ~SpareDescriptor() { release(); }
    SpareDescriptor(const SpareDescriptor&) = delete;
    SpareDescriptor& operator=(const SpareDescriptor&) = delete;
    void take();  // nothing if there is none
    void release();

private:
    int file_ = -1;
};

}  // namespace platform::http

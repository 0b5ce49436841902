// Output: lines of JSON to a descriptor, each written whole before say() comes back, so that a kill loses none that was said.
#pragma once

#include <mutex>
#include <string>

#include <boost/json/object.hpp>

namespace platform::pulsar::probe {

// Thread-safe.
class Output {
public:
    explicit Output(int descriptor) : descriptor_(descriptor) {}
    void say(const boost::json::object& line);

private:
    std::mutex mutex_;
    const int descriptor_;
};

}  // namespace platform::pulsar::probe

// What stands at the top of a thread: nothing that is thrown below it may end the process.
#pragma once

#include "kernel/result.hpp"

#include <exception>
#include <functional>
#include <new>
#include <string>
#include <type_traits>

#include <pthread.h>

namespace platform::runtime {

// f() -> Result<T>; what it throws becomes a fault, "out-of-memory" or "job-threw". The text of the exception is dropped: it may quote
// data.
template <class F>
auto guarded(F&& f) -> std::invoke_result_t<F&> {
    try {
        return f();
    } catch (const std::bad_alloc&) {
        return kernel::Error{kernel::ErrorKind::fault, "out-of-memory", "there was not enough memory"};
    } catch (const std::exception&) {
        return kernel::Error{kernel::ErrorKind::fault, "job-threw", "work ended with an exception"};
    }
}

// As tools show it: the first 15 bytes, all that Linux keeps.
inline void name_this_thread(const std::string& name) {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace platform::runtime

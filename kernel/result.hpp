// Result<T>: a value or an Error, with the names of C++23's std::expected. Ignoring one is a compile error.
#pragma once

#include "kernel/check.hpp"

#include <string>
#include <utility>
#include <variant>

namespace kernel {

// What the caller can do about a failure. Nine kinds; a tenth needs an ADR.
enum class ErrorKind {
    incorrect,    // the input is wrong: tell the sender, never retry
    forbidden,    // the caller may not do this
    not_found,    // the thing named does not exist
    conflict,     // it changed since it was read: read again, then retry
    unsupported,  // valid, but this build or peer cannot do it
    busy,         // a bound was reached: retry later
    unavailable,  // the peer is down or silent: retry with backoff
    interrupted,  // we are shutting down
    fault,        // our bug, or stored data that cannot be: log, count, never retry
};

struct Error {
    ErrorKind kind;
    std::string code;     // stable, for machines: "record-body-too-large"
    std::string message;  // for a person; never holds patient data
};

template <class T = void>
class [[nodiscard]] Result {
public:
    using value_type = T;
    using value_type_or_void = T;

    // Asio's co_spawn needs a default value to hand over next to an exception; it must never look like a success.
    Result() : Result(Error{ErrorKind::fault, "result-not-set", "a Result was read before it was set"}) {}
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return state_.index() == 0; }

    T& operator*() & { return *checked(); }
    const T& operator*() const& { return *checked(); }
    T&& operator*() && { return std::move(*checked()); }
    T* operator->() { return checked(); }
    const T* operator->() const { return checked(); }

    const Error& error() const& { return *checked_error(); }
    Error&& error() && { return std::move(*const_cast<Error*>(checked_error())); }

private:
    T* checked() {
        CHECK(*this, "the value of a failed Result was read");
        return std::get_if<0>(&state_);
    }
    const T* checked() const {
        CHECK(*this, "the value of a failed Result was read");
        return std::get_if<0>(&state_);
    }
    const Error* checked_error() const {
        CHECK(!*this, "the error of a successful Result was read");
        return std::get_if<1>(&state_);
    }

    std::variant<T, Error> state_;
};

// A default-constructed Result<void> is a failure, as for every other T; success is `ok()`.
template <>
class [[nodiscard]] Result<void> : public Result<std::monostate> {
public:
    using value_type_or_void = void;
    Result() = default;
    Result(std::monostate value) : Result<std::monostate>(value) {}
    Result(Error error) : Result<std::monostate>(std::move(error)) {}
};

inline Result<void> ok() {
    return Result<void>(std::monostate{});
}

}  // namespace kernel

// CHECK: a broken invariant of ours stops the process, in release builds too, saying what was violated. Never for input.
#pragma once

#include <string_view>

namespace kernel {

[[noreturn]] void invariant_broken(std::string_view what, std::string_view file, int line);

}  // namespace kernel

#define CHECK(condition, what) (static_cast<bool>(condition) ? void(0) : ::kernel::invariant_broken((what), __FILE__, __LINE__))

// A scorecard for people: from its JSON, as the server answers it and as `acopio check` makes it.
#pragma once

#include "acopio/terminal.hpp"

#include <boost/json/fwd.hpp>

#include <string>

namespace acopio {

// Grade and score, dimensions, failing checks with how to mend them (at most `checks_max`), the shortest way up, feeds.
std::string scorecard_text(const boost::json::object& card, const Screen& screen, std::size_t checks_max = 10);

}  // namespace acopio

// Small JSON bodies of the operator: an object whose members are texts.
#pragma once

#include "kernel/result.hpp"

#include <map>
#include <string>
#include <string_view>

namespace data_center_classifier::infrastructure::http {

// incorrect "body-not-understood" when it is anything else; "member-twice" when two members have one name.
kernel::Result<std::map<std::string, std::string, std::less<>>> text_members(std::string_view json);

}  // namespace data_center_classifier::infrastructure::http

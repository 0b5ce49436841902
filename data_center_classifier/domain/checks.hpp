// The functions behind the checks, by the name that a rubric gives them. One file per dimension. Each is pure and answers pass, fail, or
// skip when its question does not arise; that a field is missing is a matter of completeness alone.
#pragma once

#include "data_center_classifier/domain/facts.hpp"

#include <span>

namespace data_center_classifier::domain {

struct NamedCheck {
    std::string_view name;
    CheckFunction run;
};

std::span<const NamedCheck> conformance_checks();
std::span<const NamedCheck> completeness_checks();
std::span<const NamedCheck> plausibility_checks();
std::span<const NamedCheck> timeliness_checks();
std::span<const NamedCheck> uniqueness_checks();
std::span<const NamedCheck> privacy_checks();

inline Outcome pass_if(bool condition) {
    return condition ? Outcome::pass : Outcome::fail;
}

}  // namespace data_center_classifier::domain

// Privacy: no direct identifier anywhere in the record, its extensions included. These never skip: a record without text has none.
#include "data_center_classifier/domain/checks.hpp"

namespace data_center_classifier::domain {
namespace {

template <Identifier identifier>
Outcome has_no(const Facts& facts) {
    return pass_if(!facts.signs.has(identifier));
}

Outcome has_no_national_id(const Facts& facts) {
    return pass_if(!facts.signs.has(Identifier::national_id) && !facts.signs.has(Identifier::bare_ssn));
}

}  // namespace

std::span<const NamedCheck> privacy_checks() {
    static constexpr auto checks = std::to_array<NamedCheck>({
        {"no_person_name", has_no<Identifier::person_name>},
        {"no_labelled_name", has_no<Identifier::labelled_name>},
        {"no_email_address", has_no<Identifier::email>},
        {"no_phone_number", has_no<Identifier::phone>},
        {"no_national_id", has_no_national_id},
        {"no_full_birth_date", has_no<Identifier::birth_date>},
        {"no_street_address", has_no<Identifier::street_address>},
    });
    return checks;
}

}  // namespace data_center_classifier::domain

// The members of a sender's own objects, read by what their keys say: "FechaNac", "patient_dob" and DICOM's 00100030 hold a birth date, a
// `name` inside `patient` a name, and a number under "OrderNumber" is nobody's.
#pragma once

#include "data_center_classifier/domain/text_signs.hpp"

namespace data_center_classifier::domain {

struct MemberSigns {
    TextSigns signs;
    bool any_value = false;  // one that is not empty
};

// `json` is canonical JSON; any other text is read without harm. What equals `patient_id` is a pseudonym.
MemberSigns member_signs(std::string_view json, std::string_view patient_id);

}  // namespace data_center_classifier::domain

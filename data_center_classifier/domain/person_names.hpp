// Names of persons: in the forms of DICOM and HL7, behind a label, in a member that is called so, and in place of a pseudonym.
#pragma once

#include "data_center_classifier/domain/text_cursor.hpp"

namespace data_center_classifier::domain {

// The components around the first caret of a run, "Doe^John^^^", or behind the number of an HL7 person, "1234^Smith^John". A run with a
// coding system is a coded element: "71020^Chest Two Views^C4".
bool is_person_name_at(std::string_view text, std::size_t caret);

// "Name: Jane Roe", "Name: J. Smith", "Name: Ms. Mary Roe": a name of so many words begins here.
struct NameWanted {
    int words = 2;
    bool first_name = false;   // one of them has to be a known first name
    bool or_capitals = false;  // or all of them are written in capitals
};
bool begins_with_name(Cursor value, NameWanted wanted);

// "Angela Ruiz, NP", "Maria Lopez RN": one of the staff.
bool has_credentials(Cursor name);

// What a member called a name holds, unless it is a pseudonym or no name at all: "LIDC-IDRI-0001", "Anonymous", the patient's own id.
bool is_name_value(std::string_view text, std::string_view patient_id);

// As that, of a member that may name anything: one with a known first name, or in the form "Smith, John". "Aquilion" and "US Thyroid" are
// none.
bool is_likely_name_value(std::string_view text, std::string_view patient_id);

// A patient_id of several words without a digit, of which one is a known first name or stands before a comma: "John_Smith".
bool is_name_for_id(std::string_view patient_id);

}  // namespace data_center_classifier::domain

// Telephone numbers, e-mail addresses, dates, numbers of persons and streets, recognised where a text is read. Each asks only about one
// place.
#pragma once

#include "data_center_classifier/domain/text_cursor.hpp"

namespace data_center_classifier::domain {

// Whose a telephone, an address or a mailbox at `at` is, by the words before it in the sentence. A patient's word wins over one of staff.
enum class Owner : std::uint8_t { unknown, staff, patient };
Owner owner_before(std::string_view text, std::size_t at);

// An address, but for the mailbox of a department: "radiologia@hospital.es".
bool is_email_at(std::string_view text, std::size_t sign);

// 7 to 15 digits and what stands between them; no date, and no time and date.
bool is_labelled_phone(Cursor cursor, std::size_t digits_min = 7);
bool is_international_phone(Cursor cursor);  // from the plus sign on; "+1000 2000" is a range of values
bool is_american_phone(Cursor cursor);       // "(555) 123-4567", or "555-123-4567" where area and exchange begin with 2..9

// "2026031200": a day and its hour.
bool is_time_stamp(Cursor cursor);

bool is_labelled_ssn(Cursor cursor);
// "DNI 12345678": what the label says needs no check letter.
bool is_labelled_dni(Cursor cursor);
// An NHS number with its check digit, or a number of Spanish or Mexican social security.
bool is_labelled_health_id(Cursor cursor);
// Mexico's CURP: "GOPM800101HDFRRN09".
bool is_curp(std::string_view token);
// Digits, dots and hyphens, with a letter before and behind as far as an id may have one.
std::string_view id_token(Cursor cursor);
// "12.345.678-5 mm3"
bool is_measure_behind(Cursor cursor);

enum class StreetNames : std::uint8_t { capitalised, any };
bool is_street_then_number(Cursor behind_street, StreetNames names);      // "Calle Mayor 12", "calle mayor 12"
bool is_number_before_street(std::string_view text, std::size_t street);  // "12 Main Street"
bool is_labelled_address(Cursor value);                                   // a number and a capitalised word, or the other way round
bool is_spanish_street(Cursor at_c);                                      // "C/ Mayor 12"

}  // namespace data_center_classifier::domain

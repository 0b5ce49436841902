// TextSigns: what one pass over a free text finds. Marks of direct identifiers, the body regions and sides it speaks of, and bytes that
// are no clean text. Hand-written scanners, linear in the text, no allocation.
#pragma once

#include <cstdint>
#include <string_view>

namespace data_center_classifier::domain {

enum class Identifier : std::uint8_t {
    person_name = 1,    // DICOM or HL7 form: "Doe^John"
    labelled_name = 2,  // "Patient name: Jane Roe"
    email = 4,
    phone = 8,         // with a label, or in a form that is nothing else
    national_id = 16,  // Spanish DNI and NIE, Chilean RUT, Brazilian CPF with right check digits; US SSN with a label
    birth_date = 32,   // a whole date with a label
    street_address = 64,
    bare_ssn = 128,  // a US social security number without a label, in its own form
};

enum Region : std::uint16_t {
    head = 1,
    neck = 2,
    chest = 4,
    abdomen = 8,
    pelvis = 16,
    spine = 32,
    upper_limb = 64,
    lower_limb = 128,
    breast = 256,
    heart = 512,
    whole_body = 1024,
};

inline constexpr std::uint8_t side_left = 1, side_right = 2, side_both = 3;

struct TextSigns {
    std::uint8_t identifiers = 0;  // of Identifier
    std::uint16_t regions = 0;     // of Region
    std::uint8_t sides = 0;

    bool has(Identifier identifier) const { return (identifiers & static_cast<std::uint8_t>(identifier)) != 0; }
    TextSigns& operator|=(const TextSigns& other) {
        identifiers |= other.identifiers;
        regions |= other.regions;
        sides |= other.sides;
        return *this;
    }
};

// prose: sentences; token: an id, a file name or a URL, where digits and hyphens mean little.
enum class TextUse : std::uint8_t { prose, token };

TextSigns signs_of(std::string_view text, TextUse use);

// Valid UTF-8 without control characters (tab and line ends are fine) and without U+FFFD, the trace of a broken conversion.
bool is_clean_text(std::string_view text);

// A run of digits, dots, hyphens and a last letter that is a national id with the right check digit or letter. `labelled` admits the forms
// that are too plain to stand alone: "12345678-5" (RUT), "11144477735" (CPF).
bool is_national_id(std::string_view token, bool labelled);

// "123-45-6789" with an area, group and serial number that are given out.
bool is_ssn(std::string_view token);

// A whole calendar date at the start of the text: 1960-03-02, 02/03/1960, 19600302, 2 March 1960, March 2, 1960, 2 de marzo de 1960.
bool begins_with_full_date(std::string_view text);

}  // namespace data_center_classifier::domain

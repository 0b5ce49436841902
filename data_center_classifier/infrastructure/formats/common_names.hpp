// The names that exports commonly give the fields of a record, and which of several such names is to be believed.
#pragma once

#include "data_center_classifier/domain/model_raw_data.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace data_center_classifier::infrastructure::formats {

// What a name commonly means. The lesser the rank, the better the name tells: an MRN is the patient_id where there is no "Patient ID".
struct Meaning {
    domain::FieldId field;
    std::size_t rank;
};

// The field that a name means in any case, spacing, and with or without accents.
std::optional<Meaning> meaning_of(std::string_view name);

// A name without what people write in one way or another: case, accents, blanks and signs. "" for names that have letters beside the Latin
// ones, of which too little would be left to tell them apart.
std::string loose_name(std::string_view name);

// Shares out the fields among the common names of one record, or of one header: best rank first, then by the names themselves, so that
// their order means nothing. Where an image or a series is told, the record is that and not its study, which has several: the name of an
// id that is an image's alone has two fields then, and beside any other the id of a study is not the record_id, and nothing is.
class CommonFields {
public:
    // `name` lives as long as this does.
    void offer(const Meaning& meaning, std::string_view name, std::size_t index);
    // A name that stands beside those offered and has its field already, or can have none.
    void note(const Meaning& meaning);
    // The index of the name that has the field.
    std::optional<std::size_t> holder(domain::FieldId field) const;

private:
    struct Best {
        std::size_t rank = 0;
        std::size_t index = 0;
        std::string_view name;
    };
    static void keep_better(std::optional<Best>& best, const Best& offered);

    std::array<std::optional<Best>, domain::field_count> best_;
    std::optional<Best> unique_image_;  // also when another name is the image
    bool below_study_ = false;          // an image or a series is told
};

}  // namespace data_center_classifier::infrastructure::formats

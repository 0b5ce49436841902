// The files of rubrics/ and codes/ that are part of the program.
#pragma once

#include <string_view>

namespace data_center_classifier::infrastructure::formats::embedded {

std::string_view rubric_json();
std::string_view modalities();          // a code a line
std::string_view body_parts();          // a term a line
std::string_view body_part_synonyms();  // words, tab, term a line; '#' begins a comment
std::string_view icd10cm_gz();          // gzip of a code a line

}  // namespace data_center_classifier::infrastructure::formats::embedded

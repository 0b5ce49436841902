// The assembler copies the files into read-only data. ACOPIO_EMBEDDED_ROOT is set by the build, for this file alone.
#include "data_center_classifier/infrastructure/formats/embedded_files.hpp"

#define EMBED(name, path)                                                                                               \
    __asm__(".pushsection .rodata\n.balign 16\n.globl acopio_" #name "_begin\nacopio_" #name "_begin:\n.incbin \"" path \
            "\"\n.globl acopio_" #name "_end\nacopio_" #name "_end:\n.popsection\n");                                   \
    extern "C" const char acopio_##name##_begin[], acopio_##name##_end[];

EMBED(rubric, ACOPIO_EMBEDDED_ROOT "rubrics/acopio-1.json")
EMBED(modalities, ACOPIO_EMBEDDED_ROOT "codes/modalities.txt")
EMBED(body_parts, ACOPIO_EMBEDDED_ROOT "codes/body_parts.txt")
EMBED(body_part_synonyms, ACOPIO_EMBEDDED_ROOT "codes/body_part_synonyms.txt")
EMBED(icd10cm, ACOPIO_EMBEDDED_ROOT "codes/icd10cm.txt.gz")

namespace data_center_classifier::infrastructure::formats::embedded {

std::string_view rubric_json() {
    return {acopio_rubric_begin, acopio_rubric_end};
}
std::string_view modalities() {
    return {acopio_modalities_begin, acopio_modalities_end};
}
std::string_view body_parts() {
    return {acopio_body_parts_begin, acopio_body_parts_end};
}
std::string_view body_part_synonyms() {
    return {acopio_body_part_synonyms_begin, acopio_body_part_synonyms_end};
}
std::string_view icd10cm_gz() {
    return {acopio_icd10cm_begin, acopio_icd10cm_end};
}

}  // namespace data_center_classifier::infrastructure::formats::embedded

// The words that text_signs.cpp knows, English and Spanish, lower case and without accents, in a hash table made at compile time.
#pragma once

#include "data_center_classifier/domain/text_signs.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace data_center_classifier::domain {

// What a word announces when it stands as a label, or what it is.
enum class WordRole : std::uint8_t {
    plain,
    name_label,   // "patient_name": one capitalised word after the colon is a name
    name_word,    // "name": two are needed
    person_word,  // "patient": two are needed, in title case
    name_prefix,  // "first" before "name"
    phone_label,
    phone_word,  // "cell": counts with a colon only
    id_label,
    ssn_label,
    birth_label,
    address_label,
    street_after,   // "12 Main Street"
    street_before,  // "Calle Mayor 12"
    filler,         // "number", "of": may stand between a label and its value
    no_name,        // capitalised, yet nobody's name: "Anonymous", "CT"
};

struct Word {
    std::string_view text;
    WordRole role = WordRole::plain;
    std::uint16_t regions = 0;
    std::uint8_t side = 0;
};

struct WordHash {
    std::uint32_t value = 2166136261U;
    constexpr void add(char c) { value = (value ^ static_cast<unsigned char>(c)) * 16777619U; }
};

namespace words {

constexpr Word of(WordRole role, std::string_view text) {
    return {text, role, 0, 0};
}
constexpr Word in(std::uint16_t regions, std::string_view text) {
    return {text, WordRole::plain, regions, 0};
}
constexpr Word on(std::uint8_t side, std::string_view text) {
    return {text, WordRole::plain, 0, side};
}

using enum WordRole;

inline constexpr auto all = std::to_array<Word>({
    of(name_label, "patient_name"),
    of(name_label, "patientname"),
    of(name_label, "patientsname"),
    of(name_label, "full_name"),
    of(name_label, "fullname"),
    of(name_label, "first_name"),
    of(name_label, "firstname"),
    of(name_label, "last_name"),
    of(name_label, "lastname"),
    of(name_label, "family_name"),
    of(name_label, "given_name"),
    of(name_label, "surname"),
    of(name_label, "apellido"),
    of(name_label, "apellidos"),
    of(name_label, "nombre_paciente"),
    of(name_label, "nombre_completo"),
    of(name_word, "name"),
    of(name_word, "nombre"),
    of(name_word, "nome"),
    of(name_word, "nombres"),
    of(person_word, "paciente"),
    of(person_word, "patient"),
    of(name_prefix, "first"),
    of(name_prefix, "last"),
    of(name_prefix, "full"),
    of(name_prefix, "family"),
    of(name_prefix, "given"),
    of(name_prefix, "s"),
    of(name_prefix, "del"),
    of(name_prefix, "y"),
    of(phone_label, "tel"),
    of(phone_label, "telf"),
    of(phone_label, "tlf"),
    of(phone_label, "tfno"),
    of(phone_label, "tfn"),
    of(phone_label, "telefono"),
    of(phone_label, "telefone"),
    of(phone_label, "fono"),
    of(phone_label, "phone"),
    of(phone_label, "telephone"),
    of(phone_label, "phone_number"),
    of(phone_label, "phonenumber"),
    of(phone_label, "mobile_phone"),
    of(phone_label, "home_phone"),
    of(phone_label, "celular"),
    of(phone_label, "whatsapp"),
    of(phone_word, "cell"),
    of(phone_word, "mobile"),
    of(phone_word, "movil"),
    of(phone_word, "fax"),
    of(phone_word, "contact"),
    of(phone_word, "contacto"),
    of(id_label, "dni"),
    of(id_label, "nie"),
    of(id_label, "nif"),
    of(id_label, "rut"),
    of(id_label, "run"),
    of(id_label, "cpf"),
    of(id_label, "national_id"),
    of(ssn_label, "ssn"),
    of(ssn_label, "security"),
    of(ssn_label, "social_security_number"),
    of(ssn_label, "socialsecuritynumber"),
    of(birth_label, "dob"),
    of(birth_label, "birth"),
    of(birth_label, "birthdate"),
    of(birth_label, "birth_date"),
    of(birth_label, "date_of_birth"),
    of(birth_label, "dateofbirth"),
    of(birth_label, "birthday"),
    of(birth_label, "born"),
    of(birth_label, "nacimiento"),
    of(birth_label, "nacido"),
    of(birth_label, "nacida"),
    of(birth_label, "nac"),
    of(birth_label, "fnac"),
    of(birth_label, "fecha_nacimiento"),
    of(birth_label, "fecha_de_nacimiento"),
    of(birth_label, "nascimento"),
    of(birth_label, "patientbirthdate"),
    of(birth_label, "patient_birth_date"),
    of(address_label, "address"),
    of(address_label, "home_address"),
    of(address_label, "street_address"),
    of(address_label, "patient_address"),
    of(address_label, "direccion"),
    of(address_label, "domicilio"),
    of(address_label, "endereco"),
    of(street_after, "street"),
    of(street_after, "st"),
    of(street_after, "avenue"),
    of(street_after, "ave"),
    of(street_after, "road"),
    of(street_after, "lane"),
    of(street_after, "boulevard"),
    of(street_after, "blvd"),
    of(street_after, "drive"),
    of(street_before, "calle"),
    of(street_before, "avenida"),
    of(street_before, "avda"),
    of(street_before, "paseo"),
    of(street_before, "plaza"),
    of(street_before, "pasaje"),
    of(street_before, "rua"),
    of(filler, "number"),
    of(filler, "no"),
    of(filler, "num"),
    of(filler, "numero"),
    of(filler, "nr"),
    of(filler, "date"),
    of(filler, "the"),
    of(filler, "on"),
    of(filler, "is"),
    of(filler, "el"),
    of(filler, "de"),
    of(filler, "la"),
    of(filler, "of"),
    of(no_name, "anon"),
    of(no_name, "anonymous"),
    of(no_name, "anonymized"),
    of(no_name, "anonymised"),
    of(no_name, "anonimo"),
    of(no_name, "anonima"),
    of(no_name, "anonimizado"),
    of(no_name, "deidentified"),
    of(no_name, "identified"),
    of(no_name, "redacted"),
    of(no_name, "removed"),
    of(no_name, "unknown"),
    of(no_name, "none"),
    of(no_name, "null"),
    of(no_name, "xxx"),
    of(no_name, "xxxx"),
    of(no_name, "subject"),
    of(no_name, "sujeto"),
    of(no_name, "phantom"),
    of(no_name, "ct"),
    of(no_name, "mr"),
    of(no_name, "mri"),
    of(no_name, "rm"),
    of(no_name, "tc"),
    of(no_name, "xray"),
    of(no_name, "scan"),
    of(no_name, "study"),
    of(no_name, "exam"),
    of(no_name, "examination"),
    of(no_name, "radiograph"),
    of(no_name, "radiografia"),
    of(no_name, "ultrasound"),
    of(no_name, "report"),
    of(no_name, "normal"),
    of(no_name, "routine"),
    of(no_name, "male"),
    of(no_name, "female"),
    of(no_name, "mujer"),
    of(no_name, "hombre"),
    of(no_name, "varon"),
    of(no_name, "year"),
    of(no_name, "adult"),
    of(no_name, "adulto"),
    of(no_name, "not"),
    of(no_name, "has"),
    of(no_name, "protocol"),
    of(no_name, "siemens"),
    of(no_name, "philips"),
    of(no_name, "ge"),

    in(head, "head"),
    in(head, "brain"),
    in(head, "skull"),
    in(head, "cranial"),
    in(head, "intracranial"),
    in(head, "cerebral"),
    in(head, "cerebellar"),
    in(head, "cerebellum"),
    in(head, "orbit"),
    in(head, "orbits"),
    in(head, "sinus"),
    in(head, "sinuses"),
    in(head, "cabeza"),
    in(head, "craneo"),
    in(head, "craneal"),
    in(head, "cerebro"),
    in(head, "encefalo"),
    in(head, "ventricles"),
    in(neck, "neck"),
    in(neck, "thyroid"),
    in(neck, "larynx"),
    in(neck, "carotid"),
    in(neck, "cuello"),
    in(neck, "tiroides"),
    in(neck, "laringe"),
    in(chest, "chest"),
    in(chest, "thorax"),
    in(chest, "thoracic"),
    in(chest, "lung"),
    in(chest, "lungs"),
    in(chest, "pulmonary"),
    in(chest, "pleural"),
    in(chest, "mediastinum"),
    in(chest, "mediastinal"),
    in(chest, "cardiomediastinal"),
    in(chest, "costophrenic"),
    in(chest, "hilar"),
    in(chest, "pneumothorax"),
    in(chest, "torax"),
    in(chest, "pecho"),
    in(chest, "pulmon"),
    in(chest, "pulmones"),
    in(chest, "pulmonar"),
    in(chest, "pulmonares"),
    in(chest, "mediastino"),
    in(chest, "rib"),
    in(chest, "ribs"),
    in(heart, "heart"),
    in(heart, "cardiac"),
    in(heart, "coronary"),
    in(heart, "myocardial"),
    in(heart, "corazon"),
    in(heart, "cardiaca"),
    in(heart, "cardiaco"),
    in(heart, "cardiomegaly"),
    in(abdomen, "abdomen"),
    in(abdomen, "abdominal"),
    in(abdomen, "liver"),
    in(abdomen, "hepatic"),
    in(abdomen, "spleen"),
    in(abdomen, "splenic"),
    in(abdomen, "kidney"),
    in(abdomen, "kidneys"),
    in(abdomen, "renal"),
    in(abdomen, "pancreas"),
    in(abdomen, "pancreatic"),
    in(abdomen, "gallbladder"),
    in(abdomen, "bowel"),
    in(abdomen, "stomach"),
    in(abdomen, "colon"),
    in(abdomen, "higado"),
    in(abdomen, "bazo"),
    in(abdomen, "rinon"),
    in(abdomen, "rinones"),
    in(abdomen, "vesicula"),
    in(abdomen, "estomago"),
    in(pelvis, "pelvis"),
    in(pelvis, "pelvic"),
    in(pelvis, "prostate"),
    in(pelvis, "uterus"),
    in(pelvis, "uterine"),
    in(pelvis, "ovary"),
    in(pelvis, "ovaries"),
    in(pelvis, "ovarian"),
    in(pelvis, "bladder"),
    in(pelvis, "prostata"),
    in(pelvis, "utero"),
    in(pelvis, "vejiga"),
    in(pelvis, "ovario"),
    in(pelvis | lower_limb, "hip"),
    in(pelvis | lower_limb, "hips"),
    in(pelvis | lower_limb, "cadera"),
    in(pelvis | lower_limb, "femoral"),
    in(spine, "spine"),
    in(spine, "spinal"),
    in(spine, "vertebra"),
    in(spine, "vertebrae"),
    in(spine, "vertebral"),
    in(spine, "lumbar"),
    in(spine | neck, "cervical"),
    in(spine, "columna"),
    in(spine, "sacrum"),
    in(spine, "disc"),
    in(spine, "discs"),
    in(spine, "disco"),
    in(upper_limb, "arm"),
    in(upper_limb, "hand"),
    in(upper_limb, "wrist"),
    in(upper_limb, "finger"),
    in(upper_limb, "elbow"),
    in(upper_limb, "forearm"),
    in(upper_limb, "humerus"),
    in(upper_limb, "radius"),
    in(upper_limb, "ulna"),
    in(upper_limb, "shoulder"),
    in(upper_limb, "clavicle"),
    in(upper_limb, "brazo"),
    in(upper_limb, "mano"),
    in(upper_limb, "muneca"),
    in(upper_limb, "codo"),
    in(upper_limb, "hombro"),
    in(upper_limb, "clavicula"),
    in(lower_limb, "leg"),
    in(lower_limb, "foot"),
    in(lower_limb, "ankle"),
    in(lower_limb, "knee"),
    in(lower_limb, "toe"),
    in(lower_limb, "femur"),
    in(lower_limb, "tibia"),
    in(lower_limb, "fibula"),
    in(lower_limb, "patella"),
    in(lower_limb, "calcaneus"),
    in(lower_limb, "pierna"),
    in(lower_limb, "pie"),
    in(lower_limb, "tobillo"),
    in(lower_limb, "rodilla"),
    in(lower_limb, "perone"),
    in(lower_limb, "rotula"),
    in(breast, "breast"),
    in(breast, "breasts"),
    in(breast, "mammary"),
    in(breast, "mammogram"),
    in(breast, "mama"),
    in(breast, "mamas"),
    in(breast, "mamografia"),

    on(side_left, "left"),
    on(side_left, "izquierdo"),
    on(side_left, "izquierda"),
    on(side_right, "right"),
    on(side_right, "derecho"),
    on(side_right, "derecha"),
    on(side_both, "bilateral"),
    on(side_both, "bilaterally"),
    on(side_both, "both"),
    on(side_both, "ambos"),
    on(side_both, "ambas"),
});

inline constexpr std::size_t slots = 1024;

constexpr std::uint32_t hash_of(std::string_view text) {
    WordHash hash;
    for (const char c : text) hash.add(c);
    return hash.value;
}
constexpr std::size_t slot_of(std::uint32_t hash) {
    return (hash ^ (hash >> 15)) % slots;
}

struct Slot {
    std::uint32_t hash = 0;
    std::uint16_t word = 0;  // index + 1; 0: free
};

constexpr std::array<Slot, slots> table_of_words() {
    std::array<Slot, slots> table{};
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto hash = hash_of(all[i].text);
        auto at = slot_of(hash);
        while (table[at].word != 0) at = (at + 1) % slots;
        table[at] = {hash, static_cast<std::uint16_t>(i + 1)};
    }
    return table;
}
inline constexpr auto table = table_of_words();

}  // namespace words

// The word of that hash and length, or nullptr.
inline const Word* find_word(std::uint32_t hash, std::size_t size) {
    for (auto at = words::slot_of(hash); words::table[at].word != 0; at = (at + 1) % words::slots) {
        if (words::table[at].hash != hash) continue;
        const auto& word = words::all[words::table[at].word - 1U];
        if (word.text.size() == size) return &word;
    }
    return nullptr;
}

}  // namespace data_center_classifier::domain

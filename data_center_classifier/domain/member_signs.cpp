// One pass over the JSON. A key is read word by word ("PatientsBirthDate" has three); what its words are decides how the value is looked
// at, and holds for what is nested below it.
#include "data_center_classifier/domain/member_signs.hpp"

#include "data_center_classifier/domain/identifier_patterns.hpp"
#include "data_center_classifier/domain/person_names.hpp"

#include <string>

namespace data_center_classifier::domain {
namespace {

// What the words of a key are. Sums of these.
enum KeyPart : std::uint32_t {
    key_name = 1,             // "surname": a name whatever stands beside it
    key_weak_name = 2,        // "name": one beside or below a person, or when its value reads as one
    key_of_name = 4,          // "given": one inside a name
    key_person = 8,           // "patient"
    key_joint = 16,           // "of", "first"
    key_birth = 32,           // "dob"
    key_birth_tail = 64,      // "nac": with a date
    key_date = 128,           // "fecha"
    key_phone = 256,          // "tfno"
    key_dni = 512,            // "dni"
    key_id = 1024,            // "rut"
    key_ssn = 2048,           // "ssn"
    key_health = 4096,        // "nhs"
    key_address = 8192,       // "domicilio"
    key_institution = 16384,  // "hospital": whose address and telephone are no patient's
    key_protocol = 32768,     // "description": carets in it separate no names
    key_thing = 65536,        // "order": its numbers are no persons'
    key_notes = 131072,       // "vr": says nothing of the value's content
    key_machine = 262144,     // "ip": whose address and name are no person's
    key_run = 524288,         // "run": Chile's number beside or below a person; else one of those who count runs
    key_part_name = 1048576,  // "first": beside "name" a person's, and one inside a name
    key_other = 2097152,
};

struct KeyWord {
    std::string_view text;
    std::uint32_t parts = 0;
};
struct KeyGroup {
    std::uint32_t parts;
    std::string_view list;
};
constexpr auto key_groups = std::to_array<KeyGroup>({
    {key_name,
     "surname lastname firstname patientname patientsname fullname apellido apellidos nombrepaciente nomepaciente nomedopaciente "
     "nomecompleto sobrenome nombrecompleto nombreapellidos "
     "primerapellido segundoapellido 00100010"},
    {key_weak_name, "name names nombre nombres nome nm"},
    {key_of_name | key_joint, "family given"},
    {key_person, "patient patients paciente pacientes pt person persona human mother father mae pai madre padre"},
    {key_joint, "s of de del la el da do y and number numero no num nr home work personal principal contact contacto"},
    {key_part_name | key_joint, "first last middle full second maiden primer segundo primero completo"},
    {key_birth,
     "dob birth birthdate birthday birthdatetime dateofbirth nacimiento fechanacimiento fechanac fecnac fnac nascimento datanascimento "
     "dtnascimento datanasc dtnasc "
     "patientbirthdate 00100030"},
    {key_birth_tail, "nac nasc"},
    {key_date, "fecha fec f data dt date time day"},
    {key_phone,
     "tel telf tlf tfno tfn telefono telefonos telefone telemovel fono fone contato phone phones phonenumber telephone mobile movil cel "
     "celular cellphone "
     "whatsapp telecom telefonomovil 00102154"},
    {key_dni, "dni nif"},
    {key_id, "nie rut cpf curp cedula"},
    {key_run, "run"},
    {key_ssn, "ssn"},
    {key_health, "nhs nss nass"},
    {key_address, "address addresses direccion domicilio endereco street calle 00101040"},
    {key_institution,
     "institution hospital clinic clinica center centre centro site facility department departamento servicio organization "
     "organizacion location station manufacturer scanner model vendor"},
    {key_protocol, "protocol protocolo description descripcion"},
    {key_thing, "serial serie series order orden accession acceso lot lote device equipo study estudio exam uid sop file archivo"},
    {key_machine, "mac ip network ae aet aetitle port software memory url web http email server host view"},
    {key_notes, "vr use system rank type code"},
});
constexpr std::size_t key_words = [] {
    std::size_t sum = 0;
    for (const auto& group : key_groups) sum += count_words(group.list);
    return sum;
}();
constexpr WordTable<KeyWord, key_words, 512> key_table{[] {
    std::array<KeyWord, key_words> all{};
    std::size_t i = 0;
    for (const auto& group : key_groups) each_word(group.list, [&](std::string_view text) { all[i++] = {text, group.parts}; });
    return all;
}()};
static_assert(key_table.finds_each_word());

// The letter or digit at `at`, without case and accent; 0 for anything else. Stands behind it then.
char key_letter(std::string_view key, std::size_t& at) {
    const char c = key[at++];
    if (is_alnum(c)) return to_lower(c);
    if (c != '\xc3' || at >= key.size()) return '\0';
    return unaccented(key[at++]);
}

// Words end at other marks, before a capital behind a small letter, and between letters and digits.
std::uint32_t parts_of(std::string_view key) {
    std::uint32_t parts = 0;
    FoldedWord word;
    bool digits = false, small = false;
    const auto end_word = [&] {
        if (word.size == 0) return;
        const auto* known = key_table.find(word.hash.value, word.size);
        if (known != nullptr) parts |= known->parts;
        else if (!digits) parts |= key_other;
        word = {};
    };
    for (std::size_t at = 0; at < key.size();) {
        const char plain = key[at];
        const char c = key_letter(key, at);
        if (c == '\0' || (is_upper(plain) && small) || (word.size > 0 && is_digit(c) != digits)) end_word();
        if (c == '\0') continue;
        digits = is_digit(c);
        small = is_lower(plain);
        word.add(c);
    }
    end_word();
    return parts;
}

// How the values below a key are looked at.
struct Use {
    std::uint32_t parts = 0;  // of KeyPart: which of them count
    bool names = true;        // a "name" here is one of a person
    bool person = false;      // this is said of a person
};

Use use_of(std::string_view key, const Use& above) {
    const auto parts = parts_of(key);
    const auto is = [&](std::uint32_t any) { return (parts & any) != 0; };
    Use use{.parts = above.parts,
            .names = above.names && !is(key_other | key_institution | key_protocol | key_thing | key_machine | key_run)};
    if (is(key_person)) use.names = true;
    use.person = is(key_person) || (above.person && use.names);
    if (is(key_notes | key_machine)) use.parts = 0;
    if (is(key_institution | key_protocol | key_thing)) {
        use.parts = parts & (key_institution | key_protocol | key_thing);
        return use;
    }
    const bool alone = !is(key_other | key_birth | key_date | key_phone | key_address | key_machine | key_run);
    const bool weak = is(key_weak_name) && alone;
    if (weak && !above.names) use.parts = key_of_name;  // only what is "given" below it
    if (weak && above.names) use.parts = use.person || is(key_of_name | key_part_name) ? key_name : key_weak_name;
    const bool inside = is(key_of_name) && (above.parts & (key_name | key_weak_name | key_of_name)) != 0;
    const bool part = is(key_part_name) && (above.parts & key_weak_name) != 0;
    if (is(key_name) || inside || part) use.parts = key_name;
    if (is(key_birth) || (is(key_birth_tail) && is(key_date))) use.parts = key_birth;
    if (is(key_phone)) use.parts = key_phone;
    if (const auto ids = parts & (key_dni | key_id | key_ssn | key_health); ids != 0) use.parts = ids;
    if (is(key_run)) use.parts = is(key_person) || above.person ? key_id : key_run;
    if (is(key_address) && !is(key_machine)) use.parts = key_address;
    return use;
}

constexpr std::uint8_t all_but(std::initializer_list<Identifier> identifiers) {
    unsigned mask = 0xff;
    for (const auto identifier : identifiers) mask &= ~static_cast<unsigned>(identifier);
    return static_cast<std::uint8_t>(mask);
}

std::uint8_t identifiers_that_count(std::uint32_t parts) {
    std::uint8_t mask = 0xff;
    if ((parts & key_protocol) != 0) mask &= all_but({Identifier::person_name});
    if ((parts & key_institution) != 0) mask &= all_but({Identifier::phone, Identifier::street_address, Identifier::labelled_name});
    if ((parts & key_thing) != 0) mask &= all_but({Identifier::phone, Identifier::national_id, Identifier::bare_ssn});
    return mask;
}

class Walk {
public:
    Walk(std::string_view json, std::string_view patient_id) : json_(json), patient_id_(patient_id) {}

    MemberSigns run() {
        while (at_ < json_.size()) {
            const char c = json_[at_];
            if (c == '"') take_text();
            else if (c == '{' || c == '[') open();
            else if (c == '}' || c == ']') close();
            else if (c == ',') ++at_, use_ = levels_[depth_];
            else if (is_digit(c) || c == '-' || is_letter(c)) take_literal();
            else ++at_;
        }
        return found_;
    }

private:
    static constexpr std::size_t depth_max = 80;  // deeper than a reader lets an object be; what is below it counts as that deep

    void open() {
        ++at_;
        if (depth_ + 1 < depth_max) ++depth_;
        levels_[depth_] = use_;
    }
    void close() {
        ++at_;
        if (depth_ > 0) --depth_;
        use_ = levels_[depth_];
    }

    void take_text() {
        const auto begin = at_ + 1;
        bool escaped = false;
        for (at_ = begin; at_ < json_.size() && json_[at_] != '"'; ++at_) {
            if (json_[at_] != '\\') continue;
            escaped = true;
            ++at_;
        }
        const auto text = json_.substr(begin, std::min(at_, json_.size()) - begin);
        at_ = std::min(at_ + 1, json_.size());
        if (at_ < json_.size() && json_[at_] == ':') use_ = use_of(text, levels_[depth_]);
        else if (escaped) look_at(unescaped(text), true);
        else look_at(text, true);
    }

    void take_literal() {
        const auto end = std::min(json_.find_first_of(",]}", at_), json_.size());
        const auto text = json_.substr(at_, end - at_);
        at_ = end;
        if (text == "null") return;
        found_.any_value = true;
        if (is_letter(text.front())) return;
        look_at(text, false);
    }

    // Line ends and quotes as they were; other escapes say nothing here.
    static std::string unescaped(std::string_view text) {
        std::string plain;
        for (std::size_t i = 0; i < text.size(); ++i) {
            const bool escape = text[i] == '\\' && i + 1 < text.size();
            const char c = escape ? text[++i] : text[i];
            plain += !escape || c == '"' || c == '\\' ? c : c == 'n' || c == 'r' ? '\n' : ' ';
        }
        return plain;
    }

    void look_at(std::string_view text, bool is_text) {
        text = trimmed(text);
        if (text.empty()) return;
        found_.any_value = true;
        const auto is = [&](std::uint32_t any) { return (use_.parts & any) != 0; };
        const Cursor value{text};
        add(Identifier::labelled_name, is(key_name) && is_text && is_name_value(text, patient_id_));
        add(Identifier::labelled_name, is(key_weak_name) && is_text && is_likely_name_value(text, patient_id_));
        add(Identifier::birth_date, is(key_birth) && begins_with_full_date(text));
        add(Identifier::phone, is(key_phone) && is_labelled_phone(value));
        add(Identifier::national_id, is(key_dni) && is_labelled_dni(value));
        add(Identifier::national_id, is(key_dni | key_id) && (is_national_id(id_token(value), true) || is_curp(text)));
        add(Identifier::national_id, is(key_run) && text.find('-') != std::string_view::npos && is_national_id(id_token(value), true));
        add(Identifier::national_id, is(key_ssn) && is_labelled_ssn(value));
        add(Identifier::national_id, is(key_health) && is_labelled_health_id(value));
        add(Identifier::street_address, is(key_address) && is_text && is_address(text));
        if (text.size() > 4)
            found_.signs.identifiers |=
                signs_of(text, is_text ? TextUse::prose : TextUse::token).identifiers & identifiers_that_count(use_.parts);
    }
    // "10.0.0.1 PACS server"; "port 104" where it comes first: "12 Port Road" is a street.
    static bool is_of_machine(std::string_view word, bool first) {
        constexpr auto words = std::to_array<std::string_view>({"pacs", "server", "localhost", "dicom", "rack", "slot", "port", "urn"});
        const auto* known = std::find(words.begin(), words.end(), lower_of(word).view());
        return known != words.end() && (first || known < words.begin() + 4);
    }
    // A number, and a word that is no part of a MAC address; and neither an IP address nor a URL.
    static bool is_address(std::string_view text) {
        const auto points = std::find_if_not(text.begin(), text.end(), [](char c) { return is_digit(c) || c == '.'; });
        if (std::count(text.begin(), points, '.') > 2 || text.find("://") != std::string_view::npos) return false;
        bool worded = false;
        for (Cursor cursor{text}; !cursor.end();) {
            const auto word = cursor.word();
            if (is_of_machine(word, cursor.at == word.size())) return false;
            const auto is_hex = [](char c) { return to_lower(c) >= 'a' && to_lower(c) <= 'f'; };
            worded = worded || (word.size() > 2 && !std::all_of(word.begin(), word.end(), is_hex));
            if (!cursor.at_word() && !cursor.end()) ++cursor.at;
        }
        return worded && std::any_of(text.begin(), text.end(), is_digit);
    }
    void add(Identifier identifier, bool condition) {
        if (condition) found_.signs.identifiers |= static_cast<std::uint8_t>(identifier);
    }

    std::string_view json_, patient_id_;
    std::size_t at_ = 0, depth_ = 0;
    std::array<Use, depth_max> levels_{};
    Use use_;
    MemberSigns found_;
};

}  // namespace

MemberSigns member_signs(std::string_view json, std::string_view patient_id) {
    return Walk(json, patient_id).run();
}

}  // namespace data_center_classifier::domain

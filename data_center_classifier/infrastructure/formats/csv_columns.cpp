// Columns of a CSV file to fields, with the table of common names.
#include "data_center_classifier/infrastructure/formats/csv_columns.hpp"

#include "data_center_classifier/domain/text.hpp"
#include "data_center_classifier/infrastructure/formats/json_text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace data_center_classifier::infrastructure::formats {
namespace {

using domain::FieldId;
using enum domain::FieldId;
using Column = CsvColumns::Column;
using Target = CsvColumns::Target;
using By = CsvReader::Column::By;

struct CommonName {
    std::string_view name;  // normalised
    FieldId field;
};

// DICOM keywords, NIH ChestX-ray, and what exports in English and Spanish use. The fields' own names are added.
constexpr auto common_names = std::to_array<CommonName>({
    {"accessionnumber", record_id},
    {"recordidentifier", record_id},
    {"studyid", record_id},
    {"examid", record_id},
    {"idregistro", record_id},
    {"registro", record_id},
    {"idestudio", record_id},
    {"numerodeestudio", record_id},
    {"numerodeacceso", record_id},
    {"patient", patient_id},
    {"subjectid", patient_id},
    {"subject", patient_id},
    {"subid", patient_id},
    {"mrn", patient_id},
    {"paciente", patient_id},
    {"idpaciente", patient_id},
    {"pacienteid", patient_id},
    {"iddelpaciente", patient_id},
    {"historiaclinicaid", patient_id},
    {"nhc", patient_id},
    {"imageindex", image},
    {"imageid", image},
    {"imagefile", image},
    {"imagepath", image},
    {"filename", image},
    {"sopinstanceuid", image},
    {"imagen", image},
    {"archivo", image},
    {"dx", diagnosis},
    {"diagnostico", diagnosis},
    {"diagnosisdescription", diagnosis},
    {"reporttext", report},
    {"radiologyreport", report},
    {"informe", report},
    {"reporte", report},
    {"bodypartexamined", body_part},
    {"anatomy", body_part},
    {"anatomicregion", body_part},
    {"region", body_part},
    {"regionanatomica", body_part},
    {"partedelcuerpo", body_part},
    {"zonaanatomica", body_part},
    {"imagingmodality", modality},
    {"modalidad", modality},
    {"patientage", age},
    {"patientsage", age},
    {"ageyears", age},
    {"ageatscan", age},
    {"edad", age},
    {"edadpaciente", age},
    {"gender", sex},
    {"patientgender", sex},
    {"patientsex", sex},
    {"patientssex", sex},
    {"sexo", sex},
    {"genero", sex},
    {"race", ethnicity},
    {"ethnicgroup", ethnicity},
    {"etnia", ethnicity},
    {"sintomas", symptoms},
    {"history", clinical_history},
    {"historia", clinical_history},
    {"historiaclinica", clinical_history},
    {"antecedentes", clinical_history},
    {"findinglabels", findings},
    {"finding", findings},
    {"hallazgos", findings},
    {"impressions", impression},
    {"conclusion", impression},
    {"impresion", impression},
    {"impresiondiagnostica", impression},
    {"recommendations", recommendation},
    {"recomendacion", recommendation},
    {"recomendaciones", recommendation},
    {"reasonforexam", indication},
    {"reasonforstudy", indication},
    {"indicacion", indication},
    {"motivo", indication},
    {"comparacion", comparison},
    {"tecnica", technique},
    {"icd10", code},
    {"icd10code", code},
    {"icd10cm", code},
    {"diagnosiscode", code},
    {"cie10", code},
    {"codigo", code},
    {"codigocie10", code},
    {"dateofdiagnosis", diagnosis_date},
    {"fechadiagnostico", diagnosis_date},
    {"fechadediagnostico", diagnosis_date},
    {"dateofstudy", study_date},
    {"examdate", study_date},
    {"fechaestudio", study_date},
    {"fechadeestudio", study_date},
    {"fechadelestudio", study_date},
    {"dateofreport", report_date},
    {"fechainforme", report_date},
    {"fechadeinforme", report_date},
    {"fechadelinforme", report_date},
    {"yearofbirth", birth_year},
    {"patientbirthyear", birth_year},
    {"yob", birth_year},
    {"anodenacimiento", birth_year},
    {"anonacimiento", birth_year},
    {"side", laterality},
    {"lateralidad", laterality},
    {"lado", laterality},
    {"scannermanufacturer", manufacturer},
    {"vendor", manufacturer},
    {"fabricante", manufacturer},
});

// The base letters of U+00C0..U+00FF, as far as European languages write names with them.
constexpr std::string_view base_letters = "aaaaaaaceeeeiiiidnooooo ouuuuy  aaaaaaaceeeeiiiidnooooo ouuuuy y";
static_assert(base_letters.size() == 64);

// Lower case, without accents, and only letters and digits: "Región_Anatómica " is "regionanatomica".
std::string normalised(std::string_view name) {
    std::string text;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        if (c >= 'A' && c <= 'Z') text += static_cast<char>(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) text += c;
        if (c != '\xC3' || i + 1 == name.size()) continue;
        const auto letter = base_letters[static_cast<unsigned char>(name[++i]) & 0x3FU];
        if (letter != ' ') text += letter;
    }
    return text;
}

const std::map<std::string, FieldId, std::less<>>& by_common_name() {
    static const auto names = [] {
        std::map<std::string, FieldId, std::less<>> table;
        for (const auto& [name, field] : common_names) table.emplace(name, field);
        for (std::size_t i = 0; i < domain::field_count; ++i) {
            const auto field = static_cast<FieldId>(i);
            table.insert_or_assign(normalised(domain::info(field).name), field);
        }
        return table;
    }();
    return names;
}

// The place of what a column can claim: the fields, and after them the data centre's id.
constexpr std::size_t data_center_place = domain::field_count;
std::optional<std::size_t> place_named(std::string_view name) {
    if (name == "data_center_id") return data_center_place;
    const auto field = domain::field_named(name);
    if (!field) return std::nullopt;
    return static_cast<std::size_t>(*field);
}

Refusal refusal_of_header(std::string code, std::string detail, std::string mend) {
    return {.code = std::move(code),
            .detail = std::move(detail),
            .pointer = {},
            .line = 1,
            .column = {},
            .expected = {},
            .found = {},
            .mend = std::move(mend)};
}

Refusal twice(const std::string& what, std::size_t first, std::size_t second) {
    auto refusal = refusal_of_header("csv-column-twice",
                                     "columns " + std::to_string(first + 1) + " and " + std::to_string(second + 1) + " are both " + what,
                                     "rename or drop one of them, or name the right one in the mapping");
    refusal.column = second + 1;
    return refusal;
}

// Which column has which field, in three rounds: exact names, mapping, common names.
class Claims {
public:
    explicit Claims(const std::vector<std::string_view>& names) : names_(names), place_of_(names.size()), by_(names.size(), By::extension) {
        holder_.fill(nobody);
    }

    // A column that has nothing yet gets the place that `place_for(name)` names. The first conflict within a round is a refusal.
    template <class PlaceFor>
    void round(By by, PlaceFor place_for) {
        auto before = holder_;
        for (std::size_t column = 0; column < names_.size(); ++column) {
            if (place_of_[column]) continue;
            const std::optional<std::size_t> place = place_for(names_[column]);
            if (!place || before[*place] != nobody) continue;
            if (holder_[*place] != nobody && !conflict) conflict = twice(name_of(*place), holder_[*place], column);
            holder_[*place] = column;
            place_of_[column] = place;
            by_[column] = by;
        }
    }

    std::optional<std::size_t> place_of(std::size_t column) const { return place_of_[column]; }
    CsvReader::Column use_of(std::size_t column) const {
        const auto place = place_of_[column];
        return {.name = std::string(names_[column]), .field = place ? name_of(*place) : "", .by = by_[column]};
    }
    std::optional<Refusal> conflict;

private:
    static constexpr std::size_t nobody = static_cast<std::size_t>(-1);
    static std::string name_of(std::size_t place) {
        return place == data_center_place ? "data_center_id" : std::string(domain::info(static_cast<FieldId>(place)).name);
    }

    const std::vector<std::string_view>& names_;
    std::array<std::size_t, domain::field_count + 1> holder_{};
    std::vector<std::optional<std::size_t>> place_of_;
    std::vector<By> by_;
};

Claims claims_of(const std::vector<std::string_view>& names, const CsvReader::Mapping& mapping) {
    Claims claims(names);
    claims.round(By::name, place_named);
    claims.round(By::mapping, [&](std::string_view name) -> std::optional<std::size_t> {
        const auto mapped = mapping.find(name);
        return mapped == mapping.end() ? std::nullopt : place_named(mapped->second);
    });
    claims.round(By::common_name, [](std::string_view name) -> std::optional<std::size_t> {
        const auto common = field_of_common_name(name);
        if (!common) return std::nullopt;
        return static_cast<std::size_t>(*common);
    });
    return claims;
}

}  // namespace

std::optional<domain::FieldId> field_of_common_name(std::string_view name) {
    const auto found = by_common_name().find(normalised(name));
    if (found == by_common_name().end()) return std::nullopt;
    return found->second;
}

char separator_of(std::string_view header) {
    constexpr std::string_view separators = ",;\t";
    std::array<std::size_t, separators.size()> counts{};
    bool quoted = false;
    for (const char c : header) {
        if (c == '"') quoted = !quoted;
        if (const auto which = separators.find(c); !quoted && which != std::string_view::npos) ++counts[which];
    }
    return separators[static_cast<std::size_t>(std::ranges::max_element(counts) - counts.begin())];
}

Read<CsvColumns> columns_of(const std::vector<std::string_view>& header, const CsvReader::Mapping& mapping) {
    std::vector<std::string_view> names;
    std::ranges::transform(header, std::back_inserter(names), domain::trimmed);
    const auto claims = claims_of(names, mapping);
    if (claims.conflict) return *claims.conflict;
    CsvColumns columns;
    std::map<std::string, std::size_t> extensions;  // by key text
    for (std::size_t i = 0; i < names.size(); ++i) {
        Column column;
        column.use = claims.use_of(i);
        if (const auto place = claims.place_of(i)) {
            column.target = *place == data_center_place ? Target::data_center_id : Target::field;
            if (column.target == Target::field) column.field = static_cast<FieldId>(*place);
        } else {
            append_json_string(column.key, names[i].empty() ? "column_" + std::to_string(i + 1) : std::string(names[i]));
            column.key.pop_back();  // sorted without the closing quote, as everywhere
            const auto [other, fresh] = extensions.emplace(column.key, i);
            if (!fresh) return twice("of one name", other->second, i);
            column.key += "\":";
        }
        columns.columns.push_back(std::move(column));
    }
    if (std::ranges::none_of(columns.columns, [](const Column& column) { return column.target == Target::field; }))
        return refusal_of_header("csv-no-known-column", "no column of the header is a field of a record",
                                 "send a header row; name the columns as the fields, or store a mapping of columns to fields");
    for (const auto& [key, place] : extensions) columns.extensions.push_back(place);
    return columns;
}

}  // namespace data_center_classifier::infrastructure::formats

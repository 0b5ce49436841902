// The table of common names, best first within each field.
#include "data_center_classifier/infrastructure/formats/common_names.hpp"

#include <map>
#include <string>

namespace data_center_classifier::infrastructure::formats {
namespace {

using domain::FieldId;
using enum domain::FieldId;

struct CommonName {
    std::string_view name;  // normalised
    FieldId field;
};

// DICOM keywords, the columns of public collections, and what exports in English, Spanish and Portuguese use. The fields' own names come
// before them.
constexpr auto common_names = std::to_array<CommonName>({
    {"recordidentifier", record_id},
    {"idregistro", record_id},
    {"accessionnumber", record_id},
    {"accession", record_id},
    {"numerodeacceso", record_id},
    {"numeroacceso", record_id},
    {"numerodeacesso", record_id},
    {"numeroacesso", record_id},
    {"acesso", record_id},
    {"examid", record_id},
    {"idestudio", record_id},
    {"numerodeestudio", record_id},
    {"numeroestudio", record_id},
    {"idpaciente", patient_id},
    {"pacienteid", patient_id},
    {"iddelpaciente", patient_id},
    {"mrn", patient_id},
    {"medicalrecordnumber", patient_id},
    {"nhc", patient_id},
    {"numerodehistoria", patient_id},
    {"numerohistoria", patient_id},
    {"numerohistoriaclinica", patient_id},
    {"historiaclinicaid", patient_id},
    {"prontuario", patient_id},
    {"subjectid", patient_id},
    {"subid", patient_id},
    {"subject", patient_id},
    {"patient", patient_id},
    {"paciente", patient_id},
    {"sopinstanceuid", image},
    {"dicomid", image},
    {"imageid", image},
    {"imageindex", image},
    {"imagename", image},
    {"imagefile", image},
    {"imagefilepath", image},
    {"imagepath", image},
    {"imgpath", image},
    {"dicompath", image},
    {"pngpath", image},
    {"filepath", image},
    {"filelocation", image},
    {"filename", image},
    {"path", image},
    {"seriesinstanceuid", image},
    {"seriesuid", image},
    {"seriesid", image},
    {"studyinstanceuid", image},
    {"studyuid", image},
    {"imagen", image},
    {"archivo", image},
    {"primarydiagnosis", diagnosis},
    {"diagnosticoprincipal", diagnosis},
    {"diagnostico", diagnosis},
    {"diagnosisdescription", diagnosis},
    {"dx", diagnosis},
    {"findinglabels", diagnosis},
    {"finding", diagnosis},
    {"juicioclinico", diagnosis},
    {"labels", diagnosis},
    {"reporttext", report},
    {"radiologyreport", report},
    {"textoinforme", report},
    {"textodelinforme", report},
    {"informeradiologico", report},
    {"informe", report},
    {"laudo", report},
    {"reporte", report},
    {"bodypartexamined", body_part},
    {"bodyregion", body_part},
    {"anatomicregion", body_part},
    {"regionanatomica", body_part},
    {"zonaanatomica", body_part},
    {"partedelcuerpo", body_part},
    {"regiaoanatomica", body_part},
    {"partedocorpo", body_part},
    {"anatomsitegeneral", body_part},
    {"anatomy", body_part},
    {"localization", body_part},
    {"region", body_part},
    {"regiao", body_part},
    {"imagingmodality", modality},
    {"modalidad", modality},
    {"modalidade", modality},
    {"tipodeestudio", modality},
    {"tipoestudio", modality},
    {"patientage", age},
    {"patientsage", age},
    {"ageatstudy", age},
    {"ageatscan", age},
    {"ageyears", age},
    {"ageapprox", age},
    {"edadpaciente", age},
    {"edad", age},
    {"idade", age},
    {"patientsex", sex},
    {"patientssex", sex},
    {"sexatbirth", sex},
    {"sexopaciente", sex},
    {"sexo", sex},
    {"patientgender", sex},
    {"gender", sex},
    {"genero", sex},
    {"mf", sex},
    {"patientethnicity", ethnicity},
    {"ethnicgroup", ethnicity},
    {"grupoetnico", ethnicity},
    {"etnia", ethnicity},
    {"raceethnicity", ethnicity},
    {"race", ethnicity},
    {"raza", ethnicity},
    {"raca", ethnicity},
    {"sintomas", symptoms},
    {"historiaclinica", clinical_history},
    {"datosclinicos", clinical_history},
    {"antecedentes", clinical_history},
    {"history", clinical_history},
    {"historia", clinical_history},
    {"hallazgos", findings},
    {"achados", findings},
    {"impressions", impression},
    {"impresion", impression},
    {"impresiondiagnostica", impression},
    {"impressao", impression},
    {"conclusion", impression},
    {"conclusiones", impression},
    {"conclusao", impression},
    {"recommendations", recommendation},
    {"recomendacion", recommendation},
    {"recomendaciones", recommendation},
    {"clinicalindication", indication},
    {"reasonfortherequestedprocedure", indication},
    {"reasonforexam", indication},
    {"reasonforstudy", indication},
    {"indicacion", indication},
    {"indicacaoclinica", indication},
    {"indicacao", indication},
    {"motivodeconsulta", indication},
    {"motivo", indication},
    {"comparacion", comparison},
    {"tecnica", technique},
    {"icd10cm", code},
    {"icd10code", code},
    {"icd10", code},
    {"icdcode", code},
    {"codigocie10", code},
    {"cie10", code},
    {"cid10", code},
    {"cid", code},
    {"diagnosiscode", code},
    {"codigo", code},
    {"dateofdiagnosis", diagnosis_date},
    {"fechadiagnostico", diagnosis_date},
    {"fechadediagnostico", diagnosis_date},
    {"studydatetime", study_date},
    {"dateofstudy", study_date},
    {"examdatetime", study_date},
    {"examdate", study_date},
    {"fechaestudio", study_date},
    {"fechadeestudio", study_date},
    {"fechadelestudio", study_date},
    {"fechaexploracion", study_date},
    {"fechadeexploracion", study_date},
    {"fecharealizacion", study_date},
    {"fechaderealizacion", study_date},
    {"dataexame", study_date},
    {"datadoexame", study_date},
    {"dataestudo", study_date},
    {"datadoestudo", study_date},
    {"acqdate", study_date},
    {"fecha", study_date},
    {"dateofreport", report_date},
    {"fechainforme", report_date},
    {"fechadeinforme", report_date},
    {"fechadelinforme", report_date},
    {"datalaudo", report_date},
    {"datadolaudo", report_date},
    {"yearofbirth", birth_year},
    {"patientbirthyear", birth_year},
    {"patientbirth", birth_year},
    {"yob", birth_year},
    {"anodenacimiento", birth_year},
    {"anonacimiento", birth_year},
    {"anonascimento", birth_year},
    {"imagelaterality", laterality},
    {"lateralidad", laterality},
    {"lateralidade", laterality},
    {"leftorrightbreast", laterality},
    {"side", laterality},
    {"lado", laterality},
    {"scannermanufacturer", manufacturer},
    {"vendor", manufacturer},
    {"fabricante", manufacturer},
    {"marca", manufacturer},
});

constexpr std::size_t rank_of(std::string_view name) {
    for (std::size_t i = 0; i < common_names.size(); ++i)
        if (common_names[i].name == name) return i + 1;
    return 0;
}

// From here on the ids of record_id are those of a study.
constexpr std::size_t first_study_id = rank_of("accessionnumber");
// These tell one image from every other.
constexpr std::size_t first_unique_image_id = rank_of("sopinstanceuid"), last_unique_image_id = rank_of("dicomid");
// These stand for an image, but name its study.
constexpr std::size_t first_image_of_study = rank_of("studyinstanceuid"), last_image_of_study = rank_of("studyuid");
static_assert(first_study_id > 0 && first_unique_image_id > 0 && last_unique_image_id == first_unique_image_id + 1 &&
              first_image_of_study > 0 && last_image_of_study == first_image_of_study + 1);

// The base letters of U+00C0..U+00FF, as far as European languages write names with them.
constexpr std::string_view base_letters = "aaaaaaaceeeeiiiidnooooo ouuuuy  aaaaaaaceeeeiiiidnooooo ouuuuy y";
static_assert(base_letters.size() == 64);

// Lower case, without accents, and only letters and digits: "Región_Anatómica " is "regionanatomica", and "Nº Acceso" "numeroacceso".
std::string normalised(std::string_view name) {
    std::string text;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        if (c >= 'A' && c <= 'Z') text += static_cast<char>(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) text += c;
        if ((c != '\xC3' && c != '\xC2') || i + 1 == name.size()) continue;
        const char second = name[++i];
        const auto letter = base_letters[static_cast<unsigned char>(second) & 0x3FU];
        if (c == '\xC3' && letter != ' ') text += letter;
        const bool ordinal = c == '\xC2' && (second == '\xBA' || second == '\xB0');
        if (ordinal && text.ends_with('n')) text += "umero";
    }
    return text;
}

const std::map<std::string, Meaning, std::less<>>& by_common_name() {
    static const auto names = [] {
        std::map<std::string, Meaning, std::less<>> table;
        for (std::size_t i = 0; i < domain::field_count; ++i) {
            const auto field = static_cast<FieldId>(i);
            table.emplace(normalised(domain::info(field).name), Meaning{.field = field, .rank = 0});
        }
        for (std::size_t i = 0; i < common_names.size(); ++i)
            table.emplace(common_names[i].name, Meaning{.field = common_names[i].field, .rank = i + 1});
        return table;
    }();
    return names;
}

}  // namespace

std::string loose_name(std::string_view name) {
    for (const char c : name)
        if (static_cast<unsigned char>(c) > 0xC3) return "";
    return normalised(name);
}

std::optional<Meaning> meaning_of(std::string_view name) {
    constexpr std::string_view of_dicom = "dicom";  // as "StudyDate_DICOM"
    const auto& names = by_common_name();
    const auto text = normalised(name);
    auto found = names.find(text);
    if (found == names.end() && text.ends_with(of_dicom))
        found = names.find(std::string_view(text).substr(0, text.size() - of_dicom.size()));
    if (found == names.end()) return std::nullopt;
    return found->second;
}

void CommonFields::offer(const Meaning& meaning, std::string_view name, std::size_t index) {
    const Best offered{.rank = meaning.rank, .index = index, .name = name};
    keep_better(best_[static_cast<std::size_t>(meaning.field)], offered);
    if (meaning.field == image && meaning.rank >= first_unique_image_id && meaning.rank <= last_unique_image_id)
        keep_better(unique_image_, offered);
    note(meaning);
}

void CommonFields::note(const Meaning& meaning) {
    const bool of_study = meaning.rank >= first_image_of_study && meaning.rank <= last_image_of_study;
    if (meaning.field == image && !of_study) below_study_ = true;
}

void CommonFields::keep_better(std::optional<Best>& best, const Best& offered) {
    const bool better = !best || offered.rank < best->rank || (offered.rank == best->rank && offered.name < best->name);
    if (better) best = offered;
}

std::optional<std::size_t> CommonFields::holder(FieldId field) const {
    const auto& best = best_[static_cast<std::size_t>(field)];
    if (!best) return std::nullopt;
    const bool is_of_study = field == record_id && best->rank >= first_study_id;
    if (!is_of_study || !below_study_) return best->index;
    if (unique_image_) return unique_image_->index;
    return std::nullopt;
}

}  // namespace data_center_classifier::infrastructure::formats

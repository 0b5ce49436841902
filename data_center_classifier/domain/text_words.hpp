// The words that the scanners of text know, English, Spanish and Portuguese, lower case and without accents, grouped by what they mean.
#pragma once

#include "data_center_classifier/domain/text_signs.hpp"
#include "data_center_classifier/domain/word_table.hpp"

namespace data_center_classifier::domain {

// What a word announces when it stands as a label, or what it is.
enum class WordRole : std::uint8_t {
    plain,
    name_label,     // "surname": one capitalised word behind the colon is a name
    name_word,      // "name": two are needed
    person_word,    // "patient": two are needed, and one of them a known first name
    name_prefix,    // "first" before "name"
    name_joint,     // "'s" before "name"
    name_link,      // "da" in "da Silva"; with a capital a surname
    relative,       // "Nome da mãe", "mother's name"
    title,          // "Mr": a known first name has to follow
    first_name,     // one that means nothing else
    phone_label,    // "tel"
    phone_word,     // "cell": counts with a colon, or before nine digits
    dni_label,      // also without its check letter
    id_label,       // "rut"
    ssn_label,      // "ssn"
    ssn_tail,       // "security" behind "social"
    health_label,   // "nhs", "nss"
    birth_label,    // "dob"
    birth_sign,     // "fn": counts with a colon
    birth_tail,     // "nac" behind "fecha"; alone it is an illness
    address_label,  // "address"
    street_after,   // "12 Main Street"
    street_before,  // "Calle Mayor 12"
    street_always,  // "calle mayor 12"
    box,            // "box" behind "po"
    compares,       // "compared": a side behind it in the sentence is another's
    number_label,   // "order": the number behind it is nobody's
    filler,         // "number", "of": may stand between a label and its value
    no_name,        // capitalised, yet nobody's name: "Anonymous", "CT"
};

struct Word {
    std::string_view text;
    WordRole role = WordRole::plain;
    std::uint16_t regions = 0;
    std::uint8_t side = 0;
};

namespace words {

using enum WordRole;

struct Group {
    WordRole role;
    std::uint16_t regions;
    std::uint8_t side;
    std::string_view list;
};
constexpr Group of(WordRole role, std::string_view list) {
    return {role, 0, 0, list};
}
constexpr Group in(int regions, std::string_view list) {
    return {plain, static_cast<std::uint16_t>(regions), 0, list};
}
constexpr Group on(std::uint8_t side, std::string_view list) {
    return {plain, 0, side, list};
}

inline constexpr auto groups = std::to_array<Group>({
    of(name_label,
       "patient_name patientname patientsname full_name fullname first_name firstname last_name lastname family_name given_name "
       "surname sobrenome apellido apellidos nombre_paciente nombre_completo"),
    of(name_word, "name nombre nome nombres"),
    of(person_word, "paciente patient pt pte"),
    of(name_prefix, "first last family given middle"),
    of(name_joint, "s full y"),
    of(name_link, "da do dos das los las"),
    of(relative, "mae pai madre padre mother father"),
    of(title, "mr mrs ms miss sr sra srta don dona"),
    of(phone_label,
       "tel tels telf tlf tfno tfn telefono telefonos telefone telemovel fono fone phone telephone phone_number phonenumber mobile_phone "
       "home_phone whatsapp"),
    of(phone_word, "cell mobile movil fax contact contacto contato cel celular ph pager"),
    of(dni_label, "dni nif"),
    of(id_label, "nie rut run cpf curp national_id"),
    of(ssn_label, "ssn social_security_number socialsecuritynumber"),
    of(ssn_tail, "security"),
    of(health_label, "nhs nss nass"),
    of(birth_label,
       "dob birth birthdate birth_date date_of_birth dateofbirth birthday born nacimiento nacido nacida fnac fecha_nacimiento "
       "fecha_de_nacimiento nascimento nascido nascida patientbirthdate patient_birth_date geburtsdatum"),
    of(birth_sign, "fn dn"),
    of(birth_tail, "nac nasc"),
    of(address_label, "address home_address street_address patient_address direccion domicilio endereco"),
    of(street_after, "street st avenue ave road rd lane boulevard blvd drive"),
    of(street_always, "calle"),
    of(street_before, "avenida avda av paseo plaza pza carretera ctra rua"),
    of(box, "box"),
    of(compares, "compared comparison comparing comparado comparada comparacion contralateral versus vs"),
    of(number_label,
       "order orden serial serie series accession acceso lot lote device dispositivo mrn id ref reference referencia folio "
       "image images imagen imagenes imagem pedido volante episodio dose dosis volume volumen phase fase score"),
    of(filler, "number no num numero nr n date the on is el de la of dia familiar completo del em"),

    // De-identification, studies, and what protocols, forms and HL7 write before a caret or behind "Patient:".
    of(no_name,
       "anon anonymous anonymized anonymised anonimo anonima anonimizado anonimizada deidentified identified redacted removed "
       "withheld confidential confidencial unknown none null xx xxx xxxx subject sujeto phantom case test ct mri rm tc xray scan "
       "study exam examination radiograph radiografia ultrasound report normal routine rutina male female mujer hombre varon year "
       "years adult adulto child not has protocol protocols protocolo protocolos siemens philips ge toshiba canon medtronic kodak agfa "
       "fujifilm carestream hologic konica hitachi shimadzu samsung cohort cohorte group grupo control volunteer pseudonym pseudo "
       "desconocido desconocida consta informado informada nao disponible"),
    of(no_name,
       "neuro neuroradiology cardio angio vascular msk onco user hospital specials special library research investigators project "
       "clinical clinic general default wb pet cta cte mra mrcp ctpa gyn obgyn ob dti dwi flair body contrast pediatric "
       "peds trauma emergency portable screening staging perfusion function runoff dynamic planning therapy followup follow "
       "prefetch template custom standard generic local backup private public shared"),
    of(no_name,
       "axial coronal sagittal thin thick slice bone soft tissue lateral frontal view views sequence localizer scout recon "
       "findings hallazgos impression impresion conclusion technique indication history text comment note result "
       "results value unit status final preliminary"),
    of(no_name,
       "tumor tumour maligno maligna benigno benigna disease syndrome sindrome enfermedad cancer carcinoma lymphoma linfoma sarcoma "
       "metastasis pneumonia neumonia embolism embolia fracture fractura infection infeccion hypertension hipertension hipertenso "
       "hipertensa diabetes diabetico diabetica asthma asma pain dolor fever fiebre cough tos mass masa nodule nodulo lesion cyst "
       "quiste hernia stenosis estenosis effusion derrame edema oedema arthritis artritis viral bacterial acute chronic agudo "
       "aguda cronico cronica upper lower positive negative positivo negativo glucose glucosa sodium sodio potassium hemogram "
       "hemograma blood urine hiv gonorrhea radiology radiologia pathology cardiology oncology neurology"),
    of(no_name,
       "known denies presents presented post stable condition limited mobility rotated slightly position supine prone "
       "uncooperative cooperative good poor mala buena mal bien colaboracion colaborador portador portadora asintomatico "
       "asintomatica remitido remitida conocido conocida during with without por con sin en allergies inspiration expiration "
       "barium bario swallow enema transito intestinal esofagico puncture bolus tracking stent graft prenatal fetal doppler "
       "grade grado level lobe lobo lobulo cranio rotina exame joelho direito direita esquerdo esquerda coluna lombar ombro "
       "tornozelo cotovelo quadril ressonancia "
       "computed tomography magnetic resonance resonancia tomografia computada emission"),

    // First names that are no word of a report.
    of(first_name,
       "john james robert michael william david richard joseph thomas charles christopher daniel matthew anthony donald steven "
       "paul andrew joshua kenneth kevin brian george edward ronald timothy jason jeffrey ryan jacob gary nicholas eric "
       "jonathan stephen larry justin scott brandon benjamin samuel gregory alexander patrick jack dennis jerry tyler aaron "
       "adam nathan henry douglas zachary peter kyle noah ethan jeremy walter christian keith roger terry sean gerald carl "
       "harold dylan arthur lawrence jordan jesse bryan billy bruce gabriel joe logan albert willie alan eugene russell wayne "
       "philip harry vincent bobby johnny luke oliver"),
    of(first_name,
       "mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty sandra margaret ashley "
       "kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca laura sharon cynthia dorothy amy kathleen "
       "angela shirley emma brenda pamela nicole anna samantha katherine christine helen debra rachel carolyn janet maria "
       "catherine heather diane olivia julie joyce victoria ruth virginia lauren kelly christina joan evelyn judith andrea "
       "hannah megan cheryl jacqueline martha madison teresa gloria sara janice ann anne kathryn abigail sophia jean alice "
       "judy julia denise amber doris marilyn danielle beverly isabella theresa diana natalie brittany charlotte marie kayla "
       "alexis lori jane lucy molly"),
    of(first_name,
       "antonio jose manuel francisco juan javier carlos jesus miguel alejandro rafael pedro fernando pablo luis sergio jorge "
       "alberto alvaro diego adrian raul ivan enrique ramon vicente oscar joaquin andres santiago eduardo mario roberto "
       "jaime ignacio alfonso salvador ricardo emilio hugo julian tomas agustin felipe gonzalo nicolas esteban gustavo "
       "rodrigo mateo martin cristian guillermo ernesto hector leonardo mauricio armando arturo joao paulo marcos "
       "lucas gael bruno rui"),
    of(first_name,
       "carmen ana isabel josefa francisca antonia cristina marta lucia elena paula raquel manuela beatriz mercedes silvia "
       "juana encarnacion alicia sofia yolanda margarita fatima susana noelia veronica irene nuria lorena gabriela "
       "valentina camila daniela mariana fernanda alejandra carolina catalina juliana luisa esther eva ines montserrat "
       "guadalupe leticia adriana claudia miriam sonia amparo lourdes jimena renata luciana aurora begona"),

    of(first_name,
       "thiago tiago joaquim matheus mateus guilherme vinicius caio henrique luiz sebastiao raimundo edson marcelo "
       "fabio flavio rogerio vitoria conceicao larissa thais tatiana priscila bruna vanessa simone rosangela terezinha "
       "luiza heloisa giovana rafaela isabela eduarda helena catarina joana"),

    in(head | heart, "ventricles ventricle ventriculos"),
    in(head,
       "head brain skull cranial intracranial cerebral cerebellar cerebellum orbit orbits sinus sinuses cabeza craneo craneal cerebro "
       "encefalo infarct infarto"),
    in(neck, "neck thyroid larynx carotid cuello tiroides laringe"),
    in(chest,
       "chest thorax thoracic lung lungs pulmonary pleural mediastinum mediastinal cardiomediastinal costophrenic hilar pneumothorax "
       "torax pecho pulmon pulmones pulmonar pulmonares mediastino rib ribs sternotomy consolidation carina airspace neumotorax "
       "pleura costofrenico costofrenicos cardiomediastinica costillas hemidiafragma endotracheal"),
    in(heart, "heart cardiac coronary myocardial corazon cardiaca cardiaco cardiomegaly"),
    in(abdomen,
       "abdomen abdominal liver hepatic spleen splenic kidney kidneys renal pancreas pancreatic gallbladder bowel stomach colon "
       "higado bazo rinon rinones vesicula estomago ureter ureteres"),
    in(pelvis, "pelvis pelvic prostate uterus uterine ovary ovaries ovarian bladder prostata utero vejiga ovario"),
    in(pelvis | lower_limb, "hip hips cadera caderas femoral"),
    in(spine, "spine spinal vertebra vertebrae vertebral vertebrales lumbar columna sacrum sacro disc discs disco discos"),
    in(spine | neck, "cervical"),
    in(upper_limb,
       "arm hand hands wrist finger fingers elbow forearm humerus humeral radius radial ulna ulnar shoulder clavicle metacarpal "
       "scaphoid brazo mano manos muneca codo hombro clavicula dedos"),
    in(upper_limb | lower_limb, "phalanx phalanges falange"),
    in(lower_limb,
       "leg foot feet ankle knee toe toes femur tibia tibial fibula fibular patella calcaneus talar talus metatarsal hallux "
       "pierna pie pies tobillo rodilla perone rotula"),
    in(breast, "breast breasts mammary mammogram mama mamas mamografia"),

    on(side_left, "left izquierdo izquierda izq izqdo izqda"),
    on(side_right, "right derecho derecha dcho dcha"),
    on(side_both, "bilateral bilaterally both ambos ambas"),
});

inline constexpr std::size_t count = [] {
    std::size_t sum = 0;
    for (const auto& group : groups) sum += count_words(group.list);
    return sum;
}();

inline constexpr WordTable<Word, count, 4096> table{[] {
    std::array<Word, count> all{};
    std::size_t i = 0;
    for (const auto& group : groups)
        each_word(group.list, [&](std::string_view text) { all[i++] = {text, group.role, group.regions, group.side}; });
    return all;
}()};
static_assert(table.finds_each_word());

}  // namespace words

// The word of that hash and length, or nullptr.
inline const Word* find_word(std::uint32_t hash, std::size_t size) {
    return words::table.find(hash, size);
}

}  // namespace data_center_classifier::domain

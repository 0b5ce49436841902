// The DOM of simdjson: these bodies are small and rare.
#include "data_center_classifier/infrastructure/http/text_members.hpp"

#include <simdjson.h>

namespace data_center_classifier::infrastructure::http {

kernel::Result<std::map<std::string, std::string, std::less<>>> text_members(std::string_view json) {
    const kernel::Error not_understood{kernel::ErrorKind::incorrect, "body-not-understood",
                                       "the body is a JSON object whose members are texts"};
    simdjson::dom::parser parser;
    simdjson::dom::object object;
    if (parser.parse(json.data(), json.size()).get_object().get(object) != simdjson::SUCCESS) return not_understood;
    std::map<std::string, std::string, std::less<>> members;
    for (const auto member : object) {
        std::string_view text;
        if (member.value.get_string().get(text) != simdjson::SUCCESS) return not_understood;
        if (!members.emplace(member.key, text).second)
            return kernel::Error{kernel::ErrorKind::incorrect, "member-twice", "two members of the body have one name"};
    }
    return members;
}

}  // namespace data_center_classifier::infrastructure::http

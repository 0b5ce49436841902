// LineSplitter: a stream of chunks into lines, without ever holding more than one line that is within the bound.
#include "data_center_classifier/infrastructure/formats/formats.hpp"

namespace data_center_classifier::infrastructure::formats {
namespace {

std::string_view without_cr(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

bool is_blank(std::string_view line) {
    return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

}  // namespace

void LineSplitter::feed(std::string_view chunk, const Line& line) {
    while (!chunk.empty()) {
        const auto end = chunk.find('\n');
        const auto part = chunk.substr(0, end);
        const bool complete = end != std::string_view::npos;
        chunk.remove_prefix(complete ? end + 1 : chunk.size());
        if (skipping_) {
            skipping_ = !complete;
            continue;
        }
        // One byte over the bound is held too while the line is open: it may be the CR that is cut off.
        const auto size = rest_.size() + part.size();
        const bool may_end_in_cr = !part.empty() ? part.ends_with('\r') : rest_.ends_with('\r');
        if (size > line_bytes_max_ + (may_end_in_cr ? 1 : 0)) {
            rest_.clear();
            skipping_ = !complete;
            line(++number_, {}, true);
        } else if (!complete) {
            rest_ += part;
        } else {
            ++number_;
            if (!rest_.empty()) rest_ += part;
            const auto text = without_cr(rest_.empty() ? part : std::string_view(rest_));
            if (!is_blank(text)) line(number_, text, false);
            rest_.clear();
        }
    }
}

void LineSplitter::finish(const Line& line) {
    const auto text = without_cr(rest_);
    if (!rest_.empty()) ++number_;
    if (!is_blank(text)) line(number_, text, false);
    rest_.clear();
    skipping_ = false;
}

}  // namespace data_center_classifier::infrastructure::formats

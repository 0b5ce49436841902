// Writing of an answer's header, straight into a string.
#pragma once

#include <string>
#include <string_view>

namespace platform::http {

// "HTTP/1.1 200 OK\r\n"
void add_status_line(std::string& out, int status);
// "Name: value\r\n"; control characters of the value become spaces, so that no value makes a header of its own.
void add_header(std::string& out, std::string_view name, std::string_view value);
void add_header(std::string& out, std::string_view name, std::size_t value);
// "Date: Sun, 01 Mar 2026 09:30:00 GMT\r\n", now.
std::string date_line();

}  // namespace platform::http

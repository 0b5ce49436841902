// pulsar_probe: reads commands from standard input and answers on standard output, a line of JSON each (probe.hpp). Ends with its input.
#include "platform/pulsar/probe/output.hpp"
#include "platform/pulsar/probe/probe.hpp"

#include <iostream>
#include <string>

#include <unistd.h>

int main() {
    platform::pulsar::probe::Output output(STDOUT_FILENO);
    platform::pulsar::probe::Probe probe(output);
    for (std::string line; std::getline(std::cin, line);)
        if (!line.empty()) probe.take(line);
}

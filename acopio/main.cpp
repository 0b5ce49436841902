// The program `acopio`: one binary for the server and for everybody who talks to it.
#include "acopio/cli.hpp"

int main(int argc, char** argv) {
    return acopio::run_command_line(argc, argv);
}

// The program `acopio`: one binary for the server and for everybody who talks to it.
#include "acopio/cli.hpp"

// What jemalloc reads at its start (jemalloc(3), TUNING). Two arenas share what an arena for each thread would hold on to.
extern "C" const char* malloc_conf;
const char* malloc_conf = "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0";

int main(int argc, char** argv) {
    return acopio::run_command_line(argc, argv);
}

# Compiler settings that every room shares.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(ACOPIO_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize= takes them")
option(ACOPIO_FUZZERS "build the libFuzzer targets" OFF)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror -Wno-c++26-extensions)
add_compile_definitions(_GLIBCXX_ASSERTIONS)
add_link_options(-fuse-ld=lld-19)
if(ACOPIO_SANITIZE)
  add_compile_options(-fsanitize=${ACOPIO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ACOPIO_SANITIZE})
  if(ACOPIO_SANITIZE MATCHES undefined)
    # It looks at memory through a pipe, and calls good objects bad where no descriptor is left, which a test brings about.
    add_compile_options(-fno-sanitize=vptr)
    add_link_options(-fno-sanitize=vptr)
  endif()
endif()
if(ACOPIO_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Precompiled headers go through ccache only with these sloppiness settings and without time stamps.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()
set(CMAKE_PCH_WARN_INVALID ON)

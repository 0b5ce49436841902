# room(<name> DIR <dir> [DEPENDS <room>...] [LIBS <library>...] [PCH <std|beast>])
#
# A room is one directory and one library. With ROOM_WALLS=ON every room gets an include root of its own (links to its
# headers under build/rooms/), handed only to the rooms that DEPEND on it: a forbidden #include is a compile error.
# With ROOM_WALLS=OFF (the dev preset) the repository root is the one include root, so editors and debuggers show real
# paths; tools/check_rooms.py reads the same room() calls and still guards the rules.
#
# Tests (*_test.cpp), engine tests (*_engine_test.cpp), benches (*_bench.cpp) and fuzzers (*_fuzz.cpp) stand beside the code.
# A room's tests become one program <name>_test; those that need a real engine one program <name>_engine_test, which only the
# step `engines` of tools/run_tests.py runs; its benches one program <name>_bench (built with ACOPIO_BENCHES=ON, as the release
# preset does; nothing runs it by itself); each fuzzer a program of its own (ACOPIO_FUZZERS=ON, corpora in <dir>/corpus/<fuzzer>/).
option(ROOM_WALLS "Give every room a private include root" OFF)
option(ACOPIO_BENCHES "build the rooms' benches" OFF)

function(room name)
  cmake_parse_arguments(ROOM "" "DIR" "DEPENDS;LIBS;TEST_DEPENDS;TEST_LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ROOM_DIR}/*.cpp)
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ROOM_DIR}/*.hpp)
  file(GLOB tests CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ROOM_DIR}/*_test.cpp)
  set(engine_tests ${tests})
  list(FILTER engine_tests INCLUDE REGEX "_engine_test\\.cpp$")
  list(FILTER tests EXCLUDE REGEX "_engine_test\\.cpp$")
  file(GLOB benches CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ROOM_DIR}/*_bench.cpp)
  file(GLOB fuzzers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${ROOM_DIR}/*_fuzz.cpp)
  list(FILTER sources EXCLUDE REGEX "(_(test|bench|fuzz)|/main)\\.cpp$")

  set(root ${PROJECT_SOURCE_DIR})
  if(ROOM_WALLS)
    set(root ${PROJECT_BINARY_DIR}/rooms/${name})
    file(REMOVE_RECURSE ${root}/${ROOM_DIR})
    file(MAKE_DIRECTORY ${root}/${ROOM_DIR})
    foreach(header ${headers})
      get_filename_component(file ${header} NAME)
      file(CREATE_LINK ${header} ${root}/${ROOM_DIR}/${file} SYMBOLIC)
    endforeach()
  endif()

  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${name} ${scope} ${root})
  target_link_libraries(${name} ${scope} ${ROOM_DEPENDS} ${ROOM_LIBS})

  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE ${name} ${ROOM_TEST_DEPENDS} ${ROOM_TEST_LIBS} rapidcheck_headers GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE ACOPIO_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  endif()
  if(engine_tests)
    add_executable(${name}_engine_test ${engine_tests})
    target_link_libraries(${name}_engine_test PRIVATE ${name} ${ROOM_TEST_DEPENDS} ${ROOM_TEST_LIBS} rapidcheck_headers GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_engine_test PRIVATE ACOPIO_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  endif()
  if(ACOPIO_BENCHES AND benches)
    add_executable(${name}_bench ${benches})
    target_link_libraries(${name}_bench PRIVATE ${name} ${ROOM_TEST_DEPENDS} ${ROOM_TEST_LIBS} benchmark::benchmark_main)
  endif()
  if(ACOPIO_FUZZERS)
    foreach(fuzzer ${fuzzers})
      get_filename_component(fuzz ${fuzzer} NAME_WE)
      add_executable(${fuzz} ${fuzzer})
      target_link_libraries(${fuzz} PRIVATE ${name} ${ROOM_TEST_DEPENDS})
      target_link_options(${fuzz} PRIVATE -fsanitize=fuzzer)
      set(corpus ${PROJECT_SOURCE_DIR}/${ROOM_DIR}/corpus/${fuzz})
      if(EXISTS ${corpus})
        add_test(NAME ${fuzz}_corpus COMMAND ${fuzz} -runs=0 ${corpus} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
      endif()
    endforeach()
  endif()
endfunction()

find_library(RAPIDCHECK rapidcheck REQUIRED)
add_library(rapidcheck_headers INTERFACE)
target_link_libraries(rapidcheck_headers INTERFACE ${RAPIDCHECK})

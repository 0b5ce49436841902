# Libraries of others. All come from Debian; rooms name them in LIBS, and only the room that needs one lists it.
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(spdlog REQUIRED)
find_package(simdjson REQUIRED)
find_package(CLI11 REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
find_package(Protobuf REQUIRED)
pkg_check_modules(LZ4 REQUIRED IMPORTED_TARGET liblz4)
pkg_check_modules(SNAPPY REQUIRED IMPORTED_TARGET snappy)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)

# Header-only Boost: each of Asio, Beast, JSON and URL is compiled once, in boost_sources.cpp.
add_library(boost_sources STATIC ${PROJECT_SOURCE_DIR}/cmake/boost_sources.cpp)
target_compile_definitions(boost_sources PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
target_compile_options(boost_sources PRIVATE -w)
target_link_libraries(boost_sources PUBLIC Threads::Threads)
add_library(Boost::headers ALIAS boost_sources)

# What protoc makes of Pulsar's messages. Generated code answers to none of our checks: no warnings, and system headers for its users.
set(pulsar_proto ${PROJECT_BINARY_DIR}/generated/platform/pulsar/wire/pulsar.pb)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/generated/platform/pulsar/wire)
add_custom_command(OUTPUT ${pulsar_proto}.cc ${pulsar_proto}.h
  COMMAND protobuf::protoc --proto_path=${PROJECT_SOURCE_DIR} --cpp_out=${PROJECT_BINARY_DIR}/generated platform/pulsar/wire/pulsar.proto
  DEPENDS ${PROJECT_SOURCE_DIR}/platform/pulsar/wire/pulsar.proto WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
add_library(pulsar_proto STATIC ${pulsar_proto}.cc ${pulsar_proto}.h)
target_compile_options(pulsar_proto PRIVATE -w)
target_include_directories(pulsar_proto SYSTEM PUBLIC ${PROJECT_BINARY_DIR}/generated)
target_link_libraries(pulsar_proto PUBLIC protobuf::libprotobuf-lite)

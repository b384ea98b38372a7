# SPDX-License-Identifier: Apache-2.0
# Compile options and the three helpers every folder uses.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)  # the static folders also end up in a Python module
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_package(Threads REQUIRED)

add_library(onefold_options INTERFACE)
target_include_directories(onefold_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(onefold_options INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wno-unused-parameter>
  # g++ 12 warns of designated initializers that leave the other members at their defaults.
  $<$<COMPILE_LANGUAGE:CXX>:-Wno-missing-field-initializers>
  $<$<AND:$<BOOL:${ONEFOLD_DEVELOPER}>,$<COMPILE_LANGUAGE:CXX>>:-Werror>
  # g++ 12 reports these inside its own <string> and <vector> at -O2 and above.
  $<$<CXX_COMPILER_ID:GNU>:$<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-maybe-uninitialized -Wno-dangling-pointer>>)
target_link_libraries(onefold_options INTERFACE Threads::Threads)
if(ONEFOLD_SANITIZE STREQUAL "address")
  # Undefined behaviour stops the program: a report that lets the test pass is a report nobody reads.
  target_compile_options(onefold_options INTERFACE -fno-omit-frame-pointer
    -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all)
  target_compile_definitions(onefold_options INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(onefold_options INTERFACE -fsanitize=address,undefined)
elseif(ONEFOLD_SANITIZE STREQUAL "thread")
  target_compile_options(onefold_options INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(onefold_options INTERFACE -fsanitize=thread)
endif()

if(ONEFOLD_DEVELOPER)
  enable_testing()
  find_package(GTest REQUIRED)
endif()
if(ONEFOLD_BENCH)
  find_package(benchmark REQUIRED)
  add_custom_target(onefold_benches)
endif()

# onefold_library(<folder> SOURCES <files> [DEPS <targets>])
# One static library per folder of src/onefold, named onefold::<folder>.
function(onefold_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(onefold_${name} STATIC ${ARG_SOURCES})
  add_library(onefold::${name} ALIAS onefold_${name})
  target_link_libraries(onefold_${name} PUBLIC onefold_options ${ARG_DEPS})
endfunction()

# onefold_test(<name> SOURCES <files> [DEPS <targets>] [LABELS <labels>] [ARGS <arguments>])
# A GoogleTest program; CTest runs it as one test.
function(onefold_test name)
  if(NOT ONEFOLD_DEVELOPER)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LABELS;ARGS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE onefold_options ${ARG_DEPS} GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE
    ONEFOLD_SHARED_DATA="${CMAKE_SOURCE_DIR}/../shared/data"
    ONEFOLD_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name} ${ARG_ARGS})
  if(ARG_LABELS)
    set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}")
  endif()
endfunction()

# onefold_bench(<name> SOURCES <files> [DEPS <targets>]): a Google Benchmark program in <build>/bench,
# where tools/bench.py finds it.
function(onefold_bench name)
  if(NOT ONEFOLD_BENCH)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE onefold_options ${ARG_DEPS} benchmark::benchmark)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  add_dependencies(onefold_benches ${name})
endfunction()

# cmake/Tests.cmake -- finds and registers every test; the CTest label names its kind.
# SPDX-License-Identifier: MIT
enable_language(CXX)
enable_testing()
find_package(PkgConfig REQUIRED)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

# Tests call malloc in ways that compilers know to be odd or would optimise away.
add_library(midden_test_flags INTERFACE)
target_link_libraries(midden_test_flags INTERFACE midden_flags PkgConfig::CMOCKA Threads::Threads m)
target_include_directories(midden_test_flags INTERFACE ${PROJECT_SOURCE_DIR}/tests)
target_compile_definitions(midden_test_flags INTERFACE
  MIDDEN_STANDARD_NAMES=$<BOOL:${MIDDEN_STANDARD_NAMES}>)
target_compile_options(midden_test_flags INTERFACE -fno-builtin
  $<$<CXX_COMPILER_ID:GNU>:-Wno-alloc-size-larger-than -Wno-free-nonheap-object>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-use-after-free -Wno-mismatched-dealloc>
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-mismatched-new-delete>)

# What a test finds in its environment.
set(environment
    SOURCE=${PROJECT_SOURCE_DIR} BUILD=${PROJECT_BINARY_DIR}
    MIDDEN=${PROJECT_BINARY_DIR}/midden LIBMIDDEN=${PROJECT_BINARY_DIR}/libmidden.so
    XDG_STATE_HOME=${PROJECT_BINARY_DIR}/tests/state  # no test's runs are among the user's own
    CC=${CMAKE_C_COMPILER} CXX=${CMAKE_CXX_COMPILER})

# Register test LABEL/NAME, run by the command that follows.
function(midden_test label name)
  add_test(NAME ${label}/${name} COMMAND ${ARGN} WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  set_tests_properties(${label}/${name} PROPERTIES LABELS ${label} TIMEOUT 300
                                                   ENVIRONMENT "${environment}")
endfunction()

# A test program of one file, with the whole library inside it, and so running on Midden's heap;
# what else it links follows.
function(midden_test_program label file)
  cmake_path(RELATIVE_PATH file BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE name)
  string(REGEX REPLACE "^(src|tests/${label})/|(_test)?\\.cc?$" "" name ${name})
  string(MAKE_C_IDENTIFIER ${label}_${name} target)
  add_executable(${target} ${file})
  target_link_libraries(${target} PRIVATE midden_test_flags ${library_objects} ${ARGN})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests ENABLE_EXPORTS ON)
  midden_test(${label} ${name} ${target})
endfunction()

file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*/*_test.c)
foreach(file IN LISTS files)
  if(NOT file MATCHES "/(observe|export|graph|live|trace|walk)/")
    midden_test_program(unit ${file})
  elseif(TARGET midden_observe)
    midden_test_program(unit ${file} midden_live midden_export midden_messages midden_graph
                             midden_trace midden_walk midden_observe)
  endif()
endforeach()

# What these say of spans holds for blocks that are no samples.
foreach(test heap pages record)
  set_property(TEST unit/heap/${test} APPEND PROPERTY ENVIRONMENT MIDDEN_OPTIONS=sample=0)
endforeach()
# Hardened heaps have their samples among their other blocks.
midden_test(unit hardened/heap/sample unit_heap_sample)
set_property(TEST unit/hardened/heap/sample APPEND PROPERTY ENVIRONMENT MIDDEN_OPTIONS=hardened=1)
# A walk of hardened heaps finds what is live in another way.
if(TARGET midden_walk)
  foreach(test blocks doctor)
    midden_test(unit hardened/walk/${test} unit_walk_${test})
    set_property(TEST unit/hardened/walk/${test} APPEND PROPERTY ENVIRONMENT
                 MIDDEN_OPTIONS=hardened=1)
  endforeach()
endif()

foreach(label conformance stress)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${label}/*.c
       ${PROJECT_SOURCE_DIR}/tests/${label}/*.cc)
  foreach(file IN LISTS files)
    midden_test_program(${label} ${file})
  endforeach()
endforeach()

# The same once more with the other way of holding blocks; `returns`, `limits` and `threads` state
# figures that are the default's, without a quarantine.
foreach(test aligned allocator calloc heaps realloc requests sizes)
  midden_test(conformance hardened/${test} conformance_${test})
  set_property(TEST conformance/hardened/${test} APPEND PROPERTY ENVIRONMENT
               MIDDEN_OPTIONS=hardened=1)
endforeach()
foreach(test random generations fork)
  midden_test(stress hardened/${test} stress_${test})
  set_property(TEST stress/hardened/${test} APPEND PROPERTY ENVIRONMENT MIDDEN_OPTIONS=hardened=1)
endforeach()

# Each collector passes the same programs: as it is, and where it is hardest.  `limits`,
# `pacing` and `exhaustion` allocate too much to collect, or verify, so often; `collections` and
# `compiled` are read by other tests.
file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/gc/*.c)
list(FILTER files EXCLUDE REGEX "/(collections|compiled)\\.c$")
foreach(file IN LISTS files)
  cmake_path(GET file STEM name)
  set(wrapped)
  if(name STREQUAL exhaustion)
    set(wrapped -Wl,--wrap=mid_os_map,--wrap=mid_meta_take,--wrap=mid_span_take)
  endif()
  midden_test_program(gc ${file} ${wrapped})
  foreach(collector mark-sweep copying generational no-barrier)
    foreach(options gc_verify=1 "gc_verify=1,gc_stress=61" "gc_verify=1,gc_young=256K" gc_threads=2)
      if((name MATCHES "^(limits|pacing)$" AND options MATCHES verify) OR
         (name STREQUAL exhaustion AND options MATCHES stress))
        continue()
      endif()
      string(REGEX REPLACE "gc_|=1|," "" how ${options})
      midden_test(gc ${collector}/${how}/${name} gc_${name})
      set_property(TEST gc/${collector}/${how}/${name} APPEND PROPERTY ENVIRONMENT
                   MIDDEN_OPTIONS=feed=0,gc=${collector},${options})
    endforeach()
  endforeach()
endforeach()

# What the fuzzer found worth keeping, without the fuzzer.  At the limit many calls are refused.
add_executable(soak_replay ${PROJECT_SOURCE_DIR}/tests/soak/replay.c
                           ${PROJECT_SOURCE_DIR}/tests/soak/fuzz_api.c)
target_link_libraries(soak_replay PRIVATE midden_test_flags ${library_objects})
set_target_properties(soak_replay PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
set(corpus soak_replay ${PROJECT_SOURCE_DIR}/tests/soak/corpus.txt)
midden_test(conformance corpus ${corpus})
foreach(options hardened=1 heap_limit=4M "hardened=1,heap_limit=4M")
  string(REGEX REPLACE "=[^,]*,?" "/" name ${options})
  midden_test(conformance ${name}corpus ${corpus})
  set_property(TEST conformance/${name}corpus APPEND PROPERTY ENVIRONMENT
               MIDDEN_OPTIONS=${options})
endforeach()

# The same for the readers of unwind tables and of traces.
add_executable(soak_replay_table ${PROJECT_SOURCE_DIR}/tests/soak/replay.c
                                 ${PROJECT_SOURCE_DIR}/tests/soak/fuzz_table.c)
target_link_libraries(soak_replay_table PRIVATE midden_test_flags ${library_objects})
set_target_properties(soak_replay_table PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
midden_test(conformance tables soak_replay_table ${PROJECT_SOURCE_DIR}/tests/soak/tables.txt)
if(TARGET midden_trace)
  add_executable(soak_replay_trace ${PROJECT_SOURCE_DIR}/tests/soak/replay.c
                                   ${PROJECT_SOURCE_DIR}/tests/soak/fuzz_trace.c)
  target_link_libraries(soak_replay_trace PRIVATE midden_test_flags midden_trace midden_observe
                                                  midden_base)
  set_target_properties(soak_replay_trace PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
  midden_test(conformance traces soak_replay_trace ${PROJECT_SOURCE_DIR}/tests/soak/traces.txt)
endif()

# The rest is about the built library and command as users have them, so it has no place in a
# build for a sanitizer, which brings a malloc of its own.
if(NOT MIDDEN_STANDARD_NAMES)
  return()
endif()

# The same plain program by each compiler and level.
midden_test(gc ways sh ${PROJECT_SOURCE_DIR}/tests/gc/ways.sh)

# Makes snapshots of random graphs.
add_executable(graph_blocks ${PROJECT_SOURCE_DIR}/tests/graph/blocks.c)
target_link_libraries(graph_blocks PRIVATE midden_graph midden_walk midden_observe midden_base)
set_target_properties(graph_blocks PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)

# A plain program that knows nothing of Midden, out of one file.
function(midden_plain_program target file)
  add_executable(${target} ${file})
  target_compile_options(${target} PRIVATE -w -fno-builtin)
  target_link_libraries(${target} PRIVATE Threads::Threads)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
endfunction()

# A crime says in its file how it must end.
file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/misuse/*.c)
foreach(file IN LISTS files)
  cmake_path(GET file STEM name)
  midden_plain_program(misuse_${name} ${file})
  midden_test(misuse ${name} ${PROJECT_SOURCE_DIR}/tests/misuse/run.sh ${file}
              $<TARGET_FILE:misuse_${name}>)
endforeach()

# An attack is held against its row in docs/security.md, in both modes.
file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/misuse/attacks/*.c)
foreach(file IN LISTS files)
  cmake_path(GET file STEM name)
  midden_plain_program(attack_${name} ${file})
  foreach(mode default hardened)
    midden_test(misuse attacks/${mode}/${name} ${PROJECT_SOURCE_DIR}/tests/misuse/attack.sh ${mode}
                $<TARGET_FILE:attack_${name}>)
  endforeach()
endforeach()

# An example is built as a user builds it, and says itself whether it worked.
file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/*.c)
foreach(file IN LISTS files)
  cmake_path(GET file STEM name)
  add_executable(example_${name} ${file})
  target_link_libraries(example_${name} PRIVATE midden_flags midden_shared)
  set_target_properties(example_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY examples
                                                   OUTPUT_NAME ${name})
  midden_test(examples ${name} example_${name})
endforeach()

# A small Scheme, in three builds by what it promises the collector, with programs whose output is
# known on every collector that is content with that.
file(GLOB scheme_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/scheme/*.c)
set(collectors_precise mark-sweep copying generational no-barrier)
set(collectors_stores ${collectors_precise})
set(collectors_plain mark-sweep copying no-barrier)
foreach(build precise stores plain)
  add_executable(example_scheme_${build} ${scheme_files})
  string(TOUPPER SCHEME_${build}=1 definition)
  target_compile_definitions(example_scheme_${build} PRIVATE ${definition})
  target_link_libraries(example_scheme_${build} PRIVATE midden_flags midden_shared m)
  set_target_properties(example_scheme_${build} PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY examples OUTPUT_NAME scheme-${build})
  foreach(programs tests gabriel)
    file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/scheme/${programs}/*.scm)
    foreach(collector ${collectors_${build}})
      midden_test(examples scheme/${build}/${collector}/${programs}
                  ${PROJECT_SOURCE_DIR}/examples/scheme/tests/run.sh
                  $<TARGET_FILE:example_scheme_${build}> ${collector} ${files})
    endforeach()
  endforeach()
endforeach()

# A program in which a trouble is planted says in its head what must be found, and is built by its
# test in many ways.  Then real programs, in which nothing is planted.
set(python /usr/bin/python3.11)
set(findings ${PROJECT_SOURCE_DIR}/tests/findings)
file(GLOB files CONFIGURE_DEPENDS ${findings}/*.c ${findings}/*.cc)
foreach(file IN LISTS files)
  cmake_path(GET file STEM name)
  midden_test(findings ${name} ${python} ${findings}/check.py ${file})
endforeach()
file(GLOB files CONFIGURE_DEPENDS ${findings}/memcheck/*.txt)
foreach(file IN LISTS files)
  cmake_path(GET file STEM name)
  midden_test(findings programs/${name} ${python} ${findings}/programs.py ${name})
endforeach()

foreach(label cli traps programs packaging)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${label}/*.sh)
  foreach(file IN LISTS files)
    cmake_path(GET file STEM name)
    midden_test(${label} ${name} sh ${file})
    # On a first run ctest knows no times, and starts what costs most.
    set_tests_properties(${label}/${name} PROPERTIES COST 10)
  endforeach()
endforeach()

# In a browser.  What is not a list of tests is read by them.
file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/web/*.mjs)
list(FILTER files EXCLUDE REGEX "/(lib|sample)\\.mjs$")
foreach(file IN LISTS files)
  cmake_path(GET file STEM name)
  midden_test(web ${name} ${NODE} ${file})
endforeach()

foreach(name layering symbols headers analyzer docs)
  midden_test(checks ${name} sh ${PROJECT_SOURCE_DIR}/tests/${name}.sh)
endforeach()

# A test reads with memlab what is written for it.
midden_test(checks memlab sh ${PROJECT_SOURCE_DIR}/tests/graph/install.sh)
set_tests_properties(checks/memlab PROPERTIES FIXTURES_SETUP memlab)
set_tests_properties(cli/a_graph_opens_in_visualvm_and_memlab PROPERTIES FIXTURES_REQUIRED memlab)

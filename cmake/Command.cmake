# cmake/Command.cmake -- the midden command.  It shares base/ and the feed's format with libmidden
# and never runs on it.
# SPDX-License-Identifier: MIT
find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)

pkg_check_modules(DW REQUIRED IMPORTED_TARGET libdw libelf)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
find_library(IBERTY iberty REQUIRED)
include(cmake/Web.cmake)
midden_sources(observe_sources observe)
midden_plug_ins(finding_sources observe/finding observe/evidence.h mid_finding_rule mid_rule
                mid_finding_rules)
add_library(midden_observe OBJECT ${observe_sources} ${finding_sources})
target_link_libraries(midden_observe PUBLIC midden_flags PkgConfig::JANSSON PkgConfig::DW
                                            PkgConfig::ZLIB ${IBERTY} m)

midden_sources(walk_sources walk)
add_library(midden_walk OBJECT ${walk_sources})
target_link_libraries(midden_walk PUBLIC midden_observe)

pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
midden_sources(trace_sources trace)
add_library(midden_trace OBJECT ${trace_sources})
target_link_libraries(midden_trace PUBLIC midden_flags PkgConfig::ZSTD PkgConfig::JANSSON
                                          Threads::Threads m)

midden_sources(graph_sources graph)
add_library(midden_graph OBJECT ${graph_sources})
target_link_libraries(midden_graph PUBLIC midden_walk PkgConfig::ZSTD)

# The messages of pprof; what protoc-c writes is not held to our warnings.
pkg_check_modules(EXPORT REQUIRED IMPORTED_TARGET sqlite3 libprotobuf-c)
find_program(PROTOC_C protoc-c REQUIRED)
set(messages ${PROJECT_BINARY_DIR}/messages)
add_custom_command(OUTPUT ${messages}/export/profile.pb-c.c ${messages}/export/profile.pb-c.h
                   COMMAND ${CMAKE_COMMAND} -E make_directory ${messages}
                   COMMAND ${PROTOC_C} -I${PROJECT_SOURCE_DIR}/src --c_out=${messages}
                           ${PROJECT_SOURCE_DIR}/src/export/profile.proto
                   DEPENDS src/export/profile.proto)
add_library(midden_messages OBJECT ${messages}/export/profile.pb-c.c)
target_include_directories(midden_messages SYSTEM PUBLIC ${messages})
target_link_libraries(midden_messages PUBLIC PkgConfig::EXPORT)
set_target_properties(midden_messages PROPERTIES UNITY_BUILD OFF)
midden_sources(export_sources export)
add_library(midden_export OBJECT ${export_sources})
target_link_libraries(midden_export PUBLIC midden_messages midden_observe PkgConfig::EXPORT
                                           PkgConfig::ZSTD)

pkg_check_modules(NCURSESW REQUIRED IMPORTED_TARGET ncursesw)
midden_sources(live_sources live)
add_library(midden_live OBJECT ${live_sources})
target_link_libraries(midden_live PUBLIC midden_flags PkgConfig::NCURSESW PkgConfig::JANSSON m)

pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
file(GLOB command_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/*.c)
add_executable(midden_command ${command_sources})
set_target_properties(midden_command PROPERTIES OUTPUT_NAME midden)
target_link_libraries(midden_command PRIVATE midden_live midden_export midden_messages
                                             midden_graph midden_trace midden_walk midden_observe
                                             midden_base PkgConfig::MICROHTTPD)

# The replayer runs on any malloc that it is given, and so has of libmidden what stands on malloc.
set(replay_sources ${core_sources})
list(FILTER replay_sources INCLUDE REGEX "/region/(arena|buddy|chunk|classic|fit[^/]*|fit/[^/]*)\\.c$")
file(GLOB replayer_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/replay/*.c)
add_executable(midden_replay ${replayer_sources} ${replay_sources} ${base_sources})
set_target_properties(midden_replay PROPERTIES OUTPUT_NAME midden-replay)
target_link_libraries(midden_replay PRIVATE midden_library_flags Threads::Threads)
add_dependencies(midden_command midden_replay)

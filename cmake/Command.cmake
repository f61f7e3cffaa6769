# cmake/Command.cmake -- the midden command.  It shares base/ and the feed's format with libmidden
# and never runs on it.
# SPDX-License-Identifier: MIT
find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)

pkg_check_modules(DW REQUIRED IMPORTED_TARGET libdw)
find_library(IBERTY iberty REQUIRED)
midden_sources(observe_sources observe)
add_library(midden_observe OBJECT ${observe_sources})
target_link_libraries(midden_observe PUBLIC midden_flags PkgConfig::JANSSON PkgConfig::DW ${IBERTY})

pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
midden_sources(trace_sources trace)
add_library(midden_trace OBJECT ${trace_sources})
target_link_libraries(midden_trace PUBLIC midden_flags PkgConfig::ZSTD Threads::Threads)

file(GLOB command_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/*.c)
add_executable(midden_command ${command_sources})
set_target_properties(midden_command PROPERTIES OUTPUT_NAME midden)
target_link_libraries(midden_command PRIVATE midden_trace midden_observe midden_base)

# cmake/Command.cmake -- the midden command.  It shares base/ and the feed's format with libmidden
# and never runs on it.
# SPDX-License-Identifier: MIT
find_package(PkgConfig REQUIRED)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)

midden_sources(observe_sources observe)
add_library(midden_observe OBJECT ${observe_sources})
target_link_libraries(midden_observe PUBLIC midden_flags PkgConfig::JANSSON)

file(GLOB command_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/cli/*.c)
add_executable(midden_command ${command_sources})
set_target_properties(midden_command PROPERTIES OUTPUT_NAME midden)
target_link_libraries(midden_command PRIVATE midden_observe midden_base)

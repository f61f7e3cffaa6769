# cmake/Install.cmake -- the ways out of the build: an installation, its package files for CMake and
# pkg-config, the manual, and the library as two files.
# SPDX-License-Identifier: MIT
include(CMakePackageConfigHelpers)

# The command looks for its library in ../lib, so Debian's lib/x86_64-linux-gnu would not do.
set(CMAKE_INSTALL_LIBDIR lib)
include(GNUInstallDirs)

install(TARGETS midden_shared midden_static EXPORT midden)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/midden TYPE INCLUDE)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/midden)
install(EXPORT midden NAMESPACE midden:: FILE midden-targets.cmake DESTINATION ${package_dir})
write_basic_package_version_file(midden-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/midden-config.cmake
              ${PROJECT_BINARY_DIR}/midden-config-version.cmake DESTINATION ${package_dir})

configure_file(cmake/midden.pc.in midden.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/midden.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The command writes its own manual and completion.
if(TARGET midden_command)
  set(manual ${PROJECT_BINARY_DIR}/midden.1)
  set(completion ${PROJECT_BINARY_DIR}/midden.bash)
  add_custom_command(OUTPUT ${manual} COMMAND midden_command help --man >${manual})
  add_custom_command(OUTPUT ${completion}
                     COMMAND midden_command help --completion bash >${completion})
  add_custom_target(pages ALL DEPENDS ${manual} ${completion})
  install(TARGETS midden_command)
  install(TARGETS midden_replay DESTINATION libexec/midden)
  install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${completion} RENAME midden
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
endif()

# The library as two files.
file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*.h
     ${PROJECT_SOURCE_DIR}/include/*.h)
set(amalgamation ${PROJECT_BINARY_DIR}/amalgamation)
set(sources ${base_sources} ${library_sources} -- ${names_sources})
list(TRANSFORM sources REPLACE "^${PROJECT_SOURCE_DIR}/" "")
add_custom_command(
  OUTPUT ${amalgamation}/midden.c ${amalgamation}/midden.h
  COMMAND ${PROJECT_SOURCE_DIR}/tools/amalgamate ${PROJECT_VERSION} ${amalgamation} ${sources}
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
  DEPENDS ${base_sources} ${library_sources} ${names_sources} ${headers} tools/amalgamate
  VERBATIM)
add_custom_target(amalgamation ALL DEPENDS ${amalgamation}/midden.c)

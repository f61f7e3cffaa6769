# cmake/Library.cmake -- libmidden, shared and static, out of one set of objects.
# SPDX-License-Identifier: MIT

# All of libmidden above base/, in order; base/ is compiled apart since the command has it too.
set(library_layers os unwind feed span heap region gc)

# The .c files of the layers named, without tests.  In os/ a file os_NAME.c is for one system only.
function(midden_sources out)
  set(found)
  foreach(layer IN LISTS ARGN)
    file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${layer}/*.c)
    list(FILTER files EXCLUDE REGEX "_test\\.c$")
    list(APPEND found ${files})
  endforeach()
  string(TOLOWER ${CMAKE_SYSTEM_NAME} system)
  set(here ${found})
  list(FILTER here INCLUDE REGEX "/os/os_${system}[^/]*$")
  list(FILTER found EXCLUDE REGEX "/os/os_[^/]*$")
  set(${out} ${found} ${here} PARENT_SCOPE)
endfunction()

# A plug-in is a file src/FOLDER/NAME.c that defines one constant, `const struct TYPE PREFIX_NAME`.
# Their table, TABLE[] of pointers with NULL at its end, is made of the files there are.
function(midden_plug_ins out folder header type prefix table)
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.c)
  set(declared)
  set(listed)
  foreach(file IN LISTS files)
    cmake_path(GET file STEM name)
    string(APPEND declared "extern const struct ${type} ${prefix}_${name};\n")
    string(APPEND listed "&${prefix}_${name}, ")
  endforeach()
  set(made ${PROJECT_BINARY_DIR}/plug-ins/${folder}/${table}.c)
  file(CONFIGURE OUTPUT ${made} CONTENT "// Made by the build of the files in src/${folder}/.
#include \"${header}\"

${declared}
const struct ${type} *const ${table}[] = {${listed}NULL};
")
  set(${out} ${files} ${made} PARENT_SCOPE)
endfunction()

# One set of objects, position-independent, serves both libraries and the tests.
function(midden_objects name)
  add_library(${name} OBJECT ${ARGN})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(${name} PRIVATE midden_library_flags)
endfunction()

midden_sources(base_sources base)
midden_sources(library_sources ${library_layers})
midden_plug_ins(fit_sources region/fit region/fit.h mid_fit_policy mid_fit mid_fit_policies)
list(APPEND library_sources ${fit_sources})
midden_plug_ins(gc_plan_sources gc/plan gc/gc.h mid_gc_plan mid_gc_plan mid_gc_plans)
list(APPEND library_sources ${gc_plan_sources})

# These define names that are not ours: malloc, operator new, dlopen.
set(names "/heap/(standard|cxx|deepbind|dlclose)\\.c$")
set(names_sources ${library_sources})
list(FILTER names_sources INCLUDE REGEX ${names})
list(FILTER library_sources EXCLUDE REGEX ${names})

# What a program does once, or what waits for the kernel, is better small than quick.
set(system_sources ${library_sources})
list(FILTER system_sources INCLUDE REGEX "/(os|feed)/")
set(core_sources ${library_sources})
list(REMOVE_ITEM core_sources ${system_sources})

midden_objects(midden_base ${base_sources})
midden_objects(midden_system ${system_sources})
midden_objects(midden_core ${core_sources})
foreach(objects midden_base midden_system)
  target_compile_options(${objects} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-Os>)
endforeach()
set(library_objects midden_core midden_system midden_base)
if(MIDDEN_STANDARD_NAMES)
  midden_objects(midden_names ${names_sources})
  list(PREPEND library_objects midden_names)
endif()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

foreach(kind SHARED STATIC)
  string(TOLOWER ${kind} lower)
  set(target midden_${lower})
  add_library(${target} ${kind})
  foreach(objects IN LISTS library_objects)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
  endforeach()
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
  target_link_libraries(${target} PRIVATE Threads::Threads)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME midden LINKER_LANGUAGE C)
endforeach()
set_target_properties(midden_shared PROPERTIES EXPORT_NAME midden VERSION ${PROJECT_VERSION}
                                               SOVERSION ${PROJECT_VERSION_MAJOR})
set_target_properties(midden_static PROPERTIES EXPORT_NAME static)
add_library(midden::midden ALIAS midden_shared)
add_library(midden::static ALIAS midden_static)

# nodelete: blocks outlive whoever loaded us.  now, relro: no symbol is looked up inside malloc, and
# the table of addresses is read-only.  noseparate-code, max-page-size, order.ld: fewer pages.
target_link_options(midden_shared PRIVATE
  LINKER:-z,nodelete LINKER:-z,initfirst LINKER:-z,now LINKER:-z,relro LINKER:-z,noseparate-code
  LINKER:-z,max-page-size=0x10000 LINKER:--as-needed LINKER:-T,${PROJECT_SOURCE_DIR}/cmake/order.ld)
set_target_properties(midden_shared PROPERTIES LINK_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/order.ld)

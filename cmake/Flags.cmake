# cmake/Flags.cmake -- how our C is compiled: the interface targets midden_flags (all of our code)
# and midden_flags_cxx (the tests that are C++).
# SPDX-License-Identifier: MIT
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo)
  endif()
  find_program(CCACHE ccache)
  if(CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  endif()
endif()

# In a unity build the files share one scope, so that a local may well shadow another file's static.
set(warnings -Wall -Wextra -Wundef -Wpointer-arith -Wwrite-strings -Wvla
             $<$<NOT:$<BOOL:${CMAKE_UNITY_BUILD}>>:-Wshadow>)

# MID_DEBUG turns on what MID_ASSERT checks.
add_library(midden_flags INTERFACE)
target_include_directories(midden_flags INTERFACE ${PROJECT_SOURCE_DIR}/src
                                                  ${PROJECT_SOURCE_DIR}/include)
target_compile_options(midden_flags INTERFACE ${warnings}
  $<$<COMPILE_LANGUAGE:C>:-std=gnu11 -Wstrict-prototypes -Wconversion>)
# _GNU_SOURCE is empty, as in the files that define it themselves.
target_compile_definitions(midden_flags INTERFACE $<$<CONFIG:Debug>:MID_DEBUG=1>
                                                  $<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE=>)

# What the library needs beyond that:
#   initial-exec          a thread-local access that can never allocate, which dlopen's model can
#   -fexceptions          std::bad_alloc passes through our frames
#   -fno-builtin-*        a compiler that knows malloc would turn our calloc into a call of calloc
#   -fno-strict-aliasing  one page holds a free list now and a program's struct next
#   -UMIDDEN_DEBUG        which is for those who call us
add_library(midden_library_flags INTERFACE)
target_link_libraries(midden_library_flags INTERFACE midden_flags)
target_compile_options(midden_library_flags INTERFACE
  -fvisibility=hidden -ftls-model=initial-exec -fexceptions -fno-strict-aliasing -fno-plt
  -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free -UMIDDEN_DEBUG)

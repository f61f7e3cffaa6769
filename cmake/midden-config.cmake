# midden-config.cmake -- what find_package(midden) reads: the targets midden::midden, the shared
# library, and midden::static.
# SPDX-License-Identifier: MIT
include(CMakeFindDependencyMacro)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/midden-targets.cmake)

# cmake/Web.cmake -- what is in web/, built by node and npm into the build tree: the command has it
# inside.  npm ci fetches what the lockfile names, once for all build trees.
# SPDX-License-Identifier: MIT
find_program(NODE node REQUIRED)
find_program(NPM npm REQUIRED)

set(web ${PROJECT_SOURCE_DIR}/web)
set(web_modules ${web}/node_modules/.package-lock.json)
add_custom_command(OUTPUT ${web_modules}
  COMMAND ${NPM} ci --silent
  WORKING_DIRECTORY ${web}
  DEPENDS ${web}/package.json ${web}/package-lock.json ${web}/.npmrc
  COMMENT "npm ci" VERBATIM)

file(GLOB page_sources CONFIGURE_DEPENDS ${web}/report/* ${web}/report/src/*)
list(FILTER page_sources INCLUDE REGEX "\\.(ts|css|html|json)$")
set(page_template ${PROJECT_BINARY_DIR}/web/report/index.html)
add_custom_command(OUTPUT ${page_template}
  COMMAND ${NPM} run --silent build -- --outDir ${PROJECT_BINARY_DIR}/web/report
  WORKING_DIRECTORY ${web}
  DEPENDS ${page_sources} ${web_modules}
  COMMENT "Building the page of a report" VERBATIM)

set_source_files_properties(${PROJECT_SOURCE_DIR}/src/observe/page.c PROPERTIES
  COMPILE_DEFINITIONS "MID_PAGE_TEMPLATE=\"${page_template}\"" OBJECT_DEPENDS ${page_template})

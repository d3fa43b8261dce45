# The framework under commands of its own: what tests/cli/test_framework.c runs.
file(GLOB framework_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/cli/*.c)
list(FILTER framework_sources EXCLUDE REGEX "/(commands|cmd_[a-z0-9_]*)\\.c$")
add_executable(cli_specimen ${CMAKE_CURRENT_SOURCE_DIR}/cli/specimen.c ${framework_sources})
target_link_libraries(cli_specimen PRIVATE triad_lib)
set_target_properties(cli_specimen PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
set_property(TEST cli.framework APPEND PROPERTY ENVIRONMENT "TRIAD_SPECIMEN=$<TARGET_FILE:cli_specimen>")

# An instrumented library would need its user's program to be instrumented too.
if(TRIAD_SANITIZE STREQUAL "" AND NOT TRIAD_COVERAGE)
  add_test(NAME base.install COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/install.sh ${CMAKE_BINARY_DIR})
  set_tests_properties(base.install PROPERTIES TIMEOUT 300)
endif()

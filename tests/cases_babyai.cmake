# Recorded episodes of the reference: some seeds of every level.
add_test(NAME babyai.parity COMMAND babyai_parity ${CMAKE_CURRENT_SOURCE_DIR}/data/babyai/episodes.tsv.gz)
set_tests_properties(babyai.parity PROPERTIES TIMEOUT 300)

# The example, against the public headers alone.
add_executable(babyai_rollout ${CMAKE_SOURCE_DIR}/examples/babyai_rollout.c)
target_link_libraries(babyai_rollout PRIVATE triad_lib)
add_test(NAME babyai.example COMMAND babyai_rollout)
set_tests_properties(babyai.example PROPERTIES TIMEOUT 60
  PASS_REGULAR_EXPRESSION "[0-9]+ episodes at random, mean reward 0\\.[0-9]+\n\"go to the [a-z]+ [a-z]+\": solved in [0-9]+ steps")

# Recorded episodes of the reference: some seeds of every level.
add_test(NAME babyai.parity COMMAND babyai_parity ${CMAKE_CURRENT_SOURCE_DIR}/data/babyai/episodes.tsv.gz)
set_tests_properties(babyai.parity PROPERTIES TIMEOUT 300)

# The examples, which include public headers alone (base.install compiles them against what is installed).
foreach(example IN ITEMS babyai_rollout babyai_frame)
  add_executable(${example} ${CMAKE_SOURCE_DIR}/examples/${example}.c)
  target_link_libraries(${example} PRIVATE triad_lib)
endforeach()
add_test(NAME babyai.example COMMAND babyai_rollout)
set_tests_properties(babyai.example PROPERTIES TIMEOUT 60
  PASS_REGULAR_EXPRESSION "[0-9]+ episodes at random, mean reward 0\\.[0-9]+\n\"go to the [a-z]+ [a-z]+\": solved in [0-9]+ steps")

# A frame of the second example: its pixels' checksum is that of Minigrid's
# get_frame(tile_size=16) behind the same header.
add_test(NAME babyai.frame_example COMMAND sh -c "$<TARGET_FILE:babyai_frame> UnlockPickup 4 12 | cksum")
set_tests_properties(babyai.frame_example PROPERTIES TIMEOUT 60
  PASS_REGULAR_EXPRESSION "\"pick up the yellow box\" after 12 steps\n.*413872876 50702")

# What levels say is what is listed: a few resets of each level that can be listed.
add_test(NAME babyai.missions COMMAND bench_missions 2000)
set_tests_properties(babyai.missions PROPERTIES TIMEOUT 300)

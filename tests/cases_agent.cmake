# The example, against the public headers alone, with an agent that was trained for a moment.
add_executable(agent_act ${CMAKE_SOURCE_DIR}/examples/agent_act.c)
target_link_libraries(agent_act PRIVATE triad_lib)
add_test(NAME agent.example COMMAND sh -c
  "'$<TARGET_FILE:triad>' train --levels GoToLocal -o example.agent --force --steps 600 --validations 0 --quiet --threads 1 && '$<TARGET_FILE:agent_act>' example.agent"
  WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
set_tests_properties(agent.example PROPERTIES TIMEOUT 120
  PASS_REGULAR_EXPRESSION "\"go to the [a-z]+ [a-z]+\": [0-9]+ steps, vector of 128 numbers")

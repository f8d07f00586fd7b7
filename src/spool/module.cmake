# The crash harness of the engine is part of its unit tests.
list(APPEND tests ${CMAKE_SOURCE_DIR}/tests/crash/spool_ledger.cc
     ${CMAKE_SOURCE_DIR}/tests/crash/spool_recorded_run_test.cc
     ${CMAKE_SOURCE_DIR}/tests/crash/spool_failing_call_test.cc ${CMAKE_SOURCE_DIR}/tests/crash/spool_last_record_test.cc)

# Not part of a normal build: ninja spool-bench.
add_executable(spool-bench EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/spool/spool_bench.cc)
target_link_libraries(spool-bench PRIVATE waypost_spool)

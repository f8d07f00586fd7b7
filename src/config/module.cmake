# The parameter table: parameters.tsv -> rows of a constexpr array.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(rows ${CMAKE_BINARY_DIR}/generated/config/parameter_rows.inc)
add_custom_command(
  OUTPUT ${rows}
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/src/config/parameters.py --rows ${rows}
  DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/src/config/parameters.py ${CMAKE_CURRENT_SOURCE_DIR}/src/config/parameters.tsv
  VERBATIM)
target_sources(waypost_config PRIVATE ${rows})

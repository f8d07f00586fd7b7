# Table types of libraries that need not be there: without one its type is named as unavailable.
# waypost_table_library(FOUND target definition files...)
function(waypost_table_library found target definition)
  if(found)
    target_link_libraries(waypost_tables PUBLIC ${target})
    target_compile_definitions(waypost_tables PRIVATE ${definition})
  else()
    list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/src/tables/)
    set_source_files_properties(${ARGN} PROPERTIES HEADER_FILE_ONLY ON)
  endif()
endfunction()

waypost_table_library("${pcre2_FOUND}" PkgConfig::pcre2 WAYPOST_WITH_PCRE pcre_pattern.cc pcre_table.cc pcre_rules_test.cc)
waypost_table_library("${lmdb_FOUND}" PkgConfig::lmdb WAYPOST_WITH_LMDB lmdb_reader.cc lmdb_writer.cc)
waypost_table_library("${ldap_FOUND}" PkgConfig::ldap WAYPOST_WITH_LDAP ldap_connection.cc ldap_lookup.cc ldap_table.cc)
waypost_table_library("${mariadb_FOUND}" PkgConfig::mariadb WAYPOST_WITH_MYSQL mysql_table.cc)
waypost_table_library("${pq_FOUND}" PkgConfig::pq WAYPOST_WITH_PGSQL pgsql_table.cc)
waypost_table_library("${sqlite_FOUND}" PkgConfig::sqlite WAYPOST_WITH_SQLITE sqlite_table.cc)

# Not part of a normal build: ninja tables-bench.
add_executable(tables-bench EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/tables/tables_bench.cc)
target_link_libraries(tables-bench PRIVATE waypost_tables)
set_target_properties(tables-bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

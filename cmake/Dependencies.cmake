# Everything comes from Debian packages; ./dev installs them.
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(GTest REQUIRED)
find_package(Threads REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Boost 1.81 REQUIRED)
# libunbound runs on an event base of the libevent that it was built with.
pkg_check_modules(unbound REQUIRED IMPORTED_TARGET libunbound libevent)
pkg_check_modules(gsasl REQUIRED IMPORTED_TARGET libgsasl)
pkg_check_modules(cap REQUIRED IMPORTED_TARGET libcap)

# Berkeley DB has no pkg-config file.
find_path(BERKELEYDB_INCLUDE db.h REQUIRED)
find_library(BERKELEYDB_LIBRARY db-5.3 REQUIRED)
add_library(berkeleydb INTERFACE)
target_include_directories(berkeleydb SYSTEM INTERFACE ${BERKELEYDB_INCLUDE})
target_link_libraries(berkeleydb INTERFACE ${BERKELEYDB_LIBRARY})

# Memory of a burst goes back to the system, and threads share few arenas (src/tools/main.cc). Sanitizers bring their own.
pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)

# Not required: src/tables/module.cmake.
pkg_check_modules(pcre2 IMPORTED_TARGET libpcre2-8)
pkg_check_modules(lmdb IMPORTED_TARGET lmdb)
pkg_check_modules(ldap IMPORTED_TARGET ldap libsasl2)
pkg_check_modules(mariadb IMPORTED_TARGET libmariadb)
pkg_check_modules(pq IMPORTED_TARGET libpq)
pkg_check_modules(sqlite IMPORTED_TARGET sqlite3)

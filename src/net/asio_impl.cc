// The compiled part of Asio (BOOST_ASIO_SEPARATE_COMPILATION), once.
#include "net/internal.h"

#include <boost/asio/impl/src.hpp>

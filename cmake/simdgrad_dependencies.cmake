# Every dependency comes from find_package; nothing is downloaded.

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(xsimd REQUIRED)  # its target is plain `xsimd` in every packaged version
find_package(ZLIB REQUIRED)
find_package(nlohmann_json REQUIRED)
if(SIMDGRAD_PARALLEL STREQUAL "tbb")
  find_package(TBB REQUIRED)
elseif(NOT SIMDGRAD_PARALLEL STREQUAL "std")
  message(FATAL_ERROR "SIMDGRAD_PARALLEL is '${SIMDGRAD_PARALLEL}'; it must be tbb or std")
endif()

# simdgrad_want(PART package): finds the package that a part needs. ON insists on it; AUTO without
# it says so and leaves the part out.
macro(simdgrad_want part package)
  if(SIMDGRAD_${part} STREQUAL "ON")
    find_package(${package} REQUIRED)
  elseif(SIMDGRAD_${part} STREQUAL "AUTO")
    find_package(${package} QUIET)
    if(NOT ${package}_FOUND)
      message(STATUS "simdgrad: ${package} not found, ${part} left out")
      set(SIMDGRAD_${part} OFF)
    endif()
  endif()
endmacro()
simdgrad_want(TESTS Catch2)  # no version: 2.13 and 3.x both serve
simdgrad_want(EXAMPLES CLI11)
simdgrad_want(BENCH benchmark)
simdgrad_want(BENCH CLI11)

# Flags of our own targets: simdgrad_flags (an interface target that is never exported).

include(CheckCXXCompilerFlag)

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_EXTENSIONS OFF)
find_program(CCACHE_PROGRAM ccache)
mark_as_advanced(CCACHE_PROGRAM)
if(top_level AND CCACHE_PROGRAM AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_library(simdgrad_flags INTERFACE)
target_compile_features(simdgrad_flags INTERFACE cxx_std_20)
# One rounding per written operation on every compiler: contraction is spelled fma() where wanted.
target_compile_options(simdgrad_flags INTERFACE
  -ffp-contract=off -fno-plt -fno-semantic-interposition -Wall -Wextra
  $<$<BOOL:${SIMDGRAD_WERROR}>:-Werror>
  $<$<CXX_COMPILER_ID:GNU>:-Wno-psabi>)
# GCC copies sizes and strides with `rep movs`, whose start costs more than all of a short copy: a view
# takes 17 ns instead of 25.
check_cxx_compiler_flag(-mstringop-strategy=libcall SIMDGRAD_HAS_STRINGOP_STRATEGY)
if(SIMDGRAD_HAS_STRINGOP_STRATEGY)
  target_compile_options(simdgrad_flags INTERFACE -mstringop-strategy=libcall)
endif()

if(SIMDGRAD_SANITIZE)
  set(sanitize_flags -fsanitize=${SIMDGRAD_SANITIZE} -fno-omit-frame-pointer
                     -fno-sanitize-recover=all)
  target_compile_options(simdgrad_flags INTERFACE ${sanitize_flags})
  target_link_options(simdgrad_flags INTERFACE ${sanitize_flags})
  # The allocator bypasses its caches so that every block is the sanitizer's.
  target_compile_definitions(simdgrad_flags INTERFACE SIMDGRAD_SANITIZED=1)
endif()
if(SIMDGRAD_FUZZ)
  target_compile_options(simdgrad_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

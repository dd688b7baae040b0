# ops/kernels/**.cpp, compiled once per instruction set into the object libraries kernels_<isa>.
# Sets simdgrad_kernel_objects (for linking) and simdgrad_isas (what was built).

file(GLOB kernel_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/ops/kernels/*.cpp
  ${PROJECT_SOURCE_DIR}/ops/kernels/*/*.cpp)
set(simdgrad_kernel_objects)
set(simdgrad_isas)

function(simdgrad_add_kernels isa)
  add_library(kernels_${isa} OBJECT ${kernel_sources})
  # Never below -O1: unoptimised code leaves weak copies of inline functions, of which the linker
  # keeps one, perhaps with instructions that this CPU lacks.
  if(SIMDGRAD_FUZZ)
    set(optimise -O1 -fno-sanitize=all)  # what is fuzzed are the readers
  elseif(SIMDGRAD_SANITIZE)
    # All checks but those of every temporary batch's life, with which a compiler works twelve times as
    # long (400 seconds for one file).
    set(optimise -O1)
    if(SIMDGRAD_SANITIZE MATCHES "address")
      list(APPEND optimise -fno-sanitize-address-use-after-scope)
    endif()
  else()
    set(optimise -O2)
  endif()
  target_compile_options(kernels_${isa} PRIVATE ${ARGN} ${optimise})
  target_compile_definitions(kernels_${isa} PRIVATE SIMDGRAD_ISA_NAME=${isa})
  target_include_directories(kernels_${isa} PRIVATE
    ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
  # Its headers alone: the packaged target may also switch on options that need further packages.
  target_include_directories(kernels_${isa} SYSTEM PRIVATE
    $<TARGET_PROPERTY:xsimd,INTERFACE_INCLUDE_DIRECTORIES>)
  target_link_libraries(kernels_${isa} PRIVATE simdgrad_flags)
  set_target_properties(kernels_${isa} PROPERTIES
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  set(simdgrad_kernel_objects ${simdgrad_kernel_objects} $<TARGET_OBJECTS:kernels_${isa}>
      PARENT_SCOPE)
  set(simdgrad_isas ${simdgrad_isas} ${isa} PARENT_SCOPE)
endfunction()

if(kernel_sources)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
    simdgrad_add_kernels(sse2 -msse2)
    # Where a processor with AVX2 lacks prefetchw (Haswell) it does nothing.
    simdgrad_add_kernels(avx2 -mavx2 -mfma -mprfchw)
    # g++ 12 warns about uninitialised values inside its own AVX-512 header.
    simdgrad_add_kernels(avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mavx2 -mfma
      -mprfchw
      $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
      $<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized>)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64")
    simdgrad_add_kernels(neon)
  else()
    message(FATAL_ERROR "simdgrad has no kernels for ${CMAKE_SYSTEM_PROCESSOR}")
  endif()
endif()

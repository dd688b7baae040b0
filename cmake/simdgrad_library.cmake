# The library. Every source is compiled once, position independent, into simdgrad_objects;
# `simdgrad` and the tests' `simdgrad_static` are both linked from those objects.

set(library_globs)
foreach(folder IN ITEMS core autograd ops ops/* nn optim data io report)
  list(APPEND library_globs ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
endforeach()
file(GLOB library_sources CONFIGURE_DEPENDS ${library_globs})
list(FILTER library_sources EXCLUDE REGEX "/ops/kernels/")  # simdgrad_kernels.cmake builds them
if(SIMDGRAD_PARALLEL STREQUAL "tbb")
  list(FILTER library_sources EXCLUDE REGEX "/core/parallel_std\\.cpp$")
else()
  list(FILTER library_sources EXCLUDE REGEX "/core/parallel_tbb\\.cpp$")
endif()
if(NOT library_sources)
  message(STATUS "simdgrad: no sources")
  return()
endif()

# What the library needs and never shows: private headers, packages, definitions.
add_library(simdgrad_private INTERFACE)
target_include_directories(simdgrad_private INTERFACE
  ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(simdgrad_private INTERFACE
  Threads::Threads ZLIB::ZLIB nlohmann_json::nlohmann_json $<TARGET_NAME_IF_EXISTS:TBB::tbb>)
foreach(isa IN LISTS simdgrad_isas)
  string(TOUPPER ${isa} upper)
  target_compile_definitions(simdgrad_private INTERFACE SIMDGRAD_HAVE_${upper}=1)
endforeach()

add_library(simdgrad_objects OBJECT ${library_sources})
target_link_libraries(simdgrad_objects PRIVATE simdgrad_flags simdgrad_private)
set_target_properties(simdgrad_objects PROPERTIES
  CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)

function(simdgrad_add_library name type)
  add_library(${name} ${type} $<TARGET_OBJECTS:simdgrad_objects> ${simdgrad_kernel_objects})
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
  target_link_libraries(${name} PRIVATE
    $<BUILD_INTERFACE:simdgrad_flags> Threads::Threads ZLIB::ZLIB)
  if(SIMDGRAD_PARALLEL STREQUAL "tbb")
    target_link_libraries(${name} PRIVATE TBB::tbb)
  endif()
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE CXX
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
endfunction()

if(BUILD_SHARED_LIBS)
  simdgrad_add_library(simdgrad SHARED)
  simdgrad_add_library(simdgrad_static STATIC)
  set_target_properties(simdgrad_static PROPERTIES EXCLUDE_FROM_ALL ON)
  # Calls inside the library go straight to its own functions. It stays loaded after dlclose: threads
  # that end later still run its handlers.
  target_link_options(simdgrad PRIVATE -Wl,-Bsymbolic-functions -Wl,-z,nodelete)
  if(NOT SIMDGRAD_SANITIZE)  # a sanitizer's own symbols come with the program
    target_link_options(simdgrad PRIVATE -Wl,-z,defs)
  endif()
else()
  simdgrad_add_library(simdgrad STATIC)
  add_library(simdgrad_static ALIAS simdgrad)
endif()
add_library(simdgrad::simdgrad ALIAS simdgrad)

# Programs written for libtorch: #include <torch/torch.h> finds ours.
add_library(torch_compat INTERFACE)
target_link_libraries(torch_compat INTERFACE simdgrad)
target_include_directories(torch_compat INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/compat> $<INSTALL_INTERFACE:include/simdgrad/compat>)
add_library(simdgrad::torch_compat ALIAS torch_compat)

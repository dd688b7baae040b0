# Install tree: library, public and compat headers, CMake package, pkg-config file.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/simdgrad)

install(TARGETS simdgrad torch_compat EXPORT simdgradTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/simdgrad DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.inc")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/compat/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/simdgrad/compat
  FILES_MATCHING PATTERN "*.h" PATTERN "*.inc")
install(EXPORT simdgradTargets NAMESPACE simdgrad:: DESTINATION ${package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/simdgradConfig.cmake.in
  simdgradConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(simdgradConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/simdgradConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/simdgradConfigVersion.cmake DESTINATION ${package_dir})

# Paths in the .pc file are relative to its own place, so that the tree can be moved.
file(RELATIVE_PATH pc_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
if(BUILD_SHARED_LIBS)
  set(pc_libs "")
elseif(SIMDGRAD_PARALLEL STREQUAL "tbb")
  set(pc_libs "-ltbb -lz -lpthread")
else()
  set(pc_libs "-lz -lpthread")
endif()
configure_file(${PROJECT_SOURCE_DIR}/cmake/simdgrad.pc.in simdgrad.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/simdgrad.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The installed package: library, header, Fortran interface, CMake package, pkg-config file.

include(CMakePackageConfigHelpers)

target_include_directories(sages INTERFACE
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set_target_properties(sages PROPERTIES INSTALL_RPATH "${SAGES_SWIFT_RUNTIME}")

set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/SAGES)
install(TARGETS sages EXPORT SAGESTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/sages.h include/sages.f90 DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT SAGESTargets NAMESPACE SAGES:: DESTINATION ${package_directory})

set(include_directory ${CMAKE_INSTALL_INCLUDEDIR})
configure_package_config_file(cmake/SAGESConfig.cmake.in ${CMAKE_BINARY_DIR}/SAGESConfig.cmake
    INSTALL_DESTINATION ${package_directory} PATH_VARS include_directory)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/SAGESConfigVersion.cmake COMPATIBILITY SameMinorVersion)
# The prefix as seen from the folder of the pkg-config file, so that an installed tree can be moved.
file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(cmake/sages.pc.in ${CMAKE_BINARY_DIR}/sages.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/SAGESConfig.cmake ${CMAKE_BINARY_DIR}/SAGESConfigVersion.cmake
    DESTINATION ${package_directory})
install(FILES ${CMAKE_BINARY_DIR}/sages.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

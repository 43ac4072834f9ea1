# The modules of SAGES that libsages needs, as Package.swift has them: one static library each, joined to one shared
# library that shows nothing but the functions of sages.h.

# The commit, and what the kernels need of a processor.
add_library(CBuildInformation STATIC ${SAGES_SOURCE}/CBuildInformation/build_information.c)
target_compile_definitions(CBuildInformation PRIVATE
    SAGES_COMMIT="${SAGES_BUILT_COMMIT}" SAGES_ARCHITECTURE="${SAGES_ARCH}")
add_library(CInstructionSet STATIC ${SAGES_SOURCE}/CInstructionSet/instruction_set.c)
target_compile_options(CInstructionSet PRIVATE -march=${SAGES_ARCH})
foreach(library CBuildInformation CInstructionSet)
    target_include_directories(${library} PUBLIC ${SAGES_SOURCE}/${library}/include)
    set_target_properties(${library} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endforeach()

# CMake asks for incremental compilation, and swiftc remarks for each module that whole modules are not. It also has each
# module ask for its own archive by name, where libsages takes them as files.
foreach(rule CMAKE_Swift_CREATE_STATIC_LIBRARY CMAKE_Swift_CREATE_SHARED_LIBRARY)
    string(REPLACE " -incremental" "" ${rule} "${${rule}}")
    string(REPLACE " -module-link-name <SWIFT_LIBRARY_NAME>" "" ${rule} "${${rule}}")
endforeach()
# swiftc adds to an archive that is there, and would keep the objects of files that are gone.
string(PREPEND CMAKE_Swift_CREATE_STATIC_LIBRARY "\"${CMAKE_COMMAND}\" -E rm -f <TARGET> && ")

set(SAGES_SWIFT_FLAGS
    # Two threads, so that each file gives an object file, as CMake expects: else all is built anew every time.
    -swift-version 6 -wmo -num-threads 2 -package-name SAGES
    "SHELL:-Xcc -I${CMAKE_CURRENT_SOURCE_DIR}/include"
    "SHELL:-Xcc -I${SAGES_SOURCE}/CBuildInformation/include"
    "SHELL:-Xcc -fmodule-map-file=${CMAKE_CURRENT_SOURCE_DIR}/include/module.modulemap"
    "SHELL:-Xcc -fmodule-map-file=${CMAKE_CURRENT_SOURCE_DIR}/cmake/CBuildInformation.modulemap"
    "SHELL:-Xcc -fmodule-map-file=${SAGES_SOURCE}/CInstructionSet/include/module.modulemap")
foreach(system CMPI CHDF5 COpenBLAS CZlib)
    list(APPEND SAGES_SWIFT_FLAGS "SHELL:-Xcc -fmodule-map-file=${SAGES_SOURCE}/${system}/module.modulemap")
endforeach()
foreach(directory IN LISTS SAGES_INCLUDE_DIRS)
    list(APPEND SAGES_SWIFT_FLAGS "SHELL:-Xcc -I${directory}")
endforeach()

# A Swift module of Sources/, with the modules that it imports.
function(sages_module name)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${SAGES_SOURCE}/${name}/*.swift)
    if(NOT sources)
        message(FATAL_ERROR "${SAGES_SOURCE}/${name} has no Swift files")
    endif()
    add_library(${name} STATIC ${sources})
    target_compile_options(${name} PRIVATE ${SAGES_SWIFT_FLAGS})
    target_link_libraries(${name} PUBLIC ${ARGN})
    set_target_properties(${name} PROPERTIES
        Swift_MODULE_NAME ${name}
        Swift_MODULE_DIRECTORY ${CMAKE_BINARY_DIR}/modules
        POSITION_INDEPENDENT_CODE ON)
    target_include_directories(${name} PUBLIC ${CMAKE_BINARY_DIR}/modules)
    set_property(GLOBAL APPEND PROPERTY SAGES_MODULES ${name})
endfunction()

sages_module(Diagnostics)
sages_module(Configuration Diagnostics)
sages_module(MPI Diagnostics)
sages_module(HDF5 MPI Diagnostics)
sages_module(Kernels)
# The kernels alone are compiled unchecked and for the chosen instruction set; -Xcc -march is Swift's own too.
target_compile_options(Kernels PRIVATE -Ounchecked "SHELL:-Xcc -march=${SAGES_ARCH}")
sages_module(Tensor Kernels Diagnostics)
sages_module(Autodiff Tensor Kernels Diagnostics)
sages_module(NeuralNetworks Autodiff Tensor Kernels Diagnostics)
sages_module(Grid MPI Tensor Diagnostics)
sages_module(Training NeuralNetworks Autodiff Tensor Kernels MPI HDF5 Configuration Diagnostics)
sages_module(Trajectory HDF5 MPI Diagnostics)
sages_module(SAGESnet Training Trajectory Grid NeuralNetworks Autodiff Tensor Kernels MPI HDF5 Configuration Diagnostics)

# The functions that the header declares and does not define itself.
set(SAGES_HEADER ${CMAKE_CURRENT_SOURCE_DIR}/include/sages.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${SAGES_HEADER})
file(STRINGS ${SAGES_HEADER} declarations REGEX "^(int|const char \\*) ?sages_[a-z_]+\\(")
set(SAGES_FUNCTIONS)
foreach(declaration IN LISTS declarations)
    string(REGEX REPLACE "^(int|const char \\*) ?(sages_[a-z_]+)\\(.*" "\\2" function "${declaration}")
    list(APPEND SAGES_FUNCTIONS ${function})
endforeach()
list(LENGTH SAGES_FUNCTIONS count)
if(count LESS 10)
    message(FATAL_ERROR "${SAGES_HEADER} does not look as expected: ${count} functions found")
endif()
list(JOIN SAGES_FUNCTIONS ";\n        " exported)
set(SAGES_SYMBOLS ${CMAKE_BINARY_DIR}/sages.map)
file(CONFIGURE OUTPUT ${SAGES_SYMBOLS} CONTENT "{\n    global:\n        @exported@;\n    local:\n        *;\n};\n" @ONLY)

file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${SAGES_SOURCE}/SAGESC/*.swift)
add_library(sages SHARED ${sources})
add_library(SAGES::sages ALIAS sages)
target_compile_options(sages PRIVATE ${SAGES_SWIFT_FLAGS})
# Archives whole: a file that holds nothing but a conformance is named by no symbol, yet found at run time. They are
# flags and no libraries of the target, for the linker must see each once.
get_property(modules GLOBAL PROPERTY SAGES_MODULES)
list(APPEND modules CBuildInformation CInstructionSet)
set(archives)
set(archive_flags)
foreach(module IN LISTS modules)
    list(APPEND archives $<TARGET_FILE:${module}>)
    list(APPEND archive_flags "SHELL:-Xlinker $<TARGET_FILE:${module}>")
endforeach()
add_dependencies(sages ${modules})
target_include_directories(sages PRIVATE ${CMAKE_BINARY_DIR}/modules)
target_link_options(sages PRIVATE
    "SHELL:-Xlinker --whole-archive" ${archive_flags} "SHELL:-Xlinker --no-whole-archive"
    # The toolchain's own linker: with gold, metadata of Swift types stay visible whatever the list of symbols says.
    -use-ld=lld
    ${SAGES_SWIFT_LINK_FLAGS}
    "SHELL:-Xlinker --version-script=${SAGES_SYMBOLS}"
    "SHELL:-Xlinker -z -Xlinker defs")
set_target_properties(sages PROPERTIES
    Swift_MODULE_NAME SAGESC
    LINK_DEPENDS "${SAGES_SYMBOLS};${archives}"
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}
    BUILD_RPATH ${SAGES_SWIFT_RUNTIME})

# The library, twice from the same objects: holdfast_static, for programs of this tree and for
# those who want no shared object, and holdfast_shared, which exports holdfast.h and no more.
# Both carry the core, the message codec, endpoint lists and the link: nothing of ours is needed
# beside.

set (HF_CLIENT_ROOMS hf_client_core hf_reach hf_msgs hf_base)
set (HF_CLIENT_OBJECTS "")
foreach (room ${HF_CLIENT_ROOMS})
    get_target_property (sources ${room} SOURCES)
    get_target_property (folder ${room} SOURCE_DIR)
    list (TRANSFORM sources PREPEND "${folder}/")
    list (APPEND HF_CLIENT_OBJECTS ${sources})
endforeach ()
add_library (hf_client_objects OBJECT ${HF_CLIENT_OBJECTS}
    io/hf_client.c io/hf_dispatch.c io/hf_drive.c io/hf_links.c io/hf_loop.c io/hf_members.c io/hf_query.c
    io/hf_session.c io/hf_shared.c io/hf_submit.c io/hf_turn.c io/hf_waiter.c io/hf_watch.c
    recipes/hf_barrier.c recipes/hf_bell.c recipes/hf_election.c recipes/hf_latch.c recipes/hf_mutex.c
    recipes/hf_observer.c recipes/hf_recipe.c recipes/hf_rwlock.c recipes/hf_semaphore.c
    "${PROJECT_SOURCE_DIR}/broker-less/hf_endpoints.c"
    "${PROJECT_SOURCE_DIR}/broker-less/hf_keys.c"
    "${PROJECT_SOURCE_DIR}/broker-less/hf_link.c"
    "${PROJECT_SOURCE_DIR}/broker-less/hf_resolver.c"
    "${PROJECT_SOURCE_DIR}/broker-less/hf_socket.c")
target_link_libraries (hf_client_objects PRIVATE hf_build PkgConfig::ZMQ PkgConfig::MSGPACK
                       Threads::Threads)

include (GNUInstallDirs)
include (CMakePackageConfigHelpers)

add_library (holdfast_static STATIC $<TARGET_OBJECTS:hf_client_objects>)
set_target_properties (holdfast_static PROPERTIES OUTPUT_NAME holdfast EXPORT_NAME holdfast_static)
target_link_libraries (holdfast_static PUBLIC PkgConfig::ZMQ PkgConfig::MSGPACK Threads::Threads)

add_library (holdfast_shared SHARED $<TARGET_OBJECTS:hf_client_objects>)
set_target_properties (holdfast_shared PROPERTIES OUTPUT_NAME holdfast EXPORT_NAME holdfast
                       VERSION "${PROJECT_VERSION}" SOVERSION "${PROJECT_VERSION_MAJOR}"
                       LINK_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/holdfast.map")
target_link_libraries (holdfast_shared PRIVATE PkgConfig::ZMQ PkgConfig::MSGPACK Threads::Threads)
target_link_options (holdfast_shared PRIVATE
                     "-Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/holdfast.map")

# Within the tree both are used with the tree's headers; installed, with the installed ones.
foreach (library holdfast_static holdfast_shared)
    if (HF_SANITIZE)
        target_link_options (${library} PUBLIC $<BUILD_INTERFACE:-fsanitize=${HF_SANITIZE}>)
    endif ()
    target_include_directories (${library} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach ()
add_library (holdfast::holdfast ALIAS holdfast_shared)

add_executable (holdfast-example example.c)
target_link_libraries (holdfast-example PRIVATE hf_build holdfast_shared)
foreach (name barrier election latch mutex observe own_loop rwlock semaphore)
    add_executable (holdfast-example-${name} examples/${name}.c)
    target_link_libraries (holdfast-example-${name} PRIVATE hf_build holdfast_shared)
    list (APPEND HF_EXAMPLES holdfast-example-${name})
    list (APPEND HF_EXAMPLE_SOURCES examples/${name}.c)
endforeach ()
add_custom_target (holdfast-examples DEPENDS holdfast-example ${HF_EXAMPLES})

# ---- installing

# Installed, a header or an example names the others without the folders of this tree.
function (hf_install_flat folder)
    foreach (source ${ARGN})
        cmake_path (ABSOLUTE_PATH source)
        cmake_path (GET source FILENAME name)
        file (READ "${source}" text)
        string (REGEX REPLACE "#include \"(client/recipes|client/examples|client|msgs)/" "#include \"" text "${text}")
        file (WRITE "${CMAKE_CURRENT_BINARY_DIR}/installed/${name}" "${text}")
        set_property (DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
        install (FILES "${CMAKE_CURRENT_BINARY_DIR}/installed/${name}" DESTINATION "${folder}")
    endforeach ()
endfunction ()

# Apart, as a program that uses the shared library needs neither libzmq nor msgpack.
install (TARGETS holdfast_shared EXPORT holdfast-targets
         LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install (TARGETS holdfast_static EXPORT holdfast-static-targets
         ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
hf_install_flat ("${CMAKE_INSTALL_INCLUDEDIR}" holdfast.h recipes/hf_barrier.h recipes/hf_election.h
                 recipes/hf_latch.h recipes/hf_mutex.h recipes/hf_rwlock.h recipes/hf_semaphore.h
                 "${PROJECT_SOURCE_DIR}/msgs/hf_status.h")
hf_install_flat ("${CMAKE_INSTALL_DOCDIR}/examples" example.c examples/example.h
                 ${HF_EXAMPLE_SOURCES})
foreach (targets holdfast-targets holdfast-static-targets)
    install (EXPORT ${targets} NAMESPACE holdfast:: FILE ${targets}.cmake
             DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/holdfast")
endforeach ()
configure_package_config_file (holdfast-config.cmake.in
    "${CMAKE_CURRENT_BINARY_DIR}/holdfast-config.cmake"
    INSTALL_DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/holdfast")
write_basic_package_version_file ("${CMAKE_CURRENT_BINARY_DIR}/holdfast-config-version.cmake"
                                  COMPATIBILITY SameMajorVersion)
install (FILES "${CMAKE_CURRENT_BINARY_DIR}/holdfast-config.cmake"
         "${CMAKE_CURRENT_BINARY_DIR}/holdfast-config-version.cmake"
         DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/holdfast")
# The way from the .pc file up to the prefix, so that an installed tree may be moved.
file (RELATIVE_PATH HF_PC_TO_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
configure_file (holdfast.pc.in "${CMAKE_CURRENT_BINARY_DIR}/holdfast.pc" @ONLY)
install (FILES "${CMAKE_CURRENT_BINARY_DIR}/holdfast.pc"
         DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

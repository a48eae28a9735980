# hf_dense ([SMALL] TARGET..)
#   Parts of a node, which HF_DENSE optimizes across their files. A request wakes up thread after thread, and when there
#   are few each finds cold caches: then what counts is how much code it has to fetch, more than how many instructions it
#   executes. For the same reason other libraries are called without a table of jumps. SMALL: -Os, for what does the same
#   for a batch as for one request. The objects are fat: tests link them as they are, without the wait.
string (COMPARE EQUAL "${CMAKE_BUILD_TYPE}" "Release" HF_DENSE_DEFAULT)
option (HF_DENSE "Optimize a node across its files (gcc)" ${HF_DENSE_DEFAULT})
if (HF_DENSE AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT HF_SANITIZE)
    set (dense "$<BOOL:$<TARGET_PROPERTY:HF_DENSE>>")
    target_compile_options (hf_build INTERFACE -fno-plt "$<${dense}:-flto=auto;-ffat-lto-objects>"
                            "$<$<BOOL:$<TARGET_PROPERTY:HF_SMALL>>:-Os>")
    target_link_options (hf_build INTERFACE -Wl,-z,now "$<IF:${dense},-flto=auto,-fno-lto>")
endif ()

function (hf_dense)
    cmake_parse_arguments (D "SMALL" "" "" ${ARGN})
    set_target_properties (${D_UNPARSED_ARGUMENTS} PROPERTIES HF_DENSE ON HF_SMALL "${D_SMALL}")
endfunction ()

# cmake -DFOLDER=... -DOUT=... -P HfEmbed.cmake - make the C source of hf_page.h: the page's files in
# FOLDER as arrays of bytes.
set (source "//  Made of nodes/http/page by cmake/HfEmbed.cmake.\n\n#include \"nodes/http/hf_page.h\"\n")
set (rows "")
foreach (row "/|index.html|text/html" "/page.css|page.css|text/css" "/page.js|page.js|text/javascript"
         "/view.js|view.js|text/javascript" "/act.js|act.js|text/javascript")
    string (REPLACE "|" ";" row "${row}")
    list (GET row 0 path)
    list (GET row 1 file)
    list (GET row 2 type)
    file (READ "${FOLDER}/${file}" bytes HEX)
    string (REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
    string (MAKE_C_IDENTIFIER "${file}" name)
    string (APPEND source "\nstatic const char s_${name}[] = {${bytes}0};\n")
    string (APPEND rows "    {\"${path}\", \"${type}; charset=utf-8\", s_${name}, sizeof s_${name} - 1},\n")
endforeach ()
string (APPEND source "\nconst hf_page_file_t hf_page_files[] = {\n${rows}};\n"
        "const size_t hf_page_files_count = sizeof hf_page_files / sizeof *hf_page_files;\n")
file (WRITE "${OUT}" "${source}")

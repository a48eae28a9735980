#!/bin/sh
# pure.sh LIBRARY... - what a pure room calls beyond itself: no clock, socket, file,
# thread or rand. Everything not on the list is refused, so that nothing new slips in.
set -eu
allowed='
hf_.* malloc calloc realloc free abort qsort bsearch
mem(cpy|move|set|cmp|chr) str(len|n?cmp|n?casecmp|chr|rchr|str|spn|cpy|ncpy) (v?snprintf|__v?snprintf_chk)
__(memcpy|memmove|memset|strcpy|strncpy)_chk
fputs fwrite stderr __assert_fail __stack_chk_fail _GLOBAL_OFFSET_TABLE_
json_(array|object|integer|string|sprintf|pack|true|false|null|delete|dumps|loadb).* msgpack_(sbuffer|pack)_.* __(asan|ubsan|lsan|tsan|msan|sanitizer|sancov)_.* __gcov_.*
'
pattern="^($(echo $allowed | tr ' ' '|'))\$"
bad=0
for library in "$@"; do
    symbols=$(nm --undefined-only "$library" | awk 'NF == 2 { print $2 }' | sort -u)
    [ -n "$symbols" ] || { echo "$library: nm shows nothing"; exit 1; }
    wrong=$(echo "$symbols" | grep -Ev "$pattern" || true)
    if [ -n "$wrong" ]; then
        echo "$library calls what the core must not call:" $wrong
        bad=1
    fi
done
exit $bad

#!/bin/sh
# sizes.sh ROOT - files of at most 700 lines, functions of at most 75 (aim for 60), no tabs,
# and every source says at its top what it is for.
set -eu
cd "$1"
find base msgs broker-less nodes client bench tests -name '*.[ch]' | sort > "${TMPDIR:-/tmp}/hf-style-$$"
trap 'rm -f "${TMPDIR:-/tmp}/hf-style-$$"' EXIT
[ -s "${TMPDIR:-/tmp}/hf-style-$$" ] || { echo "no sources under $1"; exit 1; }
xargs awk '
    FNR == 1 { start = 0; name = "" }
    FNR == 1 && FILENAME ~ /\.c$/ && !/^\/[\/*]/ { print FILENAME ": nothing at its top"; bad = 1 }
    /\t/ { print FILENAME ":" FNR ": a tab"; bad = 1 }
    FNR == 701 { print FILENAME ": more than 700 lines"; bad = 1 }
    # A function: its brace opens and closes in the first column (.clang-format sees to that).
    /^[A-Za-z_].*\(/ { name = $0 }
    /^\{/ { start = FNR }
    /^\}/ && start {
        size = FNR - start - 1
        if (size > 75) { print FILENAME ":" start ": " size " lines: " name; bad = 1 }
        else if (size > 60) print FILENAME ":" start ": note: " size " lines, aim for 60: " name
        start = 0
    }
    END { exit bad }
' < /dev/null $(cat "${TMPDIR:-/tmp}/hf-style-$$")

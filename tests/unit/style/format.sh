#!/bin/sh
# format.sh ROOT - every source is as clang-format 14 (Debian 12) leaves it; other versions differ.
# Exit code 77, skipped, without it.
set -eu
cd "$1"
tool=clang-format-14
command -v $tool > /dev/null || tool=clang-format
$tool --version 2> /dev/null | grep -q ' 14\.' || { echo "skipped: no clang-format 14 here"; exit 77; }
find msgs broker-less nodes client bench tests -name '*.[ch]' -print0 |
    xargs -0 $tool --dry-run -Werror --ferror-limit=1

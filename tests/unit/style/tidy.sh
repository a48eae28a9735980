#!/bin/sh
# tidy.sh ROOT BUILD [deep] - clang-tidy 14 (Debian 12) finds nothing. deep: the product, with the path
# analyzer, which takes minutes: by hand, after a large change. Exit code 77, skipped, where there is no
# such clang-tidy.
set -eu
cd "$1"
tool=clang-tidy-14
command -v $tool > /dev/null || tool=clang-tidy
$tool --version 2> /dev/null | grep -q 'version 14\.' || { echo "skipped: no clang-tidy 14 here"; exit 77; }
folders="base msgs broker-less nodes client bench"
checks=
[ "${3:-}" = deep ] || { folders="$folders tests"; checks=-clang-analyzer-*; }
find $folders -name '*.c' ! -name shim.c ! -path 'bench/peers/*' | sort |
    xargs -P "$(nproc)" -n 4 $tool -p "$2" --quiet --checks="$checks" \
          --extra-arg=-Wno-ignored-optimization-argument 2> /dev/null # options that gcc alone has

#!/bin/sh
# test.sh [CTEST OPTION...] - build with warnings as errors and sanitizers, run every test.
#
#   scripts/test.sh                    all of them
#   scripts/test.sh -L unit            one label: unit, scenario, cluster, fuzz, sim
#   scripts/test.sh -R lostfound -V    one test by name, with all it says
#
# Installs what it needs the first time. The tree is compiled by clang as well, for its warnings.
# HF_PRESET=tsan runs the tests under another preset; HF_SKIP_CLANG=1 leaves the second compiler out.
set -eu
cd "$(dirname "$0")/.."
case "${1:-}" in
-h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' scripts/test.sh
    exit 0
    ;;
esac
. scripts/packages.sh
hf_need_packages $HF_BUILD_PACKAGES $HF_TEST_PACKAGES

preset=${HF_PRESET:-dev}
jobs=$(nproc)

# Quiet unless it fails.
step ()
{
    printf '== %s\n' "$1"
    shift
    log=build/step.log
    if ! "$@" > "$log" 2>&1; then
        sed -n '/^FAILED/,$p' "$log" | grep . || cat "$log"
        exit 1
    fi
}

mkdir -p build
step "configure ($preset)" cmake --preset "$preset" -DHF_WERROR=ON
step "build with gcc, warnings are errors, sanitizers on" cmake --build --preset "$preset" -j "$jobs"
if [ -z "${HF_SKIP_CLANG:-}" ]; then
    step "configure for clang" cmake -S . -B build/clang -G Ninja -DCMAKE_C_COMPILER=clang \
        -DCMAKE_BUILD_TYPE=Debug -DHF_WERROR=ON
    step "build with clang, warnings are errors" cmake --build build/clang -j "$jobs"
fi

printf '== run the tests\n'
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
# Tests of clusters wait most of the time, so two for each core. Those that compute count for more
# (PROCESSORS), and those that need the machine for themselves say so (RUN_SERIAL).
exec ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j $((jobs * 2)) "$@"

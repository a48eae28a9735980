#!/bin/sh
# fuzz.sh [SECONDS [TARGET...]] - build the fuzz targets with clang and run each for SECONDS (60).
#
#   scripts/fuzz.sh                    all targets, a minute each
#   scripts/fuzz.sh 600 rows state     these, ten minutes each
#
# One line for each target: executions, coverage, crashes. What was found useful stays in
# build/fuzz/found/TARGET for the next run; an input that crashes is kept in build/fuzz/crashes.
# Exit code 0: nothing crashed, leaked or hung. To see one crash again:
#   build/fuzz/tests/fuzz/fuzz_TARGET FILE
# and once it is mended, add the file to tests/fuzz/corpus/TARGET: every build runs it from then on.
set -eu
cd "$(dirname "$0")/.."
case "${1:-}" in
-h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' scripts/fuzz.sh | sed '$d'
    exit 0
    ;;
esac
seconds=${1:-60}
[ $# -eq 0 ] || shift
case "$seconds" in
'' | *[!0-9]* | 0*)
    echo "fuzz.sh: \"$seconds\" is no number of seconds" >&2
    exit 2
    ;;
esac
. scripts/packages.sh
hf_need_packages $HF_BUILD_PACKAGES clang libclang-rt-14-dev

mkdir -p build
log=build/fuzz-build.log
if ! { cmake --preset fuzz && cmake --build --preset fuzz -j "$(nproc)"; } > "$log" 2>&1; then
    sed -n '/^FAILED/,$p' "$log" | grep . || cat "$log"
    exit 1
fi

bin=build/fuzz/tests/fuzz
[ $# -gt 0 ] || set -- $(grep -l '^LLVMFuzzerTestOneInput' tests/fuzz/fuzz_*.c | sed 's/.*fuzz_\(.*\)\.c/\1/')
export ASAN_OPTIONS="${ASAN_OPTIONS:-detect_leaks=1}"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
bad=0
for target in "$@"; do
    program=$bin/fuzz_$target
    [ -x "$program" ] || { echo "fuzz.sh: there is no target \"$target\"" >&2; exit 2; }
    found=build/fuzz/found/$target
    crashes=build/fuzz/crashes/$target
    mkdir -p "$found" "$crashes"
    seeds="$bin/seeds/$target"
    [ ! -d "tests/fuzz/corpus/$target" ] || seeds="$seeds tests/fuzz/corpus/$target"
    log=build/fuzz/$target.log
    code=0
    "$program" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$crashes/" "$found" $seeds > "$log" 2>&1 || code=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
    if [ $code -eq 0 ]; then
        printf '%-8s %9s executions  %5s edges covered  no crash\n' "$target" "${runs:-?}" "${edges:-?}"
    else
        bad=1
        printf '%-8s %9s executions  %5s edges covered  CRASH\n' "$target" "${runs:-?}" "${edges:-?}"
        sed -n '/ERROR\|Assertion\|runtime error\|Test unit written/p' "$log" | sed 's/^/    /' | head -8
    fi
done
exit $bad

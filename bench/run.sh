#!/usr/bin/env bash
# run.sh [OPTION...] - holdfast beside the floor of this machine and beside other lock services.
#
#   bench/run.sh                 five rounds of everything, an hour or less; for a machine that does nothing else
#   bench/run.sh --quick         under 3 minutes: shows that all of it works
#   bench/run.sh --curve         what encryption costs: the same loads with keys and without, in turn
#   bench/run.sh --install       the same as without, after installing the other services
#   bench/run.sh --help          all options
#
# Builds holdfast (build/release), runs the floor, holdfast and the others in turn, prints a table of
# ratios, and writes bench/results/DATE-COMMIT.json, .md and .svg. What is not installed is skipped, and
# the table says so. Needs python3, without any library.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
. scripts/packages.sh
command -v python3 > /dev/null || hf_need_packages python3

HF_LOAD_BEFORE=$(cut -d ' ' -f 1 /proc/loadavg) # the build is not counted
export HF_LOAD_BEFORE
build=build/release
install=no peers=yes
for argument in "$@"; do
    case $argument in
    -h | --help) exec python3 bench/measure.py --help ;;
    --install) install=yes ;;
    --peers=none | --curve) peers=no ;;
    esac
done
case " $* " in *" --peers none "*) peers=no ;; esac

hf_need_packages $HF_BUILD_PACKAGES
[ $install = no ] || bench/peers/install.sh
echo "== building ($build)" >&2
mkdir -p build
if ! { cmake --preset release && cmake --build --preset release -j "$(nproc)" \
    --target holdfastd holdfast-bench holdfast-floor; } > build/bench.log 2>&1; then
    cat build/bench.log >&2
    exit 1
fi
[ $peers = no ] || bench/peers/build.sh $build
exec python3 bench/measure.py "$@"

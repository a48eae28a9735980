#!/usr/bin/env bash
# soak.sh [BENCH OPTION...] - does a node take more and more? Run it for long and draw it.
#
#   scripts/soak.sh                    a million lock cycles on three nodes, some minutes
#   scripts/soak.sh --cycles 20000     shorter; options go to holdfast-bench (see its --help)
#   scripts/soak.sh --plot-only        draw what the last run left
#
# Builds holdfast, runs `holdfast-bench --start 3 soak`, which looks at memory and disk of each node
# a hundred times, and makes docs/soak.tsv (the samples) and docs/soak.svg (the curves: memory, and
# disk without the replicated files, which grow as they should). HF_SOAK_OUT names another folder
# than docs. Installs what it needs the first time.
#
# Exit code 0: the run went well; whether it is flat stands in what it prints.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ ${1:-} == -h || ${1:-} == --help ]]; then
    sed -n '2,/^set/s/^# \{0,1\}//p' scripts/soak.sh
    exit 0
fi

. scripts/packages.sh
out=${HF_SOAK_OUT:-docs}
table=$out/soak.tsv

run ()
{
    hf_need_packages $HF_BUILD_PACKAGES
    echo "== building (build/release)"
    mkdir -p build
    if ! { cmake --preset release && cmake --build --preset release -j "$(nproc)" \
        --target holdfastd holdfast-bench; } > build/soak.log 2>&1; then
        cat build/soak.log
        exit 1
    fi
    build/release/bench/holdfast-bench --start 3 --out "$table.new" "$@" soak
    mv "$table.new" "$table"
}

# The columns of each node: memory, three databases, files, the rest.
plot ()
{
    gnuplot << END
set terminal svg size 820,760 dynamic background rgb "white" font "sans-serif,13" \
    name "soak"
set output "$out/soak.svg.new"
set datafile separator "\t"
nodes = (int (system ("head -n 1 '$table' | awk -F '\t' '{ print NF }'")) - 1) / 6
set multiplot layout 2,1
set key bottom right
set lmargin 9
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror out
set xrange [0:*]
set yrange [0:*]
set format x "%.0f"
set xlabel "operations, in thousands"
set title "Resident memory"
set ylabel "MiB"
plot for [n = 1:nodes] "$table" using (column (1) / 1000):(column (6 * n - 4) / 1024) \
    every ::1 with lines lw 2 title sprintf ("node %d", n)
set title "Disk, without the replicated files"
plot for [n = 1:nodes] "$table" using (column (1) / 1000):((column (6 * n - 3) + \
    column (6 * n - 2) + column (6 * n - 1) + column (6 * n + 1)) / 1024) \
    every ::1 with lines lw 2 title sprintf ("node %d", n)
unset multiplot
END
    mv "$out/soak.svg.new" "$out/soak.svg"
}

if [[ ${1:-} != --plot-only ]]; then
    run "$@"
fi
if [[ ! -s $table ]]; then
    echo "there is no $table to draw: run scripts/soak.sh without --plot-only" >&2
    exit 1
fi
command -v gnuplot > /dev/null || hf_need_packages gnuplot-nox
plot
echo "== $table, $out/soak.svg"

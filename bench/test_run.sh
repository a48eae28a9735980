#!/bin/sh
# test_run.sh BENCH BUILD - a short run of bench/measure.py, which bench/run.sh calls once all is built:
# it writes results, tables and plots, skips who is not there, and leaves nothing behind. Exit code 77,
# skipped, where there is no python3.
set -u
bench=$1 build=$2
command -v python3 > /dev/null || { echo "skipped: no python3 here"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0

fail ()
{
    echo "$*"
    bad=1
}

# CODE ARGS..: what it says is in the folder.
run ()
{
    code=$1
    shift
    python3 "$bench/measure.py" --build "$build" --data-root "$dir" --out "$dir/results" "$@" \
        > "$dir/out" 2> "$dir/err"
    got=$?
    [ "$got" = "$code" ] || { fail "$*: exit code $got, not $code"; cat "$dir/out" "$dir/err"; }
}

has () # FILE TEXT
{
    grep -q -- "$2" "$dir/$1" || { fail "no \"$2\" in:"; cat "$dir/$1"; }
}

run 2 --peers consul
has err "there is no peer consul"
run 2 --loads sink
has err 'there is no load "sink"'
run 2 --rounds 0
has err "rounds is too small"
run 0 --rounds 2 --seconds 1 --warmup 0 --loads "1 worker" --peers redlock
has out "^| 1 worker, acquire p50 | ms | [0-9].* | at most 1.15 | "
has out "^| 1 worker | [0-9].* | [0-9].* | [0-9].* | [0-9].* | [0-9].* | [0-9].* |$"
grep -q "^Not measured: Redlock: .*bench/peers/install.sh" "$dir/out" || has out "^| 1 worker, cycles/s | [0-9].* | .*x "
set -- "$dir"/results/*
[ $# -eq 4 ] || fail "files of results: $*"
cp "$dir"/results/*.md "$dir/before"
python3 "$bench/report.py" "$dir"/results/*.json > "$dir/out" || fail "report.py: exit code $?"
cmp "$dir"/results/*.md "$dir/before" || fail "report.py makes another table of the same results"
for plot in "$dir"/results/*.svg; do
    python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse (sys.argv[1])' "$plot" || fail "$plot is no SVG"
done

# Published: between the marks, with plots that the README finds.
mkdir "$dir/copy"
cp "$bench/README.md" "$dir/copy"
rm "$dir"/results/*
run 0 --rounds 1 --seconds 3 --warmup 0 --loads "1 worker" --peers none --publish --readme "$dir/copy/README.md"
has copy/README.md "^| 1 worker, acquire p50 | ms | [0-9]"
has copy/README.md "^| 1 worker | a follower: election actor | [0-9.]* | [0-9.]* |  |  |$"
has copy/README.md "^| 1 worker | leader: libzmq's I/O | [0-9.]* | [0-9.]* | [0-9.]* | [0-9.]* |$"
grep -q "writes them here" "$dir/copy/README.md" && fail "the README has its old results"
[ "$(grep -c '^## ' "$dir/copy/README.md")" = "$(grep -c '^## ' "$bench/README.md")" ] || fail "the README lacks sections"
plots=$(sed -n 's/^!\[.*\](\(.*\))$/\1/p' "$dir/copy/README.md")
[ -n "$plots" ] || fail "the README has no plots"
for plot in $plots; do
    [ -s "$dir/copy/$plot" ] || fail "the README names $plot, which is not there"
done

rm "$dir"/results/*
run 0 --curve --rounds 1 --seconds 1 --warmup 0 --loads "1 worker; 1 worker, CURVE"
has out "^| 1 worker, with CURVE beside without | requests/s | [0-9].* | [0-9].* | [0-9]"
has out "^| 1 worker, CURVE | [0-9]"

# A failure is reported, and counts.
run 1 --rounds 1 --seconds 1 --loads "1 worker" --peers none --build "$dir/nowhere"
has out "^Failed: "
[ -z "$(find "$dir" -maxdepth 1 -name 'holdfast-run-*')" ] || fail "it left its data behind"
exit $bad

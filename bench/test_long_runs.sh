#!/bin/sh
# test_long_runs.sh PROGRAM HOLDFASTD COMMAND - a short run of it on real nodes. Exit code 77, skipped,
# where nodes cannot be cut off.
set -u
bench=$1 node=$2 command=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0

fail ()
{
    echo "$command: $*"
    bad=1
}

# CODE ARGS..: run it with the folder for its data; what it says is in the folder.
run ()
{
    code=$1
    shift
    "$bench" --start 3 --holdfastd "$node" --data-root "$dir" "$@" "$command" \
        > "$dir/out" 2> "$dir/err"
    got=$?
    if grep "cut needs network namespaces" "$dir/err"; then
        echo "skipped"
        exit 77
    fi
    [ "$got" = "$code" ] || { fail "exit code $got, not $code"; cat "$dir/out" "$dir/err"; }
}

has () # FILE TEXT
{
    grep -q -- "$2" "$dir/$1" || { fail "no \"$2\" in:"; cat "$dir/$1"; }
}

case $command in
watch)
    run 0 --seconds 1 --warmup 0 --watchers 40
    has out "^watch: 1 writer, 40 watchers on 3 connections to 3 nodes$"
    has out "^the last one  "
    has out "^no errors$"
    run 0 --seconds 1 --warmup 1 --watchers 1 --json
    has out '"releases": [1-9]'
    has out '"errors": 0,'
    ;;
append)
    run 0 -w 8 --appends 3 --append-bytes 100 --seconds 1 --warmup 0
    has out "^append: 8 workers.*, 3 appends of 100 bytes, "
    has out "^append  "
    has out "^no errors$"
    run 0 -w 1 --seconds 1 --warmup 0 --json
    has out '"appends": 4,'
    has out '"append": {'
    ;;
scrape)
    run 0 --seconds 1 --rounds 1 --warmup 0 --held 100
    has out "^held       100 locks$"
    has out "^scrapes    3 of "
    has out "^p99        with / without: "
    has out "^no errors$"
    run 0 --seconds 1 --rounds 1 --warmup 0 --held 10 --json
    has out '"p99_ratio": '
    has out '"errors": 0$'
    ;;
shared | sets)
    run 0 --seconds 1 --warmup 0
    has out "^$command: 64 workers"
    has out "^cycle  "
    has out "^processor time for each request: leader .* us, a follower .* us, client .* us$"
    has out "^no errors$"
    run 0 -w 3 --seconds 1 --warmup 0 --json
    has out '"cycles_per_second": [1-9]'
    has out '"errors": {}'
    has out '"leader": 0*[.0-9]*[1-9]'
    has out '"follower": 0*[.0-9]*[1-9]'
    has out '"client": 0*[.0-9]*[1-9]'
    ;;
soak)
    run 0 --cycles 2000 --append-every 4 --out "$dir/table"
    has out "^memory  "
    has out "^databases  "
    has out "^no errors$"
    awk -F '\t' '
        NF != 19 { print "columns: " NF; bad = 1 }
        NR > 1 && $1 + 0 < before { print "operations go back"; bad = 1 }
        NR > 1 && (!$2 || !$8 || !$14) { print "a node without memory"; bad = 1 }
        { before = $1 + 0; log_kib = $3; files_kib = $6 }
        END {
            # 2 operations to a cycle, and about a fourth of the cycles append.
            if (NR != 102 || before < 4200 || !log_kib || files_kib < 4) {
                print NR " lines, " before " operations, log " log_kib ", files " files_kib
                bad = 1
            }
            exit bad
        }' "$dir/table" || fail "the table is not as it should be"
    run 0 --cycles 500 --append-every 0 --json
    has out '"appends": 0,'
    has out '"databases": {'
    run 1 --cycles 500 --out "$dir/not/there"
    has err "cannot write $dir/not/there"
    ;;
read)
    run 0 -w 8 --append-bytes 1000 --seconds 1 --warmup 0
    has out "^[1-9][0-9]* reads/s of 1000 bytes from the leader: "
    has out "^no errors$"
    run 0 -w 4 -c 4 --stale --seconds 1 --warmup 0 --json
    has out '"stale": true,'
    has out '"reads_per_second": [1-9]'
    has out '"failed": 0,'
    ;;
scale)
    run 0 -w 4 --held 10000 --waiters 30 --idle 5 --seconds 1 --warmup 0 --json
    has err "^10001 locks are held$"
    has err "^30 sessions wait for one lock$"
    has err "^5 connections are idle$"
    has out '"memory_bytes_per_lock": [1-9]'
    has out '"node_back_after_seconds": 0*[.0-9]*[1-9]'
    has out '"cycles_per_second": [1-9]'
    has out '"errors": {}'
    has out '"sessions_lost": 0,'
    ;;
idle)
    run 0 -c 3 --sessions-per-connection 400 --ttl 60000 --seconds 1 --warmup 0
    has out "^idle: 1200 sessions on 3 connections are open$"
    has err "^1200 sessions are open$"
    has out "^percent of a core, in .* s: .*client [0-9]" # of nodes, unless the leader changed
    has out "^sessions lost: 0$"
    run 0 --seconds 1 --warmup 0 --json
    has out '"sessions": 1,'
    has out '"core_percent": {'
    ;;
handoff)
    # A long queue: it is measured once all wait, and the end does not wait for all of them.
    run 0 -w 1200 --ttl 60000 --seconds 1 --warmup 0 --json
    has err "^1200 sessions are open$"
    has out '"cycles_per_second": [1-9]'
    has out '"sessions_lost": 0,'
    has out '"errors": {}'
    ;;
failover | stop | cut)
    run 0 --rounds 1
    has out "^leader [a-z ]* 1 times; "
    has out "^of any client  "
    has out "^no errors in "
    run 0 --rounds 1 --json
    has out '"rounds": 1,'
    has out '"median_ms": [0-9]'
    ;;
catchup)
    run 0 --ops 2000 -t 1 --warmup 0
    has out "^quiet  "
    has out "^away .* s  log$"
    has out "^wiped .* s  [a-z]*$"
    has out "^back within 10 s, p99 under 5 times its quiet value: "
    has err "node 3, wiped, is back after .* s and counts"
    ;;
rejoin)
    # The load takes no pause, and each sync takes 5 ms.
    run 0 --sync-ms 5 -w 16 --append-every 1 --append-bytes 2000 -t 1 --away 1 --rounds 1 --warmup 0
    has out "^stopped  *yes .* s  *0 "
    has out "^killed  *yes .* s  *0 "
    has out "^wiped  *yes "
    ;;
esac
find "$dir" -name 'holdfast-cluster-*' | grep . && fail "it left its data behind"
exit $bad

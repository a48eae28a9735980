#!/bin/sh
# test_options.sh PROGRAM - what holdfast-bench makes of its command line; starts no node.
set -u
bench=$1
bad=0

# CODE TEXT ARGS..: the exit code, and a text that stands in the output.
expect ()
{
    code=$1 text=$2
    shift 2
    out=$("$bench" "$@" 2>&1)
    got=$?
    [ "$got" = "$code" ] || { echo "holdfast-bench $*: exit code $got, not $code"; bad=1; }
    case $out in
    *"$text"*) ;;
    *) echo "holdfast-bench $*: no \"$text\" in: $out"; bad=1 ;;
    esac
}

for option in --watchers --locks --cycles --append-every --out --ops --log-keep --threads; do
    expect 0 "$option" --help
done
for command in cycle handoff shared sets append read scale idle watch failover stop cut catchup soak; do
    expect 0 "  $command" --help
done
expect 64 "give one command: cycle, handoff, shared, sets, append, read, scale, watch, failover, stop, cut, catchup, rejoin, scrape, idle or soak"
expect 64 "there is no command \"sink\"" sink
expect 64 "give one command" soak soak
expect 64 "soak looks at nodes that it started itself" soak
expect 64 "soak looks at nodes that it started itself" -e 1@127.0.0.1 soak
expect 64 "catchup kills, stops or cuts off nodes that it started itself" catchup
expect 64 "catchup kills, stops or cuts off nodes that it started itself" --start 1 catchup
expect 64 "failover kills, stops or cuts off nodes that it started itself" --start 1 failover
expect 64 "stop kills, stops or cuts off nodes that it started itself" --start 1 stop
expect 64 "1, 3, 5 or 7 nodes, not 2" --start 2 soak
expect 64 "--cycles must be 1 to" --start 1 --cycles 0 soak
expect 64 "--cycles must be 1 to" --start 1 --cycles 10k soak
expect 64 "--append-every must be 0 to" --start 1 --append-every -1 soak
expect 64 "--locks must be 1 to 64" --locks 65 sets
expect 64 "--locks must be 1 to 64" --locks 0 sets
expect 64 "--appends must be 1 to" --appends 0 append
expect 64 "--watchers must be 1 to 100000" --watchers 0 watch
expect 64 "shared needs a session for every worker" -w 4 --sessions-per-connection 2 shared
expect 64 "idle needs numbers of --connections and --sessions-per-connection" -c W idle
expect 64 "for at most 250000 sessions" -c 2 --sessions-per-connection 200000 idle
expect 64 "--ops must be 2 to" --start 3 --ops 1 catchup
expect 64 "--log-keep and --sync-ms are for nodes started here" --log-keep 1M cycle
expect 64 "--start and --endpoints exclude each other" --start 3 -e 1@127.0.0.1 catchup
expect 64 "Try: holdfast-bench --help" --no-such-option soak
expect 69 "/nowhere/holdfastd" --start 1 --holdfastd /nowhere/holdfastd soak
exit $bad

#!/bin/sh
# test_floor.sh PROGRAM - each kind of floor is measured, and leaves no process and no folder.
set -u
floor=$1
bad=0
TMPDIR=$(mktemp -d)
export TMPDIR

fail ()
{
    echo "$*"
    bad=1
}

# CODE TEXT ARGS..: the exit code, and a text that stands in the output.
expect ()
{
    code=$1 text=$2
    shift 2
    out=$("$floor" "$@" 2>&1)
    got=$?
    [ "$got" = "$code" ] || fail "holdfast-floor $*: exit code $got, not $code: $out"
    case $out in
    *"$text"*) ;;
    *) fail "holdfast-floor $*: no \"$text\" in: $out" ;;
    esac
}

expect 0 "usage: holdfast-floor" --help
expect 64 "give one of commands, echo, sync"
expect 64 "give one of commands, echo, sync" sink
expect 64 "a number is wrong" -n 2 commands
expect 64 "a number is wrong" -w 0 commands
expect 64 "every socket needs a worker" -w 2 -k 3 echo
expect 1 "holdfast-floor: the folder" --data /nowhere sync
expect 0 "commands: " -t 1 -w 16 commands
expect 0 '"nodes": 1' -t 1 -n 1 --json commands
expect 0 '"sockets": 4' -t 1 -w 8 -k 4 --json echo
expect 0 "sync: " -t 1 sync
[ -z "$(ls "$TMPDIR")" ] || fail "left behind: $(ls "$TMPDIR")"
rm -rf "$TMPDIR"
exit $bad

#!/bin/sh
# test_tool.sh PROGRAM - exit codes and output of holdfast-check, as scripts see them.
set -u
check=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
bad=0

# CODE TEXT ARGS..: the exit code, and a text that stands in the output.
expect ()
{
    code=$1 text=$2
    shift 2
    out=$("$check" "$@" 2>&1)
    got=$?
    [ "$got" = "$code" ] || { echo "holdfast-check $*: exit code $got, not $code"; bad=1; }
    case $out in
    *"$text"*) ;;
    *) echo "holdfast-check $*: no \"$text\" in: $out"; bad=1 ;;
    esac
}

mkdir "$dir/one" "$dir/two" "$dir/other"
printf 'one\n' | tee "$dir/one/a%20file" > "$dir/two/a%20file"
printf 'One\n' > "$dir/other/a%20file"
cat > "$dir/first" <<'END'
{"op":"open","session":1,"ttl":1000,"start":1,"end":2,"status":"OK"}
{"op":"acquire","session":1,"lock":"L","start":3,"end":4,"status":"OK","index":2,"token":1}
END
cat > "$dir/second" <<'END'
{"op": "append", "session": 1, "lock": "L", "token": 1, "file": "a file", "data": "one\n", "start": 5, "end": 6, "status": "OK", "index": 3}

{"op":"release","session":1,"lock":"L","token":1,"start":7,"end":8,"status":"OK","index":4}
END
sed 's/"index":4/"index":3/' "$dir/second" > "$dir/wrong"

expect 0 "0 violations" "$dir/first" "$dir/second"
expect 0 "4 operations, 1 grants, 1 sections" --files "$dir/one" --files "$dir/two" "$dir/first" "$dir/second"
expect 4 "violation P10" "$dir/first" "$dir/wrong"
expect 4 "violation P4" --files "$dir/one" --files "$dir/other" "$dir/first" "$dir/second"
expect 4 "no append wrote" --files "$dir/other" "$dir/first" "$dir/second"
expect 4 "wrong:3: release" "$dir/first" "$dir/wrong"
expect 64 "usage"
expect 64 "usage" --dance "$dir/first"
expect 0 "usage" --help
expect 65 "no-such-history" "$dir/no-such-history"
expect 65 "no-such-folder" --files "$dir/no-such-folder" "$dir/first"
printf '{"op":"open"}\n' > "$dir/broken"
expect 65 "broken:1: no start" "$dir/broken"
cat "$dir/first" "$dir/second" | "$check" - > "$dir/out" || { echo "stdin was not taken"; bad=1; }
exit $bad

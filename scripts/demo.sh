#!/usr/bin/env bash
# demo.sh - see a cluster of three nodes survive the death of its leader.
#
# Builds holdfast, starts three nodes on this machine, and lets five workers take turns: each
# takes one lock and, while it holds it, appends a line to a replicated file. Midway the node
# that leads is killed (kill -9), and started again later. At the end the file must be the
# same on all three disks, with every acknowledged line in it exactly once.
#
# Exit code 0: nothing was lost or doubled. Nothing is left running; the data are removed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ ${1:-} == -h || ${1:-} == --help ]]; then
    sed -n '2,/^set/s/^# \{0,1\}//p' scripts/demo.sh
    exit 0
fi

workers=5
turns=20 # of each worker
lock=counter
file=ledger

# ---- build -------------------------------------------------------------------

. scripts/packages.sh
hf_need_packages $HF_BUILD_PACKAGES
echo "== building (build/release)"
mkdir -p build
if ! { cmake --preset release && cmake --build --preset release -j "$(nproc)" \
    --target holdfastd holdfast; } > build/demo.log 2>&1; then
    cat build/demo.log
    exit 1
fi
PATH=$PWD/build/release/nodes:$PWD/build/release/client/tool:$PWD/build/release/client:$PATH

# ---- nothing stays behind ------------------------------------------------------

data=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-demo-XXXXXX")
declare -a node_pid=() worker_pid=()

# Each worker is a process group: what it runs under the lock ends with it.
finish ()
{
    local pid i
    trap - EXIT INT TERM
    for pid in "${worker_pid[@]}"; do kill -TERM -- "-$pid" 2> /dev/null || true; done
    for ((i = 0; i < 20; i++)); do
        all_done && break
        sleep 0.1
    done
    for pid in "${worker_pid[@]}"; do kill -KILL -- "-$pid" 2> /dev/null || true; done
    for pid in "${node_pid[@]}"; do kill -KILL "$pid" 2> /dev/null || true; done
    rm -rf "$data"
}
interrupted ()
{
    echo "interrupted"
    exit 130
}
trap finish EXIT
trap interrupted INT TERM

fail ()
{
    echo "FAILED: $*"
    for id in 1 2 3; do
        echo "-- the end of node $id's log:"
        tail -n 5 "$data/node-$id.log" 2> /dev/null || true
    done
    exit 1
}

# ---- three nodes ---------------------------------------------------------------

start_node () # ID
{
    holdfastd --id "$1" --cluster "$HOLDFAST_ENDPOINTS" --data "$data/node-$1" \
        >> "$data/node-$1.log" 2>&1 &
    node_pid[$1]=$!
    disown $! # so that the shell does not report its end
}

all_alive ()
{
    for id in 1 2 3; do kill -0 "${node_pid[$id]}" 2> /dev/null || return 1; done
}

# Ports below the range that systems use for outgoing connections; others if these are taken.
start_cluster ()
{
    local base=$((16000 + (RANDOM * 7 + $$) % 15000)) i
    export HOLDFAST_ENDPOINTS="1@127.0.0.1:$base:$((base + 1))"
    HOLDFAST_ENDPOINTS+=",2@127.0.0.1:$((base + 2)):$((base + 3))"
    HOLDFAST_ENDPOINTS+=",3@127.0.0.1:$((base + 4)):$((base + 5))"
    for id in 1 2 3; do start_node $id; done
    for ((i = 0; i < 20; i++)); do
        all_alive || return 1
        holdfast leader --timeout 1s > /dev/null 2>&1 && return 0
    done
    return 1
}

echo "== three nodes start"
for attempt in 1 2 3; do
    start_cluster && break
    [[ $attempt -lt 3 ]] || fail "the cluster did not start"
    for id in 1 2 3; do kill -9 "${node_pid[$id]}" 2> /dev/null || true; done
    rm -rf "$data"/node-?
done
echo "   HOLDFAST_ENDPOINTS=$HOLDFAST_ENDPOINTS"
holdfast status | sed 's/^/   /'

# ---- five workers ----------------------------------------------------------------

# One worker: what was acknowledged goes to its own list, for the count at the end.
worker () # NUMBER
{
    local turn
    for ((turn = 1; turn <= turns; turn++)); do
        if holdfast run --connect-timeout 30s $lock -- sh -c "
            line=\"worker $1 turn $turn token \$HOLDFAST_TOKEN\"
            holdfast append -l $file \"\$line\" && echo \"\$line\" > $data/line-$1
            sleep 0.02"; then
            cat "$data/line-$1" >> "$data/acknowledged-$1"
        else
            echo "worker $1: turn $turn ended with exit code $?" >> "$data/troubles"
        fi
    done
}

count () { holdfast cat $file 2> /dev/null | wc -l; }

all_done ()
{
    local pid
    for pid in "${worker_pid[@]}"; do kill -0 -- "-$pid" 2> /dev/null && return 1; done
    return 0
}

leader () { holdfast leader --json 2> /dev/null | sed -n 's/^ *"id": *\([0-9]*\).*/\1/p'; }

show ()
{
    local held
    held=$(holdfast locks $lock 2> /dev/null | awk '
        $1 == "holds" { session = $2; token = $4 }
        $1 ~ /^[0-9]+$/ { queue = queue " " $2 }
        END { if (token) print "held by session " session " with token " token "; waiting:" queue }
    ' || true)
    echo "-- $(count) lines in \"$file\"; node $(leader) leads"
    echo "   \"$lock\" is ${held:-just between two holders}"
    holdfast cat $file 2> /dev/null | tail -n 3 | sed 's/^/   > /'
}

total=$((workers * turns))
echo "== $workers workers, $turns turns each: holdfast run $lock -- ... holdfast append $file ..."
for ((w = 1; w <= workers; w++)); do
    set -m
    worker $w &
    worker_pid+=($!)
    set +m
done

wait_lines () # AT LEAST
{
    local i
    for ((i = 0; i < 600; i++)); do
        [[ $(count) -lt $1 ]] || return 0
        ! all_done || return 0
        sleep 0.05
    done
    fail "the workers do not get on"
}

wait_lines $((total / 5))
show
wait_lines $((total * 2 / 5))
victim=$(leader)
[[ -n $victim ]] || fail "nobody leads"
began=$(date +%s%N)
kill -9 "${node_pid[$victim]}"
echo "== kill -9: node $victim, the leader, is dead"
next=
while [[ -z $next || $next == "$victim" ]]; do
    (($(date +%s%N) - began < 20000000000)) || fail "no new leader within 20 s"
    next=$(leader || true)
done
echo "   node $next leads after $((($(date +%s%N) - began) / 1000000)) ms and the workers go on"
show
wait_lines $((total * 4 / 5))
show
echo "== node $victim starts again"
start_node "$victim"
for pid in "${worker_pid[@]}"; do wait "$pid" || true; done
worker_pid=()

# ---- what is on the disks --------------------------------------------------------

same_everywhere ()
{
    cmp -s "$data/node-1/files/$file" "$data/node-2/files/$file" &&
        cmp -s "$data/node-1/files/$file" "$data/node-3/files/$file" &&
        [[ $(holdfast cat $file | cksum) == $(cksum < "$data/node-1/files/$file") ]]
}

echo "== all turns are done; waiting until node $victim has caught up"
for ((i = 0; i < 200; i++)); do
    if same_everywhere; then break; fi
    sleep 0.1
done
holdfast status | sed 's/^/   /' || true
echo "== the file on the three disks"
for id in 1 2 3; do
    printf '   node %s: %4s lines, checksum %s\n' $id "$(wc -l < "$data/node-$id/files/$file")" \
        "$(cksum < "$data/node-$id/files/$file")"
done
same_everywhere || fail "the nodes' files differ"
sort "$data"/acknowledged-* > "$data/wanted"
sort "$data/node-1/files/$file" > "$data/found"
if [[ -e $data/troubles ]]; then
    cat "$data/troubles"
fi
if ! diff "$data/wanted" "$data/found"; then
    fail "what was acknowledged (<) is not what is in the file (>)"
fi
[[ -z $(uniq -d "$data/found") ]] || fail "a line is there twice"
[[ $(wc -l < "$data/found") -eq $total ]] || fail "some turns were not taken"
sed 's/.*token //' "$data/node-1/files/$file" | sort -n -c -u || fail "the tokens do not rise"
echo "== every one of the $total acknowledged lines is there, once, on all three nodes; tokens rise"

#!/bin/sh
# includes.sh ROOT - includes run one way: msgs <- broker-less <- nodes, client;
# nodes/core includes msgs alone; tests and bench may include what they test.
set -eu
cd "$1"
bad=0

# Our own headers that the sources under a folder include.
included ()
{
    find "$1" -name '*.[ch]' -exec grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' {} + || true
}

# FOLDER PATTERN: every quoted include under FOLDER must match PATTERN.
allow ()
{
    [ -d "$1" ] || { echo "no folder $1 in $(pwd)"; bad=1; return; }
    wrong=$(included "$1" | grep -Ev "include[[:space:]]*\"($2)" || true)
    if [ -n "$wrong" ]; then
        echo "$1 may include only $2:"
        echo "$wrong"
        bad=1
    fi
}

allow msgs 'msgs/'
allow broker-less '(msgs|broker-less)/'
allow nodes/core '(msgs|nodes/core)/'
allow nodes/store '(msgs|nodes/core|nodes/store)/'
allow nodes '(msgs|broker-less|nodes)/'
allow client '(msgs|broker-less|client)/|hf_status\.h"'
allow bench '(msgs|client|bench)/'

# The core is pure: memory, strings, assertions, and stdio for last words (core_pure.sh says more).
wrong=$(find nodes/core -name '*.[ch]' -exec grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*<' {} + |
    grep -Ev '<(assert|errno|inttypes|limits|stdarg|stdbool|stddef|stdint|stdio|stdlib|string|uthash|utlist)\.h>' || true)
if [ -n "$wrong" ]; then
    echo "nodes/core includes what is not pure:"
    echo "$wrong"
    bad=1
fi
exit $bad

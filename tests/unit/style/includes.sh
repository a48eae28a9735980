#!/bin/sh
# includes.sh ROOT - includes run one way: base <- msgs <- broker-less <- nodes, client; pure rooms
# include base, msgs and the pure rooms below them. Tests and bench may include what they test.
set -eu
cd "$1"
bad=0

# FOLDER PATTERN: every quoted include under FOLDER must match PATTERN.
allow ()
{
    [ -d "$1" ] || { echo "no folder $1 in $(pwd)"; bad=1; return; }
    wrong=$(find "$1" -name '*.[ch]' -exec grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' {} + |
        grep -Ev "include[[:space:]]*\"($2)" || true)
    if [ -n "$wrong" ]; then
        echo "$1 may include only $2:"
        echo "$wrong"
        bad=1
    fi
}

# ... and, of the system's headers, memory, strings, assertions, and stdio for last words.
pure ()
{
    allow "$1" "$2"
    wrong=$(find "$1" -name '*.[ch]' -exec grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*<' {} + |
        grep -Ev '<(assert|errno|inttypes|limits|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string)\.h>' ||
        true)
    if [ -n "$wrong" ]; then
        echo "$1 includes what is not pure:"
        echo "$wrong"
        bad=1
    fi
}

allow base 'base/'
allow msgs '(base|msgs)/'
allow broker-less '(base|msgs|broker-less)/'
pure nodes/consensus '(base|msgs|nodes/consensus)/'
pure nodes/locks '(base|msgs|nodes/locks)/'
pure nodes/services '(base|msgs|nodes/(consensus|locks|services))/'
allow nodes/store '(base|msgs|nodes/locks|nodes/store)/'
allow nodes '(base|msgs|broker-less|nodes)/'
pure client/core '(base|msgs|client/core|client/holdfast)|hf_status\.h"'
allow client '(base|msgs|broker-less|client)/|hf_status\.h"'
allow bench '(base|msgs|client|bench|tests/kit)/'
exit $bad

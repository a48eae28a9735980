#!/bin/sh
# includes.sh ROOT - includes run one way: base <- msgs <- broker-less <- nodes, client; pure rooms
# include base, msgs and the pure rooms below them. Tests and bench may include what they test.
# No header keeps another one out.
set -eu
cd "$1"
bad=0

# FOLDER PATTERN [FIND-OPTION..]: every quoted include under FOLDER must match PATTERN.
allow ()
{
    [ -d "$1" ] || { echo "no folder $1 in $(pwd)"; bad=1; return; }
    folder=$1 pattern=$2
    shift 2
    wrong=$(find "$folder" "$@" -name '*.[ch]' -exec grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' {} + |
        grep -Ev "include[[:space:]]*\"($pattern)" || true)
    if [ -n "$wrong" ]; then
        echo "$folder may include only $pattern:"
        echo "$wrong"
        bad=1
    fi
}

# ... of the folder itself; and, of the system's headers, memory, strings, assertions, and stdio for last words.
pure ()
{
    allow "$1" "$2" -maxdepth 1
    wrong=$(find "$1" -maxdepth 1 -name '*.[ch]' -exec grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*<' {} + |
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
pure nodes/snapshot '(base|msgs|nodes/(locks|snapshot))/'
allow nodes/snapshot/disk '(base|msgs|nodes/(snapshot|store))/'
pure nodes/services '(base|msgs|nodes/(consensus|locks|snapshot|services))/'
allow nodes/store '(base|msgs|nodes/store)/'
allow nodes '(base|msgs|broker-less|nodes)/'
pure client/core '(base|msgs|client/core|client/holdfast)|hf_status\.h"'
allow client '(base|msgs|broker-less|client)/|(hf_status|holdfast)\.h"' -not -path 'client/tool/*'
# Backups are read with the code that makes them.
allow client/tool '(base|msgs|broker-less|client|nodes/(locks|snapshot))/'
allow client/examples 'client/(examples|recipes|holdfast)'
allow client/recipes '(base|client/recipes)/|(client/)?holdfast\.h"'
allow bench '((base|msgs|client|bench|tests/(kit|cluster/harness))/|tests/cluster/torture/links\.h)'

# Of two headers with one guard, a file that includes both sees the first alone.
twice=$(find base msgs broker-less nodes client bench tests -name '*.h' -exec grep -h '^#ifndef .*_INCLUDED' {} + |
    sort | uniq -d | sed 's/^#ifndef //')
for guard in $twice; do
    echo "more than one header has the guard $guard:"
    grep -rl --include='*.h' "^#ifndef $guard\$" base msgs broker-less nodes client bench tests
    bad=1
done
exit $bad

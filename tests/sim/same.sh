#!/bin/sh
# same.sh HOLDFAST_SIM SEED... - two runs of a seed, in processes of their own, are the same.
set -eu
sim=$1
shift
for seed; do
    first=$("$sim" --seed "$seed" --trace | cksum)
    second=$("$sim" --seed "$seed" --trace | cksum)
    [ "$first" = "$second" ] || { echo "two runs differ: seed $seed"; exit 1; }
done

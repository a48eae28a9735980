#!/bin/sh
# rules.sh HOLDFAST_SIM LIBRARY... -- OBJECT... - the simulator runs the product's rules: it has functions of every
# library, and its own objects define none of their names, nor any other name of the product.
set -eu
sim=$1
shift
functions () { nm --defined-only "$@" | awk 'NF == 3 && $2 ~ /[Tt]/ && $3 ~ /^hf_/ { print $3 }' | sort -u; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
functions "$sim" > "$work/linked"
while [ "$1" != -- ]; do
    functions "$1" | comm -12 - "$work/linked" > "$work/common"
    [ -s "$work/common" ] || { echo "no function of $1 is in $sim"; exit 1; }
    shift
done
shift
functions "$@" > "$work/own"
[ ! -s "$work/own" ] || { echo "tests/ defines functions with the product's names:"; cat "$work/own"; exit 1; }

#!/bin/sh
# no_sleeps.sh ROOT - tests wait for conditions; time passes in hf_wait.c alone.
set -eu
cd "$1/tests"
wrong=$(find . -name '*.[ch]' ! -path './kit/hf_wait.c' -exec \
    grep -HnE '(^|[^[:alnum:]_])(sleep|usleep|nanosleep|clock_nanosleep|zclock_sleep|thrd_sleep) *\(' {} + || true)
[ -z "$wrong" ] || { echo "sleeps in tests; wait for a condition (HF_WAIT):"; echo "$wrong"; exit 1; }

#!/bin/sh
# selftest.sh HERE - each check passes on a good tree and fails on a tree with one thing wrong.
set -eu
here=$1
root=$(mktemp -d "${TMPDIR:-/tmp}/hf-style-XXXXXX")
trap 'rm -rf "$root"' EXIT
bad=0

fresh ()
{
    rm -rf "$root/t"
    mkdir -p "$root/t"
    cd "$root/t"
    mkdir -p base msgs broker-less nodes/consensus nodes/locks nodes/services nodes/snapshot/disk nodes/store \
        client/core client/tool client/examples client/recipes bench tests/kit
    cp "$here/../../../.clang-format" .
    printf '//  A.\n#include "msgs/a.h"\n' > nodes/locks/a.c
    printf '//  A.\nvoid nanosleep (void);\n' > tests/kit/hf_wait.c
    printf '//  A.\n\nint\nf (void)\n{\n    return 1;\n}\n' > msgs/a.c
}

passes () # CHECK
{
    sh "$here/$1" "$root/t" > "$root/out" 2>&1 || { echo "$1 fails on: $2"; cat "$root/out"; bad=1; }
}

fails () # CHECK WHAT
{
    code=0
    sh "$here/$1" "$root/t" > "$root/out" 2>&1 || code=$?
    [ $code -eq 1 ] || [ $code -eq 123 ] || [ $code -eq 77 ] || { echo "$1 passes ($code): $2"; bad=1; }
}

for check in includes.sh sizes.sh no_sleeps.sh; do fresh; passes $check "a good tree"; done
fresh; echo '#include "broker-less/x.h"' > nodes/locks/b.c; fails includes.sh "a pure room includes broker-less"
fresh; echo '#include <time.h>' > nodes/locks/b.c; fails includes.sh "a pure room includes time.h"
fresh; echo '#include "nodes/x.h"' > client/b.c; fails includes.sh "client includes nodes"
fresh; echo '#include "client/io/x.h"' > client/recipes/b.c; fails includes.sh "a recipe includes client/io"
fresh; echo '#include "nodes/x.h"' > broker-less/b.c; fails includes.sh "broker-less includes nodes"
fresh; for one in msgs/a.h tests/a.h; do echo '#ifndef HF_A_H_INCLUDED' > $one; done
fails includes.sh "two headers with one guard"
fresh; printf '\tint x;\n' > msgs/b.c; fails sizes.sh "a tab"
fresh; awk 'BEGIN { for (i = 0; i < 701; i++) print "" }' > msgs/b.c; fails sizes.sh "a long file"
fresh; awk 'BEGIN { print "int\nf (void)\n{"; for (i = 0; i < 76; i++) print "    f ();"; print "}" }' > msgs/b.c
fails sizes.sh "a long function"
fresh; echo 'int x;' > msgs/b.c; fails sizes.sh "no head comment"
fresh; echo 'static void f (void) { usleep (5); }' > tests/b.c; fails no_sleeps.sh "a sleep"
fresh; echo 'int   x ;' > msgs/b.c; fails format.sh "unformatted code"

fresh
cc=${CC:-cc}
printf '#include <stdlib.h>\nvoid *hf_x (void);\nvoid *hf_x (void) { return malloc (3); }\n' > a.c
$cc -c a.c -o a.o
sh "$here/pure.sh" "$root/t/a.o" > /dev/null || { echo "pure.sh fails on malloc"; bad=1; }
printf '#include <time.h>\nlong hf_x (void);\nlong hf_x (void) { return (long)time (NULL); }\n' > b.c
$cc -c b.c -o b.o
! sh "$here/pure.sh" "$root/t/b.o" > /dev/null || { echo "pure.sh passes time ()"; bad=1; }
exit $bad

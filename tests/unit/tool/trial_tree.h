/*  trial_tree.h - `holdfast run` with a tree of processes that is hard to end (trial.h).
 *
 *  $D is the folder of the scripts: "tree" ignores SIGTERM, as do a child of it and a daemon, and
 * each says when it was last alive; "runner" is another process each time that somebody looks.
 */
#ifndef TRIAL_TREE_H_INCLUDED
#define TRIAL_TREE_H_INCLUDED

#include "tests/unit/tool/trial.h"

/*  For cmocka: trial_setup, and the scripts. */
int trial_tree_setup (void **state);

#define BEGIN                                                                                      \
    "rm -f up control err term main child daemon last-*; mkfifo up control; "                      \
    "export HF_FAKE_CONTROL=control; "
/*  A lock with a TTL of 2 s, and its tree. */
#define RUN(options)                                                                               \
    "$T run --ttl 2 " options " & tool=$!; echo grant > control; read x < up; "                    \
    "guard=$(pgrep -P $tool); t0=$(date +%s%3N); "
#define TREE "lock -- sh $D/tree"
/*  Nothing of the tree is alive, and nothing was LIMIT ms after t0. */
#define GONE(limit)                                                                                \
    "for p in main child daemon; do "                                                              \
    "until ! ps -o stat= -p $(cat $p) | grep -q '^[^Z]'; do sleep 0.02; done; done; "              \
    "for i in 1 2 3; do [ $(($(tail -n 1 last-$i) - t0)) -lt " #limit " ] || exit 99; done; "
#define GIVES_75 "wait $tool; [ $? = 75 ] || exit 98; "

#endif

/*  check_private.h - what the checker's parts share. */
#ifndef HF_CHECK_PRIVATE_H_INCLUDED
#define HF_CHECK_PRIVATE_H_INCLUDED

#include "base/hf_array.h"
#include "base/hf_table.h"
#include "tests/cluster/check/check.h"

#define NEVER   UINT64_MAX
#define NO_HOLD UINT32_MAX

typedef enum op_kind {
    OP_OPEN = 1,
    OP_CLOSE,
    OP_ACQUIRE,
    OP_RELEASE,
    OP_CANCEL,
    OP_ABANDON,
    OP_APPEND,
    OP_READ,
    OP_KEEPALIVE,
    OP_LOST,
    OP_ENDED,
    OP_SHARE,
    OP_NOTE
} op_kind_t;
extern const char *const check_kind_names[]; //  as in a history; the last is NULL

typedef enum said {
    SAID_MAYBE = 0, //  no answer, or one that leaves it open
    SAID_OK,
    SAID_NOT_GRANTED,
    SAID_NOT_HOLDER,
    SAID_EXPIRED, //  SESSION_EXPIRED
    SAID_LOST,    //  void, by the client's own clock
    SAID_NOT_FOUND,
    SAID_REFUSED //  no effect
} said_t;

/*  What is asked for at one lock; units 0: all of it. */
typedef struct place {
    uint32_t lock, units, limit;
} place_t;

typedef struct op {
    uint64_t start, end; //  end NEVER: no answer
    uint64_t since;      //  acquire: it may have had its place from then on (an earlier try)
    uint64_t index, token, session, owner;
    union {
        struct {
            uint64_t queued, queued_us, until, replaces, acts_for;
            uint32_t first, count; //  in the list of places
        } ask;                     //  acquire; share: only the places
        struct {
            uint64_t hash, size, offset, total;
        } data; //  append, read
        struct {
            uint64_t ttl_us, delay_us;
        }; //  open
    };
    uint32_t lock, file, client, line;
    uint32_t hold;   //  of its token
    uint32_t seen;   //  append: times in its file
    uint16_t source; //  which history
    uint8_t kind, said;
    bool again;      //  acquire: reports a grant that was reported before
    bool by_cluster; //  lost, ended
    bool deadlock;   //  acquire: so it was answered
} op_t;

typedef enum fate {
    FATE_VOID,  //  no release: nothing of it is in a file
    FATE_MAYBE, //  a release that was never answered
    FATE_SURE   //  released
} fate_t;

/*  A token from its grant to its end, and its section. */
typedef struct hold {
    uint64_t token, session;
    uint64_t index;     //  of the grant; 0: not seen
    uint64_t last;      //  the highest index at which it was surely held, or given back
    uint64_t low, high; //  FATE_MAYBE: the index of its release is one of these, if it happened
    uint32_t lock;
    fate_t fate;
    const op_t *grant, *end, *maybe, *last_op;
    const op_t *replaced; //  by the grant of an upgrade
    const op_t *shared;   //  EXCLUSIVE until then
    uint32_t seen;        //  files it is in
    uint32_t first_file;  //  the first that it was found in, and where
    size_t first_at;
    bool dropped; //  a request to end it was not answered
    bool foreign; //  another session ended it, or tried
} hold_t;

/*  A granted hold at one of its locks. */
typedef struct stay {
    hold_t *hold;
    place_t place;
    uint64_t until; //  for those who sort by time
} stay_t;

/*  Where a section lies in a file. */
typedef struct segment {
    size_t start, end;
    const hold_t *hold;
    uint64_t known;  //  from then on every read sees it
    uint64_t before; //  until then no read can
} segment_t;

typedef struct content {
    uint32_t node, file;
    char *bytes;
    size_t size;
} content_t;

typedef struct file_state {
    const content_t *content; //  of the first node; NULL: no node's is given
    content_t empty;
    HF_ARRAY (segment_t) segments;
    bool laid;   //  segments are complete
    bool broken; //  the walk had to stop
} file_state_t;

/*  The one order: operations with an index, ascending. */
typedef struct order {
    const op_t **ops;
    size_t count;
    uint64_t *known;    //  [i]: the order had surely come to ops[i] by then
    uint64_t *before;   //  [i]: ops[i + 1] and what follows happened after that
    const op_t **ended; //  by end
    uint64_t *reached;  //  [i]: highest index of ended[0..i]
} order_t;

typedef struct name {
    hf_table_node_t node;
    uint32_t number;
    char text[];
} name_t;

typedef struct names {
    HF_ARRAY (name_t *) all; //  by number - 1
    hf_table_t table;
} names_t;

struct hf_check {
    FILE *out;
    unsigned found[HF_PROMISES], total;
    HF_ARRAY (char *) sources; //  the first: what hf_check_add added
    uint32_t line;             //  of the last one
    names_t locks, files;
    HF_ARRAY (op_t) ops;
    HF_ARRAY (place_t) places;
    HF_ARRAY (content_t) contents;
    uint32_t nodes;
    hold_t *holds;
    uint32_t holds_count;
    file_state_t *file; //  by name
    order_t order;
    size_t grants, sections, undecided, reads, reads_checked;
    size_t unread_files, deadlocks;
};

//  ---- helpers ------------------------------------------------------------------

/*  COUNT zeroed elements of SIZE bytes, for free (3). */
void *check_list (size_t count, size_t size);
/*  Pointers to the operations that TAKES takes, sorted; *count of them; the caller frees. */
typedef bool (op_filter_fn) (const op_t *op);
typedef int (op_compare_fn) (const void *a, const void *b);
const op_t **check_select (const hf_check_t *self, op_filter_fn *takes, op_compare_fn *compare,
                           size_t *count);
/*  The same with holds that were granted. */
hold_t **check_granted (const hf_check_t *self, op_compare_fn *compare, size_t *count);
/*  The same with their places at each lock, stay_t. */
struct stay *check_stays (const hf_check_t *self, op_compare_fn *compare, size_t *count);
void check_sort (void *array, size_t count, size_t size, op_compare_fn *compare);

/*  A comparison function NAME for check_sort, by up to five keys: numbers from ROW, a TYPE *. */
#define CHECK_KEYS 5
int check_compare (const uint64_t left[CHECK_KEYS], const uint64_t right[CHECK_KEYS]);
#define CHECK_COMPARE(name, type, ...)                                                             \
    static void name##_keys (type const *row, uint64_t keys[CHECK_KEYS])                           \
    {                                                                                              \
        memcpy (keys, (const uint64_t[CHECK_KEYS]){__VA_ARGS__}, CHECK_KEYS * sizeof *keys);       \
    }                                                                                              \
    static int name (const void *a, const void *b)                                                 \
    {                                                                                              \
        uint64_t left[CHECK_KEYS], right[CHECK_KEYS];                                              \
        name##_keys (a, left);                                                                     \
        name##_keys (b, right);                                                                    \
        return check_compare (left, right);                                                        \
    }

/*  The first AT of FROM to TO for which BELOW is false; it is true for all before that. */
#define CHECK_FIRST(at, from, to, below)                                                           \
    __extension__({                                                                                \
        size_t check_low = (from), check_high = (to);                                              \
        while (check_low < check_high) {                                                           \
            size_t at = (check_low + check_high) / 2;                                              \
            if (below)                                                                             \
                check_low = at + 1;                                                                \
            else                                                                                   \
                check_high = at;                                                                   \
        }                                                                                          \
        check_low;                                                                                 \
    })

/*  The number of a name, from 1; 0 is none. */
uint32_t names_put (names_t *self, const char *text);
const char *names_text (const names_t *self, uint32_t number);

/*  Report a violation that OP and OTHER (either may be NULL) show. */
void check_wrong (hf_check_t *self, hf_promise_t promise, const op_t *op, const op_t *other,
                  const char *format, ...) __attribute__ ((format (printf, 5, 6)));

//  ---- the parts, in the order in which they run ---------------------------------------

void check_asks (hf_check_t *self);     //  acquires: repeats, early places
void check_holds (hf_check_t *self);    //  tokens: P5a
void check_order (hf_check_t *self);    //  indexes: P10
void check_locks (hf_check_t *self);    //  locks: P5a, P5b, P8
void check_sessions (hf_check_t *self); //  P9
void check_rings (hf_check_t *self);    //  DEADLOCK
void check_files (hf_check_t *self);    //  P4, P6, P7, exactly once
void check_reads (hf_check_t *self);    //  P10

//  ---- questions to holds ----------------------------------------------------------------

/*  The hold with that token; NULL: there is none. */
hold_t *check_hold (const hf_check_t *self, uint64_t token);
/*  Whether the hold has the lock; one whose grant was not seen may have any. */
bool check_has (const hf_check_t *self, const hold_t *hold, uint32_t lock);
/*  Whether two stays at one lock exclude each other, whatever others there are. INDEX: as of that
 *  place in the order; NEVER: at any time. */
bool check_excludes (const hf_check_t *self, const stay_t *held, const stay_t *next,
                     uint64_t index);

//  ---- questions to the order -----------------------------------------------------------

/*  By when the order had surely come to INDEX; NEVER: not known. */
uint64_t order_known (const order_t *self, uint64_t index);
/*  What has INDEX happened after this. */
uint64_t order_before (const order_t *self, uint64_t index);
/*  The highest index that was answered by TIME. */
uint64_t order_reached (const order_t *self, uint64_t time);

//  ---- what one section put into one file --------------------------------------------------

/*  Appends of one section to one file: those that are staged for sure, in order; those
 *  that may be; those that cannot be. */
typedef struct part {
    uint32_t file;
    hold_t *hold;
    op_t **appends; //  sure, then maybe, then refused
    uint32_t sure, maybe, refused;
    uint32_t place; //  among the file's released sections
    bool seen;
} part_t;

typedef struct parts {
    op_t **appends; //  by file, token, and then as in a part
    size_t appends_count;
    part_t *list;
    size_t count;
    uint32_t *part_of; //  [i]: the part of operation i that is an append; by op number
    op_t **by_bytes;   //  by file, size, hash
} parts_t;

parts_t *parts_new (hf_check_t *check);
void parts_destroy (parts_t **self_p);

/*  Whether the bytes at AT are what OP appended. */
bool part_matches (const op_t *op, const content_t *content, size_t at);

/*  An append to the file whose bytes are at AT; of several with the same bytes an unseen
 *  one first, then one of a section that may be there. NULL: no append has these bytes. */
op_t *parts_recognize (const hf_check_t *check, const parts_t *self, const content_t *content,
                       size_t at);

/*  The parts in a file: *count of them. */
part_t *parts_in (const parts_t *self, uint32_t file, size_t *count);

part_t *parts_of (const hf_check_t *check, const parts_t *self, const op_t *op);

/*  One file from its start to its end, and what it lacks. */
void walk_file (hf_check_t *check, parts_t *parts, uint32_t file);

#endif

/*  check_private.h - what the checker's parts share. */
#ifndef HF_CHECK_PRIVATE_H_INCLUDED
#define HF_CHECK_PRIVATE_H_INCLUDED

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
    OP_ENDED
} op_kind_t;

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

typedef struct op {
    uint64_t start, end; //  end NEVER: no answer
    uint64_t since;      //  acquire: it may have had its place from then on (an earlier try)
    uint64_t index, token, session, owner;
    union {
        struct {
            uint64_t queued, queued_us, until;
        } ask; //  acquire
        struct {
            uint64_t hash, size, offset, total;
        } data;          //  append, read
        uint64_t ttl_us; //  open
    };
    uint32_t lock, file, client, line;
    uint32_t hold;   //  of its token
    uint32_t seen;   //  append: times in its file
    uint16_t source; //  which history
    uint8_t kind, said;
    bool again;      //  acquire: told of a grant that was told before
    bool by_cluster; //  lost, ended
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
    uint32_t seen;       //  files it is in
    uint32_t first_file; //  the first that it was found in, and where
    size_t first_at;
    bool dropped; //  somebody tried to end it and was not answered
    bool foreign; //  somebody else ended it, or tried
} hold_t;

/*  Where a section lies in a file. */
typedef struct segment {
    size_t start, end;
    const hold_t *hold;
    uint64_t known;  //  from then on everybody sees it
    uint64_t before; //  until then nobody can
} segment_t;

typedef struct content {
    uint32_t node, file;
    char *bytes;
    size_t size;
} content_t;

typedef struct file_state {
    const content_t *content; //  of the first node; NULL: not given
    segment_t *segments;
    size_t count, room;
    bool laid;   //  segments are known
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

typedef struct names {
    char **name;
    uint32_t count, room;
    uint32_t *slots;
    uint32_t slots_count;
} names_t;

struct hf_check {
    FILE *out;
    unsigned found[HF_PROMISES], total;
    char **sources;
    uint16_t sources_count;
    names_t locks, files;
    op_t *ops;
    size_t ops_count, ops_room;
    content_t *contents;
    size_t contents_count, contents_room;
    uint32_t nodes;
    hold_t *holds;
    uint32_t holds_count;
    file_state_t *file; //  by name
    order_t order;
    size_t grants, sections, undecided, reads, reads_checked;
    size_t unread_files;
};

//  ---- helpers ------------------------------------------------------------------

/*  Room for one more. */
void *check_grow (void *array, size_t count, size_t *room, size_t size);
void *check_alloc (size_t count, size_t size);
/*  Pointers to the operations that TAKES takes, sorted; *count of them; the caller frees. */
typedef bool (op_filter_fn) (const op_t *op);
typedef int (op_compare_fn) (const void *a, const void *b);
const op_t **check_select (const hf_check_t *self, op_filter_fn *takes, op_compare_fn *compare,
                           size_t *count);
void check_sort (void *array, size_t count, size_t size, op_compare_fn *compare);
#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

/*  The number of a name, from 1; 0 is none. */
uint32_t names_put (names_t *self, const char *name, size_t size);
void names_done (names_t *self);

/*  Report a violation that OP and OTHER (either may be NULL) show. */
void check_wrong (hf_check_t *self, hf_promise_t promise, const op_t *op, const op_t *other,
                  const char *format, ...) __attribute__ ((format (printf, 5, 6)));

//  ---- the parts, in the order in which they run ---------------------------------------

void check_asks (hf_check_t *self);     //  acquires: repeats, early places
void check_holds (hf_check_t *self);    //  tokens: P5a
void check_order (hf_check_t *self);    //  indexes: P10
void check_locks (hf_check_t *self);    //  locks: P5a, P5b, P8
void check_sessions (hf_check_t *self); //  P9
void check_files (hf_check_t *self);    //  P4, P6, P7, exactly once
void check_reads (hf_check_t *self);    //  P10

//  ---- questions to the order -----------------------------------------------------------

/*  By when the order had surely come to INDEX; NEVER: not known. */
uint64_t order_known (const order_t *self, uint64_t index);
/*  What has INDEX happened after this. */
uint64_t order_before (const order_t *self, uint64_t index);
/*  The highest index that was answered by TIME. */
uint64_t order_reached (const order_t *self, uint64_t time);
void order_done (order_t *self);

#endif

/*  Histories by hand: one that is true, and one for each way of breaking a promise. */
#include "tests/kit/hf_test.h"
#include "tests/cluster/check/check.h"
#include "tests/cluster/check/hf_history.h"
#include <pthread.h>
#include <stdatomic.h>

//  Sessions 1 and 2, one lock. Session 2 waits while 1 writes a section into two files; then it
//  writes one itself; session 3's release is never answered.
static const char *const s_story[] = {
    "{'op':'open','session':1,'ttl':1000,'start':1000,'end':1100,'status':'OK'}",
    "{'op':'open','session':2,'ttl':1000,'start':1000,'end':1100,'status':'OK'}",
    "{'op':'open','session':3,'ttl':1000,'start':1000,'end':1100,'status':'OK'}",
    "{'op':'acquire','session':1,'lock':'L','start':2000,'end':2100,'status':'OK','index':10,"
    "'token':1,'until':4000}",
    "{'op':'acquire','session':2,'lock':'L','start':2200,'end':4200,'status':'OK','index':15,"
    "'token':2,'queued':11,'queued_at':2300,'until':6000}",
    "{'op':'acquire','session':3,'lock':'L','start':2400,'end':6200,'status':'OK','index':18,"
    "'token':3,'queued':12,'queued_at':2500,'until':7000}",
    "{'op':'append','session':1,'lock':'L','token':1,'file':'a','data':'one\\n','start':3000,"
    "'end':3100,'status':'OK','index':13}",
    "{'op':'append','session':1,'lock':'L','token':1,'file':'b','data':'one too\\n','start':3200,"
    "'end':3300,'status':'OK','index':14}",
    "{'op':'release','session':1,'lock':'L','token':1,'start':4000,'end':4100,'status':'OK',"
    "'index':15}",
    "{'op':'append','session':2,'lock':'L','token':2,'file':'a','data':'two\\n','start':5000,"
    "'end':5100,'status':'OK','index':16}",
    "{'op':'release','session':2,'lock':'L','token':2,'start':6000,'end':6100,'status':'OK',"
    "'index':18}",
    "{'op':'append','session':3,'lock':'L','token':3,'file':'a','data':'three\\n','start':6300,"
    "'end':6400,'status':'OK','index':19}",
    "{'op':'append','session':3,'lock':'L','token':3,'file':'b','data':'three too\\n',"
    "'start':6500,'end':6600,'status':'OK','index':20}",
    "{'op':'release','session':3,'lock':'L','token':3,'start':7000}",
    "{'op':'ended','session':3,'start':1100000}",
    "{'op':'read','file':'a','start':4500,'end':4600,'status':'OK','total':4,'data':'one\\n'}",
    "{'op':'read','file':'b','start':1500,'end':1600,'status':'NOT_FOUND'}",
};
#define S_LINES (sizeof s_story / sizeof *s_story)

typedef struct s_lie {
    const char *name;
    int promise;          //  -1: it is true
    const char *old, *is; //  text replaced in the history; NULL: nothing
    const char *more;     //  a line at the end; NULL: none
    const char *a, *b;    //  the files; NULL: as in the story
} s_lie_t;

static const s_lie_t s_lies[] = {
    {"true", -1, .old = NULL},
    {"the release without an answer took effect", -1, .a = "one\ntwo\nthree\n",
     .b = "one too\nthree too\n"},
    {"...in one file alone", HF_PROMISE_P6, .a = "one\ntwo\nthree\n"},
    {"...before one that was complete", HF_PROMISE_P6, .a = "one\nthree\ntwo\n",
     .b = "one too\nthree too\n"},
    {"...twice", HF_PROMISE_ONCE, .a = "one\ntwo\nthree\nthree\n", .b = "one too\nthree too\n"},
    {"an acknowledged section is missing", HF_PROMISE_P7, .a = "one\n"},
    {"from one of its files", HF_PROMISE_P6, .b = ""},
    {"a section twice", HF_PROMISE_ONCE, .a = "one\ntwo\ntwo\n"},
    {"sections in the wrong order", HF_PROMISE_P6, .a = "two\none\n"},
    {"bytes that no append wrote", HF_PROMISE_P6, .a = "one\nTWO\n"},
    {"a section that was cancelled", HF_PROMISE_P6, .old = "'op':'release','session':2",
     .is = "'op':'cancel','session':2"},
    {"an append that was refused is there", HF_PROMISE_P6,
     .old = "'end':5100,'status':'OK','index':16",
     .is = "'end':5100,'status':'TOO_LARGE','index':16"},
    {"tokens fall", HF_PROMISE_P5A, .old = "'token':1,", .is = "'token':9,"},
    {"granted while it was held", HF_PROMISE_P5A, .old = "'index':15,'token':2",
     .is = "'index':12,'token':2"},
    {"two have one token", HF_PROMISE_P5A,
     .more =
         "{'op':'acquire','session':3,'lock':'L','start':7000,'end':7100,'status':'OK','index':15,"
         "'token':2}"},
    {"the holder is answered NOT_HOLDER", HF_PROMISE_P5A,
     .more = "{'op':'release','session':1,'lock':'L','token':1,'start':3000,'end':4900,"
             "'status':'NOT_HOLDER','index':12}"},
    {"used after its end", HF_PROMISE_P5A,
     .more = "{'op':'append','session':1,'lock':'L','token':1,'file':'a','data':'x','start':5000,"
             "'end':5100,'status':'OK','index':17}"},
    {"used by another session", HF_PROMISE_P5A, .old = "'op':'release','session':1",
     .is = "'op':'release','session':2"},
    {"for another session", -1, .old = "'op':'release','session':1",
     .is = "'op':'release','owner':1,'session':2"},
    {"relied on too long", HF_PROMISE_P5B, .old = "'token':1,'until':4000",
     .is = "'token':1,'until':4300"},
    {"the queue jumped, by index", HF_PROMISE_P8, .old = "'queued':12", .is = "'queued':10"},
    {"the queue jumped, by time", HF_PROMISE_P8, .old = "'queued':12,'queued_at':2500",
     .is = "'queued_at':2150"},
    {"ended too early", HF_PROMISE_P9, .old = "'start':1100000}", .is = "'start':900000}"},
    {"ended by the cluster too early", HF_PROMISE_P9, .old = "'start':1100000}",
     .is = "'by':'cluster','start':1003000}"},
    {"ended in time by its own clock", -1, .old = "'start':1100000}", .is = "'start':1003000}"},
    {"passed on without an end", HF_PROMISE_P9, .old = "'op':'release','session':1",
     .is = "'op':'keepalive','session':1", .a = "two\n", .b = ""},
    {"released twice", HF_PROMISE_ONCE,
     .more =
         "{'op':'release','session':1,'lock':'L','token':1,'start':4000,'end':4900,'status':'OK',"
         "'index':17}"},
    {"one index for two", HF_PROMISE_P10, .old = "'index':14", .is = "'index':13"},
    {"a lower index later", HF_PROMISE_P10, .old = "'index':14", .is = "'index':11"},
    {"a grant by an append", HF_PROMISE_P10, .old = "'index':15,'token':2",
     .is = "'index':16,'token':2"},
    {"a stale read", HF_PROMISE_P10,
     .more = "{'op':'read','file':'a','start':6150,'end':6160,'status':'OK','total':4}"},
    {"not found, though it was there", HF_PROMISE_P10,
     .more = "{'op':'read','file':'b','start':4200,'end':4300,'status':'NOT_FOUND'}"},
    {"a read of the future", HF_PROMISE_P10,
     .more = "{'op':'read','file':'a','start':4700,'end':4800,'status':'OK','total':8}"},
    {"a read of half a section", HF_PROMISE_P6,
     .more = "{'op':'read','file':'a','start':6200,'end':6300,'status':'OK','total':6}"},
    {"a read of other bytes", HF_PROMISE_P10, .old = "'data':'one\\n'}", .is = "'data':'eno\\n'}"},
    {"a read with an old index", HF_PROMISE_P10,
     .more = "{'op':'read','file':'a','start':6200,'end':6300,'status':'OK','total':8,'index':16}"},
    {"alive after its end", HF_PROMISE_P10,
     .more = "{'op':'keepalive','session':3,'start':1100001,'end':1100002,'status':'OK'}"},
};
#define S_LIES (sizeof s_lies / sizeof *s_lies)

//  ---- a history as text ----------------------------------------------------------------

static bool
s_put (FILE *stream, const char *line, const s_lie_t *lie)
{
    char text[1024];
    const char *found = lie->old ? strstr (line, lie->old) : NULL;
    if (found)
        snprintf (text, sizeof text, "%.*s%s%s", (int)(found - line), line, lie->is,
                  found + strlen (lie->old));
    else
        snprintf (text, sizeof text, "%s", line);
    for (char *at = text; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    fprintf (stream, "%s\n", text);
    return found != NULL;
}

static hf_check_t *
s_check (const s_lie_t *lie, bool nodes_differ)
{
    char *text = NULL, error[HF_ERROR_SIZE] = "";
    size_t size;
    FILE *stream = open_memstream (&text, &size);
    unsigned replaced = 0;
    for (size_t i = 0; i < S_LINES; i++)
        replaced += s_put (stream, s_story[i], lie);
    if (lie->more)
        s_put (stream, lie->more, lie);
    assert_true ((replaced > 0) == (lie->old != NULL));
    fclose (stream);
    hf_check_t *check = hf_check_new (NULL);
    stream = fmemopen (text, size, "r");
    if (!hf_check_read (check, stream, lie->name, error))
        fail_msg ("%s", error);
    fclose (stream);
    free (text);
    const char *a = lie->a ? lie->a : "one\ntwo\n", *b = lie->b ? lie->b : "one too\n";
    for (uint32_t node = 0; node < 2; node++) {
        hf_check_content (check, node, "a", a, strlen (a) - (nodes_differ && node));
        hf_check_content (check, node, "b", b, strlen (b));
    }
    hf_check_run (check);
    return check;
}

HF_TEST (test_each)
{
    for (size_t i = 0; i < S_LIES; i++) {
        const s_lie_t *lie = &s_lies[i];
        hf_check_t *check = s_check (lie, false);
        bool right = true;
        for (int promise = 0; promise < HF_PROMISES; promise++) {
            unsigned found = hf_check_found (check, (hf_promise_t)promise);
            if (lie->promise == -1 && found)
                right = false;
            if (lie->promise == promise && !found)
                right = false;
        }
        hf_check_destroy (&check);
        if (!right)
            fail_msg ("\"%s\" was judged wrongly", lie->name);
    }
}

HF_TEST (test_nodes_differ)
{
    hf_check_t *check = s_check (&s_lies[0], true);
    assert_int_equal (hf_check_found (check, HF_PROMISE_P4), 1);
    hf_check_destroy (&check);
}

HF_TEST (test_bad_input)
{
    static const char *const bad[] = {
        "no json\n",
        "[]\n",
        "{}\n",
        "{\"op\":\"dance\",\"start\":1}\n",
        "{\"op\":\"read\",\"start\":1}\n",
        "{\"op\":\"open\",\"session\":1}\n",
        "{\"op\":\"open\",\"session\":1,\"start\":2,\"end\":1}\n",
        "{\"op\":\"open\",\"session\":-1,\"start\":2}\n",
        "{\"op\":\"acquire\",\"session\":1,\"lock\":\"L\",\"start\":1,\"end\":2,\"status\":\"OK\"}"
        "\n",
        "{\"op\":\"append\",\"session\":1,\"lock\":\"L\",\"file\":\"f\",\"hash\":\"x\",\"start\":1}"
        "\n",
        "{\"op\":\"read\",\"file\":\"f\",\"start\":1}\n{\"op\":\"read\",\"file\"",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char error[HF_ERROR_SIZE] = "";
        char *text = strdup (bad[i]);
        FILE *stream = fmemopen (text, strlen (text), "r");
        hf_check_t *check = hf_check_new (NULL);
        assert_false (hf_check_read (check, stream, "bad", error));
        assert_non_null (strstr (error, "bad:"));
        fclose (stream);
        hf_check_destroy (&check);
        free (text);
    }
}

//  ---- the recorder -----------------------------------------------------------------------

#define S_THREADS 4
#define S_RECORDS 500

static const char s_odd_name[] = "a \"b\" \\ c/\xc3\xbc";

/*  Reads of one file, each a line. */
static void *
s_write (void *arg)
{
    static atomic_uint threads;
    uint32_t number = ++threads;
    char lock[16];
    snprintf (lock, sizeof lock, "lock %u", number);
    for (unsigned i = 0; i < S_RECORDS; i++) {
        hf_record_t record = {.op = "read",
                              .client = number,
                              .start_us = hf_recorder_now_us (),
                              .status = "OK",
                              .file = s_odd_name,
                              .lock = lock,
                              .total = 4,
                              .data = "odd\n",
                              .size = 4};
        record.end_us = hf_recorder_now_us ();
        hf_recorder_write (arg, &record);
    }
    return NULL;
}

HF_TEST (test_recorder)
{
    FILE *stream = tmpfile ();
    hf_recorder_t *recorder = hf_recorder_new_stream (stream);
    const hf_record_t section[] = {
        {.op = "append",
         .session = 1,
         .start_us = 1,
         .end_us = 2,
         .status = "OK",
         .index = 1,
         .lock = s_odd_name,
         .token = 1,
         .file = s_odd_name,
         .data = "odd\n",
         .size = 4},
        {.op = "release",
         .session = 1,
         .start_us = 3,
         .end_us = 4,
         .status = "OK",
         .index = 2,
         .lock = s_odd_name,
         .token = 1},
    };
    hf_recorder_write (recorder, &section[0]);
    hf_recorder_write (recorder, &section[1]);
    pthread_t thread[S_THREADS];
    for (int i = 0; i < S_THREADS; i++)
        assert_int_equal (pthread_create (&thread[i], NULL, s_write, recorder), 0);
    for (int i = 0; i < S_THREADS; i++)
        pthread_join (thread[i], NULL);
    assert_true (hf_recorder_destroy (&recorder));
    assert_null (recorder);
    rewind (stream);
    char error[HF_ERROR_SIZE] = "", text[256] = "", *summary = text;
    hf_check_t *check = hf_check_new (stderr);
    if (!hf_check_read (check, stream, "recorder", error))
        fail_msg ("%s", error);
    hf_check_content (check, 0, s_odd_name, "odd\n", 4);
    assert_int_equal (hf_check_run (check), 0);
    FILE *out = fmemopen (summary, sizeof text, "w");
    hf_check_summary (check, out);
    fclose (out);
    assert_non_null (strstr (text,
                             "2002 operations, 0 grants, 1 sections (0 undecided), 2000 reads "
                             "(2000 checked), 5 locks, 1 files"));
    hf_check_destroy (&check);
    fclose (stream);
}

HF_TEST_MAIN (NULL, NULL)

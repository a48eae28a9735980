/*  Histories by hand: one that is true, and one for each way of breaking a promise. */
#include "tests/kit/hf_test.h"
#include "tests/cluster/check/check.h"
#include "tests/cluster/check/hf_history.h"
#include <pthread.h>

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
#define S_SECOND_LINE                                                                              \
    "{'op':'append','session':1,'lock':'L','token':1,'file':'a','data':'more\\n','start':3400,"    \
    "'end':3500,'status':'OK','index':14}"
#define S_LINES (sizeof s_story / sizeof *s_story)

typedef struct s_lie {
    const char *name;
    const char *says;     //  the start of a violation that must be reported; NULL: it is true
    const char *old, *is; //  text replaced in the history; NULL: nothing
    const char *more;     //  a line at the end; NULL: none
    const char *a, *b;    //  the files; NULL: as in the story
    size_t lacks;         //  so many bytes of "a" on the second node
} s_lie_t;

static const s_lie_t s_lies[] = {
    {"true", NULL, .old = NULL},
    {"the release without an answer took effect", NULL, .a = "one\ntwo\nthree\n",
     .b = "one too\nthree too\n"},
    {"...in one file alone", "P6: section 3 is in another file, and not in \"b\"",
     .a = "one\ntwo\nthree\n"},
    {"...before one that was complete", "P6: file \"a\", byte 4: section 3 is at a place where",
     .a = "one\nthree\ntwo\n", .b = "one too\nthree too\n"},
    {"...twice", "exactly-once: file \"a\", byte 14: this is there twice",
     .a = "one\ntwo\nthree\nthree\n", .b = "one too\nthree too\n"},
    {"an acknowledged section is missing", "P7: section 2 was released, and is not in \"a\"",
     .a = "one\n"},
    {"from one of its files", "P6: section 1 is in another file, and not in \"b\"", .b = ""},
    {"a section twice", "exactly-once: file \"a\", byte 8: this is there twice",
     .a = "one\ntwo\ntwo\n"},
    {"sections in the wrong order", "P6: file \"a\", byte 4: section 1 comes too late",
     .a = "two\none\n"},
    {"bytes that no append wrote", "P6: file \"a\", byte 4: no append wrote these bytes: \"TWO",
     .a = "one\nTWO\n"},
    {"a section without its second line", "P6: file \"a\", byte 0: section 1 is there without all",
     .more = S_SECOND_LINE},
    {"...which is behind the next section", "P6: file \"a\", byte 8: this stands apart",
     .more = S_SECOND_LINE, .a = "one\ntwo\nmore\n"},
    {"a section that was cancelled", "P6: file \"a\", byte 4: this was not released, and is there",
     .old = "'op':'release','session':2", .is = "'op':'cancel','session':2"},
    {"an append that was refused is there", "P6: file \"a\", byte 4: this was not released",
     .old = "'end':5100,'status':'OK','index':16",
     .is = "'end':5100,'status':'TOO_LARGE','index':16"},
    {"tokens fall", "P5a: token 2 was granted after token 9", .old = "'token':1,",
     .is = "'token':9,"},
    {"tokens fall from lock to lock", "P5a: the counter of tokens fell from 5 to 4",
     .old = "'token':3", .is = "'token':5",
     .more = "{'op':'acquire','session':3,'lock':'M','start':7000,'end':7100,'status':'OK',"
             "'index':30,'token':4}"},
    {"granted while it was held", "P5a: token 2 was granted while token 1 held the lock",
     .old = "'index':15,'token':2", .is = "'index':12,'token':2"},
    {"two have one token", "P5a: token 2 was granted twice",
     .more = "{'op':'acquire','session':3,'lock':'L','start':7000,'end':7100,'status':'OK',"
             "'index':15,'token':2}"},
    {"the holder is answered NOT_HOLDER", "P5a: the holder of token 1 was answered NOT_HOLDER",
     .more = "{'op':'release','session':1,'lock':'L','token':1,'start':3000,'end':4900,"
             "'status':'NOT_HOLDER','index':12}"},
    {"used before its grant", "P5a: token 2 was used before it was granted",
     .more = "{'op':'append','session':2,'lock':'L','token':2,'file':'a','data':'x','start':2500,"
             "'end':4100,'status':'OK','index':14}"},
    {"used after its end", "P5a: token 1 was used after it was given back",
     .more = "{'op':'append','session':1,'lock':'L','token':1,'file':'a','data':'x','start':5000,"
             "'end':5100,'status':'OK','index':17}"},
    {"used by another session", "P5a: token 1 was taken for a session that does not hold it",
     .old = "'op':'release','session':1", .is = "'op':'release','session':2"},
    {"for another session", NULL, .old = "'op':'release','session':1",
     .is = "'op':'release','owner':1,'session':2"},
    {"relied on until the next grant", NULL, .old = "'until':4000", .is = "'until':4200"},
    {"relied on too long", "P5b: token 2 came 1 us before the holder of token 1 was done",
     .old = "'until':4000", .is = "'until':4201"},
    {"the queue jumped, by index", "P8: token 2 was granted before token 3", .old = "'queued':12",
     .is = "'queued':10"},
    {"the queue jumped, by time", "P8: token 2 was asked for when token 3 waited",
     .old = "'queued':12,'queued_at':2500", .is = "'queued_at':2199"},
    {"ended too early", "P9: session 3 ended 899999 us", .old = "'start':1100000}",
     .is = "'start':906499}"},
    {"ended in time by its own clock", NULL, .old = "'start':1100000}", .is = "'start':906500}"},
    {"ended by the cluster too early", "P9: session 3 ended 999999 us", .old = "'start':1100000}",
     .is = "'by':'cluster','start':1006499}"},
    {"ended by the cluster in time", NULL, .old = "'start':1100000}",
     .is = "'by':'cluster','start':1006500}"},
    {"passed on without an end", "P9: token 1 was not given back",
     .old = "'op':'release','session':1", .is = "'op':'keepalive','session':1", .a = "two\n",
     .b = ""},
    {"released twice", "exactly-once: token 1 was given back twice",
     .more = "{'op':'release','session':1,'lock':'L','token':1,'start':4000,'end':4900,"
             "'status':'OK','index':17}"},
    {"one index for two", "P10: two operations have index 13", .old = "'index':14",
     .is = "'index':13"},
    {"a lower index later", "P10: index 13 was answered before index 11 was asked",
     .old = "'index':14", .is = "'index':11"},
    {"a grant by an append", "P10: a grant has the index of what cannot have caused it",
     .old = "'index':15,'token':2", .is = "'index':16,'token':2"},
    {"behind a set whose client was away, and lost it", NULL,
     .more = "{'op':'acquire','session':1,'lock':'K','places':'K 0 0','start':8000,'end':8100,"
             "'status':'OK','index':30,'token':10,'until':9000}\n"
             "{'op':'acquire','session':4,'lock':'K','places':'K 0 0\\nN 0 0','start':8200,"
             "'end':1200000,'status':'LOST'}\n"
             "{'op':'acquire','session':2,'lock':'N','places':'N 0 0','start':8300,'end':9200,"
             "'status':'OK','index':31,'token':12,'until':9500}\n"
             "{'op':'release','session':1,'lock':'K','token':10,'start':9000,'end':9100,"
             "'status':'OK','index':31}"},
    {"a stale read", "P10: a read saw 4 bytes; section 2, behind them, was complete",
     .more = "{'op':'read','file':'a','start':6101,'end':6160,'status':'OK','total':4}"},
    {"not stale yet", NULL,
     .more = "{'op':'read','file':'a','start':6100,'end':6160,'status':'OK','total':4}"},
    {"not found, though it was there", "P10: a read saw 0 bytes; section 1, behind them",
     .more = "{'op':'read','file':'b','start':4200,'end':4300,'status':'NOT_FOUND'}"},
    {"a read of the future", "P10: a read saw section 2, which was released after its answer",
     .more = "{'op':'read','file':'a','start':4700,'end':5999,'status':'OK','total':8}"},
    {"a read of half a section", "P6: a read saw 6 bytes: that is in the middle of a section",
     .more = "{'op':'read','file':'a','start':6200,'end':6300,'status':'OK','total':6}"},
    {"a read of other bytes", "P10: a read gave other bytes", .old = "'data':'one\\n'}",
     .is = "'data':'eno\\n'}"},
    {"a read of too many bytes", "P10: a read gave bytes beyond the length",
     .old = "'total':4,'data':'one\\n'}", .is = "'total':4,'offset':1,'data':'one\\n'}"},
    {"a read with an index older than its section", "P10: a read of index 16 saw a section",
     .more = "{'op':'read','file':'a','start':6200,'end':6300,'status':'OK','total':8,'index':16}"},
    {"...older than an answer before", "P10: a read of index 14 was asked after index 15",
     .more = "{'op':'read','file':'a','start':4300,'end':4400,'status':'OK','total':4,'index':14}"},
    {"...of what was asked after its answer", "P10: a read has index 16, and something below was",
     .more = "{'op':'read','file':'a','start':4300,'end':4400,'status':'OK','total':4,'index':16}"},
    {"nodes differ", "P4: file \"a\": nodes 0 and 1 differ from byte 7", .lacks = 1},
    {"alive after its end", "P10: something happened in session 3 after it was over",
     .more = "{'op':'keepalive','session':3,'start':1100001,'end':1100002,'status':'OK'}"},
};
#define S_LIES (sizeof s_lies / sizeof *s_lies)

//  Other kinds of locks: readers and a set; a semaphore; a change of mode and back; a ring; a lock
//  that stays closed. Indexes and tokens leave room for lies.
static const char *const s_kinds[] = {
    "{'op':'open','session':1,'ttl':1000,'start':1000,'end':1100,'status':'OK'}",
    "{'op':'open','session':2,'ttl':1000,'start':1000,'end':1100,'status':'OK'}",
    "{'op':'open','session':3,'ttl':1000,'start':1000,'end':1100,'status':'OK'}",
    "{'op':'open','session':4,'ttl':1000,'delay':500,'start':1000,'end':1100,'status':'OK'}",
    "{'op':'acquire','session':1,'lock':'L','places':'L 1 0','start':2000,'end':2100,"
    "'status':'OK','index':100,'token':10,'until':3000}",
    "{'op':'acquire','session':2,'lock':'L','places':'L 1 0','start':2000,'end':2100,"
    "'status':'OK','index':110,'token':20,'until':3400}",
    "{'op':'acquire','session':3,'lock':'L','places':'L 0 0\\nM 0 0','start':2200,'end':3600,"
    "'status':'OK','index':140,'token':30,'queued':120,'until':4000}",
    "{'op':'release','session':1,'lock':'L','token':10,'start':3000,'end':3100,'status':'OK',"
    "'index':130}",
    "{'op':'release','session':2,'lock':'L','token':20,'start':3400,'end':3500,'status':'OK',"
    "'index':140}",
    "{'op':'release','session':3,'lock':'M','token':30,'start':4000,'end':4100,'status':'OK',"
    "'index':150}",
    "{'op':'acquire','session':1,'lock':'P','places':'P 2 3','start':4200,'end':4300,"
    "'status':'OK','index':160,'token':40,'until':5000}",
    "{'op':'acquire','session':2,'lock':'P','places':'P 1 3','start':4200,'end':4300,"
    "'status':'OK','index':170,'token':50,'until':5000}",
    "{'op':'acquire','session':3,'lock':'P','places':'P 1 3','queued':180,'start':4350,"
    "'end':5200,'status':'OK','index':190,'token':60,'until':5300}",
    "{'op':'release','session':1,'lock':'P','token':40,'start':5000,'end':5150,'status':'OK',"
    "'index':190}",
    "{'op':'release','session':2,'lock':'P','token':50,'start':5000,'end':5160,'status':'OK',"
    "'index':200}",
    "{'op':'release','session':3,'lock':'P','token':60,'start':5300,'end':5400,'status':'OK',"
    "'index':210}",
    "{'op':'acquire','session':1,'lock':'U','places':'U 1 0','start':5500,'end':5600,"
    "'status':'OK','index':220,'token':70,'until':5700}",
    "{'op':'acquire','session':1,'lock':'U','replaces':70,'start':5700,'end':5800,'status':'OK',"
    "'index':230,'token':80,'until':6100}",
    "{'op':'share','session':1,'lock':'U','places':'U 1 0','token':80,'start':5900,'end':5950,"
    "'status':'OK'}",
    "{'op':'acquire','session':2,'lock':'U','places':'U 1 0','start':5910,'end':6000,"
    "'status':'OK','index':250,'token':90,'until':6200}",
    "{'op':'release','session':1,'lock':'U','token':80,'start':6100,'end':6150,'status':'OK',"
    "'index':260}",
    "{'op':'release','session':2,'lock':'U','token':90,'start':6200,'end':6250,'status':'OK',"
    "'index':270}",
    "{'op':'acquire','session':1,'lock':'D','start':6300,'end':6350,'status':'OK','index':280,"
    "'token':100,'until':7100}",
    "{'op':'acquire','session':2,'lock':'E','start':6300,'end':6350,'status':'OK','index':290,"
    "'token':110,'until':6900}",
    "{'op':'acquire','session':1,'lock':'E','start':6400,'end':7000,'status':'OK','index':320,"
    "'token':120,'queued':300,'until':7160}",
    "{'op':'acquire','session':2,'lock':'D','start':6500,'end':6600,'status':'DEADLOCK',"
    "'index':310}",
    "{'op':'release','session':2,'lock':'E','token':110,'start':6900,'end':6950,'status':'OK',"
    "'index':320}",
    "{'op':'release','session':1,'lock':'D','token':100,'start':7100,'end':7150,'status':'OK',"
    "'index':330}",
    "{'op':'release','session':1,'lock':'E','token':120,'start':7160,'end':7200,'status':'OK',"
    "'index':340}",
    "{'op':'acquire','session':4,'lock':'X','start':7300,'end':7400,'status':'OK','index':350,"
    "'token':130,'until':7500}",
    "{'op':'acquire','session':1,'lock':'X','start':8000,'end':1507300,'status':'OK',"
    "'index':360,'token':140,'until':1507400}",
};
#define S_KINDS (sizeof s_kinds / sizeof *s_kinds)

static const s_lie_t s_kind_lies[] = {
    {"true", NULL, .old = NULL},
    {"a writer beside readers", "P5a: token 30 was granted while token 20 held the lock",
     .old = "'index':140,'token':30", .is = "'index':130,'token':30"},
    {"a reader beside a writer", "P5a: token 35 was granted while token 30 held the lock",
     .more = "{'op':'acquire','session':2,'lock':'L','places':'L 1 0','start':3700,'end':3800,"
             "'status':'OK','index':145,'token':35}"},
    {"one lock of a set is another's", "P5a: token 35 was granted while token 30 held the lock",
     .more = "{'op':'acquire','session':2,'lock':'M','start':3700,'end':3800,'status':'OK',"
             "'index':145,'token':35}"},
    {"a set whose other lock was held", "P5a: token 30 was granted while token 15 held the lock",
     .more = "{'op':'acquire','session':4,'lock':'M','start':2000,'end':2050,'status':'OK',"
             "'index':105,'token':15}\n{'op':'release','session':4,'lock':'M','token':15,"
             "'start':3500,'end':3700,'status':'OK','index':145}"},
    {"a set given back by another name", "P5a: token 30 was taken for a session that does not",
     .old = "'lock':'M','token':30", .is = "'lock':'Z','token':30"},
    {"a reader that came later is first", "P8: token 25 was granted before token 30",
     .more = "{'op':'acquire','session':4,'lock':'L','places':'L 1 0','start':2500,'end':3200,"
             "'status':'OK','index':130,'token':25,'queued':125,'until':3210}"},
    {"a reader relied on too long", "P5b: token 30 came 100 us before the holder of token 20",
     .old = "'until':3400", .is = "'until':3700"},
    {"more units than the limit", "P5a: token 50 makes 4 units of 3", .old = "'P 2 3'",
     .is = "'P 3 3'"},
    {"...in real time", "P5b: token 60 came when others relied on 3 units of 3",
     .old = "'until':5000", .is = "'until':5250"},
    {"a grant at a lock that nobody let go of", "P10: a grant has the index of what cannot",
     .old = "'lock':'P','places':'P 1 3','queued'", .is = "'lock':'Q','places':'Q 1 3','queued'"},
    {"another limit", "P5a: token 60 has another limit", .old = "'P 1 3','queued'",
     .is = "'P 1 4','queued'"},
    {"shared before it said so", "P5a: token 90 was granted while token 80 held the lock",
     .old = "'start':5900,'end':5950", .is = "'start':6300,'end':6350"},
    {"...in real time", "P5b: token 90 came 50 us before the holder of token 80",
     .old = "'start':5900,'end':5950", .is = "'start':6050,'end':6060"},
    {"never shared", "P5a: token 90 was granted while token 80 held the lock",
     .old = "'op':'share'", .is = "'op':'keepalive'"},
    {"an upgrade beside a reader", "P5a: token 80 was granted while token 75 held the lock",
     .more = "{'op':'acquire','session':2,'lock':'U','places':'U 1 0','start':5600,'end':5650,"
             "'status':'OK','index':225,'token':75}\n{'op':'release','session':2,'lock':'U',"
             "'token':75,'start':5700,'end':5900,'status':'OK','index':235}"},
    {"an upgrade that kept its old token", "P5a: token 70 was used after token 80 had replaced it",
     .more = "{'op':'append','session':1,'lock':'U','token':70,'file':'a','data':'x',"
             "'start':5800,'end':5900,'status':'OK','index':235}"},
    {"an upgrade of another's hold", "P5a: token 80 replaced a hold that the session did not have",
     .old = "'replaces':70", .is = "'replaces':50"},
    {"a deadlock of who holds nothing", "DEADLOCK: DEADLOCK was said, and nobody waited",
     .old = "'session':2,'lock':'D'", .is = "'session':3,'lock':'D'"},
    {"...for one that holds", NULL, .old = "'session':2,'lock':'D'",
     .is = "'session':3,'acts_for':2,'lock':'D'"},
    {"...that nobody waits for", "DEADLOCK: DEADLOCK was said, and nobody waited",
     .old = "'lock':'E','start':6400", .is = "'lock':'E','start':6600"},
    {"granted before the delay was over", "P9: token 130 expired, and token 140 was granted",
     .old = "'end':1507300", .is = "'end':1507299"},
    {"granted before the TTL was over", "P9: token 130 was not given back", .old = "'end':1507300",
     .is = "'end':1007299"},
};
#define S_KIND_LIES (sizeof s_kind_lies / sizeof *s_kind_lies)

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

/*  From TEXT, which is freed. */
static bool
s_load (hf_check_t *check, char *text, size_t size, const char *name, char error[HF_ERROR_SIZE])
{
    FILE *stream = fmemopen (text, size, "r");
    bool good = hf_check_read (check, stream, name, error);
    fclose (stream);
    free (text);
    return good;
}

/*  The report on the story with LIE in it, for free (3). */
static char *
s_check (const char *const *story, size_t lines, const s_lie_t *lie)
{
    char *text = NULL, *report = NULL, error[HF_ERROR_SIZE] = "";
    size_t size, report_size;
    FILE *stream = open_memstream (&text, &size), *out = open_memstream (&report, &report_size);
    unsigned replaced = 0;
    for (size_t i = 0; i < lines; i++)
        replaced += s_put (stream, story[i], lie);
    if (lie->more)
        s_put (stream, lie->more, lie);
    assert_true ((replaced > 0) == (lie->old != NULL));
    fclose (stream);
    hf_check_t *check = hf_check_new (out);
    if (!s_load (check, text, size, lie->name, error))
        fail_msg ("%s", error);
    const char *a = lie->a ? lie->a : "one\ntwo\n", *b = lie->b ? lie->b : "one too\n";
    for (uint32_t node = 0; node < 2 && story == s_story; node++) {
        hf_check_content (check, node, "a", a, strlen (a) - node * lie->lacks);
        hf_check_content (check, node, "b", b, strlen (b));
    }
    unsigned violations = hf_check_run (check);
    hf_check_destroy (&check);
    fclose (out);
    assert_int_equal (violations > 0, report_size > 0);
    return report;
}

static void
s_try (const char *const *story, size_t lines, const s_lie_t *lies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const s_lie_t *lie = &lies[i];
        char *report = s_check (story, lines, lie), says[128];
        snprintf (says, sizeof says, "violation %s", lie->says ? lie->says : "");
        if (lie->says ? !strstr (report, says) : report[0] != 0)
            fail_msg ("\"%s\" was judged wrongly: %s", lie->name, report);
        free (report);
    }
}

HF_TEST (test_each)
{
    s_try (s_story, S_LINES, s_lies, S_LIES);
}

HF_TEST (test_each_of_other_kinds)
{
    s_try (s_kinds, S_KINDS, s_kind_lies, S_KIND_LIES);
}

HF_TEST (test_bad_input)
{
    static const char *const bad[] = {
        "no json",
        "[]",
        "{}",
        "{'op':'dance','start':1}",
        "{'op':'read','start':1}",
        "{'op':'open','session':1}",
        "{'op':'open','session':1,'start':2,'end':1}",
        "{'op':'open','session':-1,'start':2}",
        "{'op':'acquire','session':1,'lock':'L','start':1,'end':2,'status':'OK'}",
        "{'op':'acquire','session':1,'lock':'L','places':'L 1','start':1}",
        "{'op':'acquire','session':1,'lock':'L','places':'','start':1}",
        "{'op':'acquire','session':1,'lock':'L','places':'M 0 0','start':1}",
        "{'op':'append','session':1,'lock':'L','file':'f','hash':'x','start':1}",
        "{'op':'append','session':1,'lock':'L','file':'f','size':1,'start':1}",
        "{'op':'read','file':'f','start':1}\n{'op':'read','file'",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *text, error[HF_ERROR_SIZE] = "";
        hf_check_t *check = hf_check_new (NULL);
        size_t size;
        FILE *stream = open_memstream (&text, &size);
        s_put (stream, bad[i], &s_lies[0]);
        fclose (stream);
        assert_false (s_load (check, text, size, "bad", error));
        assert_non_null (strstr (error, "bad:"));
        hf_check_destroy (&check);
    }
}

//  ---- the recorder -----------------------------------------------------------------------

#define S_THREADS 4
#define S_RECORDS 500

static const char s_odd_name[] = "a \"b\" \\ c/\xc3\xbc";
static hf_recorder_t *s_recorder;

static void
s_write (const char *op, const char *lock, uint64_t index, uint64_t token, const char *data)
{
    uint64_t now_us = hf_recorder_now_us ();
    hf_recorder_write (s_recorder, &(hf_record_t){.op = op,
                                                  .session = token,
                                                  .start_us = now_us,
                                                  .end_us = now_us,
                                                  .status = "OK",
                                                  .index = index,
                                                  .lock = lock,
                                                  .token = token,
                                                  .file = data ? s_odd_name : NULL,
                                                  .data = data,
                                                  .size = data ? strlen (data) : 0,
                                                  .total = 4});
}

/*  Reads of one file, each a line. */
static void *
s_read (void *lock)
{
    for (unsigned i = 0; i < S_RECORDS; i++)
        s_write ("read", lock, 0, 0, "odd\n");
    return NULL;
}

HF_TEST (test_recorder)
{
    FILE *stream = tmpfile ();
    s_recorder = hf_recorder_new_stream (stream);
    s_write ("append", s_odd_name, 1, 1, "odd\n");
    s_write ("release", s_odd_name, 2, 1, NULL);
    pthread_t thread[S_THREADS];
    char lock[S_THREADS][16];
    for (int i = 0; i < S_THREADS; i++) {
        snprintf (lock[i], sizeof lock[i], "lock %d", i);
        assert_int_equal (pthread_create (&thread[i], NULL, s_read, lock[i]), 0);
    }
    for (int i = 0; i < S_THREADS; i++)
        pthread_join (thread[i], NULL);
    assert_true (hf_recorder_destroy (&s_recorder));
    assert_null (s_recorder);
    rewind (stream);
    char error[HF_ERROR_SIZE] = "", text[256] = "";
    hf_check_t *check = hf_check_new (stderr);
    if (!hf_check_read (check, stream, "recorder", error))
        fail_msg ("%s", error);
    hf_check_content (check, 0, s_odd_name, "odd\n", 4);
    assert_int_equal (hf_check_run (check), 0);
    FILE *out = fmemopen (text, sizeof text, "w");
    hf_check_summary (check, out);
    fclose (out);
    assert_non_null (strstr (text,
                             "2002 operations, 0 grants, 1 sections (0 undecided), 2000 reads "
                             "(2000 checked), 5 locks, 1 files"));
    hf_check_destroy (&check);
    fclose (stream);
}

HF_TEST_MAIN (NULL, NULL)

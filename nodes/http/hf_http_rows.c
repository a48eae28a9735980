//  Rows as JSON, with the names that `holdfast ... --json` has; facts as metrics.

#include "nodes/http/hf_http_rows.h"
#include "base/hf_alloc.h"
#include "base/hf_array.h"
#include "msgs/hf_facts.h"
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

//  ---- values ----------------------------------------------------------------------------

/*  A string when it is past what a signed integer holds. */
static json_t *
s_number (uint64_t number)
{
    if (number <= INT64_MAX)
        return json_integer ((json_int_t)number);
    return json_sprintf ("%" PRIu64, number);
}

static json_t *
s_hex (uint64_t number)
{
    return json_sprintf ("%016" PRIx64, number);
}

static json_t *
s_text (hf_span_t text)
{
    return json_stringn (text.size > 0 ? (const char *)text.at : "", text.size);
}

static bool
s_name (hf_span_t name, hf_http_page_t *page)
{
    if (!hf_name_valid (name))
        return false;
    memcpy (page->name, name.at, name.size);
    page->name[name.size] = 0;
    return true;
}

//  ---- locks -------------------------------------------------------------------------------

static json_t *
s_place (uint64_t session, uint32_t mode, uint32_t units, hf_span_t label, hf_span_t note,
         uint64_t age_ms)
{
    return json_pack ("{s:o, s:s, s:o, s:o, s:o, s:o}", "session", s_number (session), "mode",
                      hf_mode_name ((hf_mode_t)mode), "units", s_number (units), "label",
                      s_text (label), "note", s_text (note), "age_ms", s_number (age_ms));
}

static bool
s_holder (hf_scan_t *scan, json_t *lock)
{
    hf_holder_row_t row;
    if (!lock || !hf_holder_row_get (scan, &row))
        return false;
    json_t *place = s_place (row.session, row.mode, row.units, row.label, row.note, row.age_ms);
    json_object_set_new (place, "token", s_number (row.token));
    json_object_set_new (place, "staged", s_number (row.staged));
    return json_array_append_new (json_object_get (lock, "holders"), place) == 0;
}

static bool
s_waiter (hf_scan_t *scan, json_t *lock)
{
    hf_waiter_row_t row;
    if (!lock || !hf_waiter_row_get (scan, &row))
        return false;
    json_t *place = s_place (row.session, row.mode, row.units, row.label, row.note, row.age_ms);
    json_object_set_new (place, "position", s_number (row.position));
    return json_array_append_new (json_object_get (lock, "queue"), place) == 0;
}

/*  The LOCK_ROW of a page of one lock is there again: the places go on in the same object. */
static bool
s_lock (hf_scan_t *scan, bool one, json_t *list, hf_http_page_t *page)
{
    hf_lock_row_t row;
    if (!hf_lock_row_get (scan, &row) || !s_name (row.lock, page))
        return false;
    if (one && json_array_size (list) > 0)
        return true;
    json_t *lock = json_pack ("{s:o, s:o, s:o, s:[]}", "lock", s_text (row.lock), "limit",
                              s_number (row.limit), "waiters", s_number (row.waiters), "holders");
    if (one)
        json_object_set_new (lock, "queue", json_array ());
    return json_array_append_new (list, lock) == 0;
}

static bool
s_lock_rows (hf_scan_t *scan, bool one, json_t *list, hf_http_page_t *page)
{
    json_t *last = json_array_get (list, json_array_size (list) - 1);
    switch (hf_scan_kind (scan)) {
    case HF_KIND_LOCK_ROW:
        return s_lock (scan, one, list, page);
    case HF_KIND_HOLDER_ROW:
        page->offset++;
        return s_holder (scan, last);
    case HF_KIND_WAITER_ROW:
        page->offset++;
        return one && s_waiter (scan, last);
    default:
        return false;
    }
}

//  ---- the other lists ------------------------------------------------------------------------

static bool
s_session (hf_scan_t *scan, json_t *list, hf_http_page_t *page)
{
    hf_session_row_t row;
    if (!hf_session_row_get (scan, &row) || row.session <= page->offset)
        return false;
    page->offset = row.session;
    return json_array_append_new (
               list, json_pack ("{s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:o, s:o}", "session",
                                s_number (row.session), "label", s_text (row.label), "user",
                                s_text (row.user), "ttl_ms", s_number (row.ttl_ms), "delay_ms",
                                s_number (row.delay_ms), "detect", row.detect, "gone", row.gone,
                                "held", s_number (row.held), "queued", s_number (row.queued))) == 0;
}

static bool
s_file (hf_scan_t *scan, json_t *list, hf_http_page_t *page)
{
    hf_file_row_t row;
    if (!hf_file_row_get (scan, &row) || !s_name (row.file, page))
        return false;
    return json_array_append_new (
               list, json_pack ("{s:o, s:o, s:o, s:o}", "file", s_text (row.file), "length",
                                s_number (row.length), "xxh64", s_hex (row.xxh64), "checksum",
                                s_hex (row.checksum))) == 0;
}

static bool
s_member (hf_scan_t *scan, json_t *list)
{
    hf_member_row_t row;
    if (!hf_member_row_get (scan, &row) || !hf_text_valid (row.host))
        return false;
    return json_array_append_new (list,
                                  json_pack ("{s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:o, s:b}", "id",
                                             s_number (row.node), "host", s_text (row.host),
                                             "client_port", s_number (row.client_port), "node_port",
                                             s_number (row.node_port), "votes", row.votes, "joins",
                                             row.joins, "leaves", row.leaves, "incarnation",
                                             s_hex (row.incarnation), "drained", row.drained)) == 0;
}

static bool
s_busy (hf_scan_t *scan, json_t *list)
{
    hf_busy_row_t row;
    if (!hf_busy_row_get (scan, &row) || !hf_name_valid (row.lock))
        return false;
    return json_array_append_new (list, json_pack ("{s:o, s:o, s:o, s:o}", "lock",
                                                   s_text (row.lock), "holds", s_number (row.holds),
                                                   "wait_us", s_number (row.wait_us), "hold_us",
                                                   s_number (row.hold_us))) == 0;
}

/*  NULL: TEXT has no histogram. */
static json_t *
s_times (hf_span_t text, uint64_t sum_us)
{
    hf_times_t times;
    if (!hf_times_get (&times, text, sum_us))
        return NULL;
    json_t *counts = json_array ();
    for (size_t i = 0; i <= HF_TIMES_BOUNDS; i++)
        json_array_append_new (counts, s_number (times.counts[i]));
    return json_pack ("{s:o, s:o, s:o, s:o, s:o}", "count", s_number (hf_times_count (&times)),
                      "p50_us", s_number (hf_times_percentile_us (&times, 50)), "p99_us",
                      s_number (hf_times_percentile_us (&times, 99)), "sum_us", s_number (sum_us),
                      "counts", counts);
}

static bool
s_fact (hf_scan_t *scan, json_t *object)
{
    hf_fact_row_t row;
    if (!hf_fact_row_get (scan, &row))
        return false;
    const hf_fact_info_t *info = hf_fact_find (row.key);
    json_t *value = info && info->unit == HF_UNIT_TIMES  ? s_times (row.text, row.number)
                    : row.text.size > 0                  ? s_text (row.text)
                    : info && info->unit == HF_UNIT_HASH ? s_hex (row.number)
                    : info && info->unit == HF_UNIT_TEXT ? json_string ("")
                                                         : s_number (row.number);
    return value &&
           json_object_setn_new (object, (const char *)row.key.at, row.key.size, value) == 0;
}

bool
hf_http_rows (uint32_t what, hf_list_t rows, json_t *list, hf_http_page_t *page)
{
    hf_scan_t scan = hf_scan_list (rows);
    bool good = true;
    for (uint32_t i = 0; good && i < rows.count; i++) {
        switch (what) {
        case HF_WHAT_LOCKS:
        case HF_WHAT_LOCK:
            good = s_lock_rows (&scan, what == HF_WHAT_LOCK, list, page);
            break;
        case HF_WHAT_SESSIONS:
            good = s_session (&scan, list, page);
            break;
        case HF_WHAT_FILES:
            good = s_file (&scan, list, page);
            break;
        case HF_WHAT_BUSY:
            good = s_busy (&scan, list);
            break;
        case HF_WHAT_MEMBERS:
            good = s_member (&scan, list);
            break;
        default:
            good = s_fact (&scan, list);
        }
    }
    return good;
}

//  ---- events -----------------------------------------------------------------------------------

bool
hf_http_events (hf_list_t events, json_t *list)
{
    hf_scan_t scan = hf_scan_list (events);
    hf_happened_t row;
    for (uint32_t i = 0; i < events.count; i++) {
        if (!hf_happened_get (&scan, &row) || !hf_name_valid (row.name))
            return false;
        json_t *event = json_pack (
            "{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "number", s_number (row.number),
            "what", hf_happened_name (row.what), "index", s_number (row.index), "name",
            s_text (row.name), "session", s_number (row.session), "token", s_number (row.token),
            "units", s_number (row.units), "label", s_text (row.label), "note", s_text (row.note));
        if (event && row.what == HF_HAPPENED_LOST)
            json_object_set_new (event, "closed_ms", s_number (row.size));
        if (json_array_append_new (list, event) != 0)
            return false;
    }
    return true;
}

//  ---- metrics ----------------------------------------------------------------------------------

typedef HF_ARRAY (char) text_t;

static void s_add (text_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/*  However long it is: a line that is cut spoils all of them. */
static void
s_add (text_t *self, const char *format, ...)
{
    va_list args, again;
    va_start (args, format);
    va_copy (again, args);
    int size = vsnprintf (NULL, 0, format, args);
    assert (size >= 0);
    hf_array_reserve (self, (size_t)size + 1);
    vsnprintf (self->list + self->count, (size_t)size + 1, format, again);
    va_end (again);
    va_end (args);
    self->count += (size_t)size;
}

/*  The end of a line: a time of US in seconds. */
static void
s_seconds (text_t *self, uint64_t us)
{
    s_add (self, " %" PRIu64 ".%06" PRIu64 "\n", us / 1000000, us % 1000000);
}

/*  Each bucket has those of all before it, too. */
static void
s_histogram (text_t *self, const char *name, const json_t *value)
{
    const json_t *counts = json_object_get (value, "counts");
    uint64_t count = 0;
    for (size_t i = 0; i < HF_TIMES_BOUNDS; i++) {
        count += (uint64_t)json_integer_value (json_array_get (counts, i));
        s_add (self, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
               (double)hf_times_bounds_us[i] / 1e6, count);
    }
    count += (uint64_t)json_integer_value (json_array_get (counts, HF_TIMES_BOUNDS));
    s_add (self, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum", name, count, name);
    s_seconds (self, (uint64_t)json_integer_value (json_object_get (value, "sum_us")));
    s_add (self, "%s_count %" PRIu64 "\n", name, count);
}

static void
s_metric (text_t *self, const hf_fact_info_t *info, const json_t *value)
{
    char name[HF_METRIC_SIZE];
    bool times = info->unit == HF_UNIT_TIMES;
    if (!hf_fact_metric (info, name) || !(times ? json_is_object (value) : json_is_integer (value)))
        return;
    s_add (self, "# HELP %s %s\n# TYPE %s %s\n", name, info->help, name,
           times                         ? "histogram"
           : info->unit == HF_UNIT_TOTAL ? "counter"
                                         : "gauge");
    if (times)
        s_histogram (self, name, value);
    else if (info->unit == HF_UNIT_MS) {
        s_add (self, "%s", name);
        s_seconds (self, 1000 * (uint64_t)json_integer_value (value));
    } else
        s_add (self, "%s %" PRIu64 "\n", name, (uint64_t)json_integer_value (value));
}

/*  A name may have any character but control characters. */
static void
s_label (text_t *self, const char *name)
{
    for (; *name != 0; name++)
        s_add (self, *name == '"' || *name == '\\' ? "\\%c" : "%c", *name);
}

/*  One metric of all busy locks. */
static void
s_busy_metric (text_t *self, const json_t *busy, const char *name, const char *key,
               const char *help)
{
    size_t i;
    json_t *lock;
    if (json_array_size (busy) > 0)
        s_add (self, "# HELP %s %s\n# TYPE %s counter\n", name, help, name);
    json_array_foreach ((json_t *)(uintptr_t)busy, i, lock)
    {
        uint64_t value = (uint64_t)json_integer_value (json_object_get (lock, key));
        s_add (self, "%s{lock=\"", name);
        s_label (self, json_string_value (json_object_get (lock, "lock")));
        s_add (self, "\"}");
        if (strcmp (key, "holds") == 0)
            s_add (self, " %" PRIu64 "\n", value);
        else
            s_seconds (self, value);
    }
}

char *
hf_http_metrics (const json_t *status, const json_t *busy)
{
    text_t text = {.list = NULL};
    const char *role = json_string_value (json_object_get (status, "role"));
    const char *version = json_string_value (json_object_get (status, "version"));
    s_add (&text,
           "# HELP holdfast_info The version of this node, and its id.\n"
           "# TYPE holdfast_info gauge\nholdfast_info{version=\"%s\",node=\"%lld\"} 1\n",
           version ? version : "",
           (long long)json_integer_value (json_object_get (status, "node")));
    s_add (&text,
           "# HELP holdfast_leads Whether this node leads.\n# TYPE holdfast_leads gauge\n"
           "holdfast_leads %d\n",
           role != NULL && strcmp (role, "leader") == 0);
    for (int fact = 0; fact < HF_FACT_COUNT; fact++)
        s_metric (&text, &hf_facts[fact], json_object_get (status, hf_facts[fact].key));
    s_busy_metric (&text, busy, "holdfast_busy_lock_holds_total", "holds",
                   "holds of the busiest locks, at most 20, as leader");
    s_busy_metric (&text, busy, "holdfast_busy_lock_wait_seconds_total", "wait_us",
                   "how long they were waited for, all who waited together");
    s_busy_metric (&text, busy, "holdfast_busy_lock_hold_seconds_total", "hold_us",
                   "how long they were held, all who held together");
    return text.list;
}

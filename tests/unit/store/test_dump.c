//  A stopped node's folder as JSON: all that is in the stores, whatever the names are made of.

#include "msgs/hf_msg.h"
#include "nodes/locks/hf_state.h"
#include "nodes/hf_dump.h"
#include "nodes/store/hf_dir.h"
#include "nodes/store/hf_file_store.h"
#include "nodes/store/hf_state_store.h"
#include "store_fixture.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LOCK        "a \"lock\" \\ \xc3\xa9\xe2\x82\xac"
#define QUOTED_LOCK "\"a \\\"lock\\\" \\\\ \xc3\xa9\xe2\x82\xac\""
#define FILE1       "a/\"file\" \xf0\x9f\x90\x9f"

static char s_error[HF_ERROR_SIZE];

//  ---- a node's life, without a node -----------------------------------------------------

typedef struct life {
    hf_state_t *state;
    hf_log_store_t *log;
    hf_outcomes_t out;
    uint64_t sessions[2];
    uint64_t token;
} life_t;

/*  One entry with what is in COMMANDS: into the log and, if APPLY, into the state. */
static void
s_entry (life_t *life, hf_pack_t *commands, bool apply)
{
    hf_pack_t payload;
    hf_pack_init (&payload);
    hf_payload_put (&payload, hf_pack_list (commands));
    hf_span_t span = hf_span (hf_pack_bytes (&payload), hf_pack_size (&payload));
    uint64_t index = hf_log_store_state (life->log)->last_index + 1;
    assert_ok (hf_log_store_append (life->log, index, &(hf_entry_t){4, HF_ENTRY_COMMANDS, span}));
    if (apply)
        hf_state_apply (life->state, index, &(hf_entry_t){4, HF_ENTRY_COMMANDS, span}, &life->out);
    hf_pack_done (&payload);
    hf_pack_reset (commands);
}

static void
s_open_session (life_t *life, unsigned which)
{
    hf_pack_t commands;
    hf_pack_init (&commands);
    uint8_t nonce[HF_NONCE_SIZE] = {(uint8_t)(which + 1)};
    hf_cmd_open_put (&commands, &(hf_cmd_open_t){.nonce = hf_span (nonce, sizeof nonce),
                                                 .ttl_ms = 5000 + which});
    s_entry (life, &commands, true);
    life->sessions[which] = life->out.list[life->out.count - 1].session;
    assert_true (life->sessions[which] > 0);
    hf_pack_done (&commands);
}

/*  The entry with the one request in REQUESTS, of session WHICH. */
static void
s_request (life_t *life, unsigned which, hf_pack_t *requests, bool apply)
{
    hf_pack_t commands;
    hf_pack_init (&commands);
    hf_cmd_requests_put (&commands, &(hf_cmd_requests_t){.session = life->sessions[which],
                                                         .floor = 1,
                                                         .requests = hf_pack_list (requests)});
    s_entry (life, &commands, apply);
    hf_pack_done (&commands);
    hf_pack_done (requests);
}

static void
s_acquire (life_t *life, unsigned which)
{
    hf_pack_t requests;
    hf_pack_init (&requests);
    hf_acquire_put (&requests,
                    &(hf_acquire_t){.seq = 1, .lock = hf_span_text (LOCK), .wait = true});
    s_request (life, which, &requests, true);
    if (which == 0)
        life->token = life->out.list[life->out.count - 1].answer.token;
}

static void
s_append (life_t *life, const char *file, const char *data, bool apply)
{
    static uint64_t seq;
    hf_pack_t requests;
    hf_pack_init (&requests);
    hf_append_put (&requests, &(hf_append_t){.seq = 2 + seq++ % 1000,
                                             .lock = hf_span_text (LOCK),
                                             .token = life->token,
                                             .file = hf_span_text (file),
                                             .data = hf_span_text (data)});
    s_request (life, 0, &requests, apply);
}

static void
s_roster (life_t *life)
{
    hf_pack_t payload;
    hf_pack_init (&payload);
    hf_roster_put (&payload,
                   &(hf_roster_t){.count = 1, .members = {{.node = 1, .incarnation = 0xabcdef}}});
    hf_entry_t entry = {4, HF_ENTRY_ROSTER,
                        hf_span (hf_pack_bytes (&payload), hf_pack_size (&payload))};
    uint64_t index = hf_log_store_state (life->log)->last_index + 1;
    assert_ok (hf_log_store_append (life->log, index, &entry));
    hf_state_apply (life->state, index, &entry, &life->out);
    hf_pack_done (&payload);
}

static void
s_keep_state (life_t *life, const char *dir)
{
    hf_state_store_t *store = hf_state_store_open (dir, s_error);
    assert_non_null (store);
    hf_pack_t changes;
    hf_pack_init (&changes);
    hf_state_changes (life->state, &changes);
    assert_ok (hf_state_store_write (store, hf_state_applied_index (life->state),
                                     hf_pack_list (&changes)));
    hf_pack_done (&changes);
    hf_state_store_close (&store);
}

/*  A session that holds LOCK with two staged files, one that waits, a file, and an entry that
 *  state.db does not have; LATER more empty ones. */
static uint64_t
s_make (const char *dir, unsigned later)
{
    life_t life = {.state = hf_state_new (), .log = hf_log_store_open (dir, s_error)};
    assert_non_null (life.log);
    hf_outcomes_init (&life.out);
    assert_ok (hf_log_store_bind (life.log, 1, "1@127.0.0.1:8080:8081"));
    assert_ok (hf_log_store_begin (life.log));
    assert_ok (hf_log_store_vote (life.log, 4, (hf_member_t){1, 77}));
    s_roster (&life);
    s_open_session (&life, 0);
    s_open_session (&life, 1);
    s_acquire (&life, 0);
    s_acquire (&life, 1);
    s_append (&life, FILE1, "12345", true);
    s_append (&life, "log", "123", true);
    s_append (&life, FILE1, "67", true);
    s_keep_state (&life, dir);
    s_append (&life, "log", "behind the state", false);
    for (unsigned i = 0; i < later; i++)
        assert_ok (hf_log_store_append (life.log, hf_log_store_state (life.log)->last_index + 1,
                                        &(hf_entry_t){4, HF_ENTRY_OPEN_TERM, hf_span ("", 0)}));
    assert_int_equal (hf_log_store_prune (life.log, 2, 0, 10), 2);
    assert_ok (hf_log_store_commit (life.log));
    hf_log_store_close (&life.log);
    hf_state_destroy (&life.state);
    hf_outcomes_done (&life.out);

    hf_file_store_t *files = hf_file_store_open (dir, s_error);
    assert_non_null (files);
    assert_ok (fixture_section (files, 3, PARTS ({FILE1, "a", 1})));
    assert_ok (hf_file_store_commit (files));
    hf_file_store_close (&files);
    return life.sessions[1];
}

//  ---- what is printed ---------------------------------------------------------------------

/*  The dump of DIR; NULL when it fails. */
static json_t *
s_dump (const char *dir)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    int rc = hf_dump (dir, out);
    fclose (out);
    json_error_t error;
    json_t *json = rc == 0 ? json_loadb (text, size, JSON_REJECT_DUPLICATES, &error) : NULL;
    if (rc == 0 && !json)
        fail_msg ("line %d: %s", error.line, error.text);
    assert_true (rc == 0 || (rc == 1 && size == 0));
    free (text);
    return json;
}

/*  What PATH, of names and places, leads to: "log.rosters.0.index". */
static json_t *
s_get (json_t *json, const char *path)
{
    json_t *found = json;
    for (const char *at = path; found && *at;) {
        char name[32];
        size_t size = strcspn (at, ".");
        snprintf (name, sizeof name, "%.*s", (int)size, at);
        found = json_is_array (found) ? json_array_get (found, strtoul (name, NULL, 10))
                                      : json_object_get (found, name);
        at += size + (at[size] == '.');
    }
    if (!found)
        fail_msg ("there is no %s", path);
    return found;
}

static void
s_expect (json_t *json, const char *path, const char *text)
{
    char *found = json_dumps (s_get (json, path), JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    if (strcmp (found, text) != 0)
        fail_msg ("%s is %s, not %s", path, found, text);
    free (found);
}

STORE_TEST (test_all_of_a_node_is_dumped)
{
    static const struct {
        const char *path, *text;
    } rows[] = {
        {"node.id", "1"},
        {"node.cluster", "\"1@127.0.0.1:8080:8081\""},
        {"node.starts", "1"},
        {"node.term", "4"},
        {"node.voted_for", "1"},
        {"log.base_index", "2"},
        {"log.base_term", "4"},
        {"log.first", "3"},
        {"log.last", "9"},
        {"log.rosters.0.index", "2"},
        {"log.rosters.0.members.0.incarnation", "\"0000000000abcdef\""},
        {"log.terms.0.first", "3"},
        {"state.index", "8"},
        {"state.term", "4"},
        {"state.sessions.0.ttl_ms", "5000"},
        {"state.sessions.0.holds.0.lock", QUOTED_LOCK},
        {"state.sessions.1.waits.0.position", "1"},
        {"state.locks.0.name", QUOTED_LOCK},
        {"state.locks.0.holders.0.token", "1"},
        {"state.locks.0.holders.0.mode", "\"exclusive\""},
        {"state.locks.0.holders.0.staged", "{\"a/\\\"file\\\" \xf0\x9f\x90\x9f\":7,\"log\":3}"},
        {"entries_after.0.index", "9"},
        {"entries_after.0.commands", "[\"CMD_REQUESTS\"]"},
        {"more", "false"},
        {"files.0.name", "\"a/\\\"file\\\" \xf0\x9f\x90\x9f\""},
        {"files.0.disk", "\"a%2F%22file%22%20%F0%9F%90%9F\""},
        {"files.0.length", "1"},
        {"files.0.checksum", "\"af63dc4c8601ec8c\""},
        {"files_applied", "3"},
        {"state_to_install", "false"},
    };
    uint64_t waiter = s_make (*state, 0);
    json_t *json = s_dump (*state);
    assert_non_null (json);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        s_expect (json, rows[i].path, rows[i].text);
    assert_int_equal (json_string_length (s_get (json, "node.incarnation")), 16);
    assert_int_equal (json_array_size (s_get (json, "state.sessions")), 2);
    assert_int_equal (json_array_size (s_get (json, "state.locks")), 1);
    assert_int_equal (json_array_size (s_get (json, "entries_after")), 1);
    assert_true (json_equal (s_get (json, "state.locks.0.holders.0.session"),
                             s_get (json, "state.sessions.0.id")));
    assert_int_equal (json_integer_value (s_get (json, "state.locks.0.queue.0.session")), waiter);
    //  It can be dumped again, and is the same.
    json_t *again = s_dump (*state);
    assert_true (json_equal (json, again));
    json_decref (json);
    json_decref (again);
}

STORE_TEST (test_entries_have_a_limit)
{
    s_make (*state, 10500);
    json_t *json = s_dump (*state);
    json_t *entries = s_get (json, "entries_after");
    assert_int_equal (json_array_size (entries), 10000);
    assert_true (json_is_true (s_get (json, "more")));
    s_expect (json, "entries_after.9999.index", "10008");
    json_decref (json);
}

STORE_TEST (test_what_is_not_there_is_not_made)
{
    hf_log_store_t *log = hf_log_store_open (*state, s_error);
    hf_log_store_close (&log);
    json_t *json = s_dump (*state);
    assert_true (json_is_null (s_get (json, "state")));
    assert_int_equal (json_array_size (s_get (json, "files")), 0);
    json_decref (json);
    assert_false (fixture_exists (fixture_path (*state, "state.db")));
    assert_false (fixture_exists (fixture_path (*state, "files.db")));
    assert_null (s_dump (fixture_path (*state, "nothing")));
    assert_false (fixture_exists (fixture_path (*state, "nothing")));
}

STORE_TEST (test_folder_in_use_or_damaged_is_refused)
{
    s_make (*state, 0);
    hf_dir_t *lock = hf_dir_open (*state, s_error);
    assert_non_null (lock);
    assert_null (s_dump (*state));
    hf_dir_close (&lock);
    json_t *json = s_dump (*state);
    assert_non_null (json);
    json_decref (json);
    fixture_sql (fixture_path (*state, "state.db"), "UPDATE rows SET value = x'00'");
    assert_null (s_dump (*state));
}

HF_TEST_MAIN (NULL, NULL)

/*  Targets: what is done with look-ups that hang, fail or change, and with addresses that do not
 *  answer. Each story is lines of input and gives lines of output; each mutant spoils one. */
#include "broker-less/hf_target.h"
#include "base/hf_heap.h"
#include "base/hf_mutant.h"
#include "tests/kit/hf_test.h"

int hf_mutant = HF_MUTANT_none;

#define SECOND 1000000ULL

typedef struct stage {
    hf_target_t target;
    uint64_t now_us;
    char said[2048];
} stage_t;

static void
s_say (stage_t *self, const char *what, const char *address)
{
    size_t used = strlen (self->said);
    snprintf (self->said + used, sizeof self->said - used, "%.1f %s%s%s\n",
              (double)self->now_us / 1e6, what, address[0] ? " " : "", address);
}

/*  Carry out what is due until UNTIL_S seconds. */
static void
s_run (stage_t *self, double until_s)
{
    static const char *const steps[] = {"", "look", "connect", "leave"};
    uint64_t until_us = (uint64_t)(until_s * 1e6);
    for (unsigned i = 0; i < 100; i++) {
        char address[HF_ADDRESS_SIZE + 8] = "";
        hf_target_step_t step = hf_target_next (&self->target, self->now_us, address);
        if (step == HF_TARGET_REST) {
            uint64_t due_us = hf_target_due_us (&self->target);
            if (self->now_us == until_us || due_us <= self->now_us)
                break;
            self->now_us = due_us < until_us ? due_us : until_us;
            continue;
        }
        s_say (self, steps[step], address);
    }
    self->now_us = until_us;
}

static void
s_found (stage_t *self, const char *first, const char *second)
{
    hf_addresses_t found = {.count = second ? 2 : 1};
    snprintf (found.text[0], HF_ADDRESS_SIZE, "%s", first);
    snprintf (found.text[1], HF_ADDRESS_SIZE, "%s", second ? second : "");
    if (self->target.looking)
        hf_target_found (&self->target, &found, self->now_us);
}

//  ---- stories --------------------------------------------------------------------------

static void
s_number (stage_t *self)
{
    hf_target_init (&self->target, "10.0.0.1", 80);
    s_run (self, 5);
}

static void
s_hangs (stage_t *self)
{
    char text[200] = "";
    hf_target_init (&self->target, "beta", 80);
    s_run (self, 0.5);
    if (hf_target_trouble (&self->target, self->now_us, text, sizeof text))
        s_say (self, "too early", text);
    s_run (self, 60);
    hf_target_trouble (&self->target, self->now_us, text, sizeof text);
    s_say (self, text, "");
    s_found (self, "10.0.0.2", NULL);
    s_run (self, 61);
    if (hf_target_trouble (&self->target, self->now_us, text, sizeof text))
        s_say (self, "still", text);
}

/*  Less and less often. */
static void
s_fails (stage_t *self)
{
    hf_target_init (&self->target, "beta", 80);
    for (unsigned i = 0; i < 8; i++) {
        char text[200] = "";
        uint64_t due_us = hf_target_due_us (&self->target);
        s_run (self, (double)due_us / 1e6);
        if (!self->target.looking)
            break;
        hf_target_failed (&self->target, "no such host", self->now_us);
        hf_target_trouble (&self->target, self->now_us, text, sizeof text);
        if (i == 7)
            s_say (self, text, "");
    }
}

static void
s_in_turn (stage_t *self)
{
    hf_target_init (&self->target, "beta", 80);
    s_run (self, 0);
    s_found (self, "10.0.0.2", "[fd00::2]");
    s_run (self, 0.9);
    s_run (self, 5); //  the second look-up hangs
}

/*  It breaks while the name server is away: the address stays. */
static void
s_breaks (stage_t *self)
{
    hf_target_init (&self->target, "beta", 80);
    s_run (self, 0);
    s_found (self, "10.0.0.2", NULL);
    s_run (self, 0.5);
    hf_target_connected (&self->target);
    s_run (self, 100);
    hf_target_broken (&self->target, self->now_us);
    s_run (self, 100.5);
    if (self->target.looking)
        hf_target_failed (&self->target, "no answer", self->now_us);
    s_run (self, 102.6);
    hf_target_connected (&self->target);
    s_run (self, 200);
}

static void
s_moves (stage_t *self)
{
    hf_target_init (&self->target, "beta", 80);
    s_run (self, 0);
    s_found (self, "10.0.0.2", NULL);
    s_run (self, 0.5);
    hf_target_connected (&self->target);
    s_run (self, 10);
    hf_target_broken (&self->target, self->now_us);
    s_run (self, 11);
    s_found (self, "10.0.0.3", NULL);
    s_run (self, 11.5);
}

static void
s_to_itself (stage_t *self)
{
    hf_target_init (&self->target, "127.0.0.1", 40000);
    s_run (self, 0.1);
    hf_target_to_itself (&self->target, self->now_us);
    s_run (self, 2);
    hf_target_connected (&self->target);
    s_run (self, 9);
    hf_target_silent (&self->target, self->now_us);
    s_run (self, 10);
}

static const struct {
    void (*play) (stage_t *);
    const char *expected;
} s_stories[] = {
    {s_number, "0.0 connect 10.0.0.1:80\n"
               "2.0 leave 10.0.0.1:80\n2.0 connect 10.0.0.1:80\n"
               "4.0 leave 10.0.0.1:80\n4.0 connect 10.0.0.1:80\n"},
    {s_hangs, "0.0 look\n60.0 cannot resolve beta: no answer yet\n60.0 connect 10.0.0.2:80\n"
              "61.0 look\n"},
    {s_fails, "0.0 look\n1.0 look\n3.0 look\n7.0 look\n15.0 look\n31.0 look\n63.0 look\n95.0 look\n"
              "95.0 cannot resolve beta: no such host\n"},
    {s_in_turn, "0.0 look\n0.0 connect 10.0.0.2:80\n1.0 look\n"
                "2.0 leave 10.0.0.2:80\n2.0 connect [fd00::2]:80\n"
                "4.0 leave [fd00::2]:80\n4.0 connect 10.0.0.2:80\n"},
    {s_breaks, "0.0 look\n0.0 connect 10.0.0.2:80\n100.0 look\n"
               "101.5 look\n102.0 leave 10.0.0.2:80\n102.0 connect 10.0.0.2:80\n"},
    {s_moves, "0.0 look\n0.0 connect 10.0.0.2:80\n10.0 look\n"
              "11.0 leave 10.0.0.2:80\n11.0 connect 10.0.0.3:80\n"},
    {s_to_itself, "0.0 connect 127.0.0.1:40000\n0.1 leave 127.0.0.1:40000\n"
                  "1.1 connect 127.0.0.1:40000\n"
                  "9.0 leave 127.0.0.1:40000\n9.0 connect 127.0.0.1:40000\n"},
};

/*  The first story that does not go as expected; NULL: all do. */
static const char *
s_spoiled (stage_t *stage)
{
    for (size_t i = 0; i < sizeof s_stories / sizeof *s_stories; i++) {
        *stage = (stage_t){.now_us = 0};
        s_stories[i].play (stage);
        if (strcmp (stage->said, s_stories[i].expected) != 0)
            return s_stories[i].expected;
    }
    return NULL;
}

HF_TEST (stories_go_as_expected)
{
    stage_t stage;
    const char *expected = s_spoiled (&stage);
    assert_string_equal (stage.said, expected ? expected : stage.said);
}

HF_TEST (each_mutant_spoils_a_story)
{
    static const int mutants[] = {HF_MUTANT_old_address_kept, HF_MUTANT_first_address_only,
                                  HF_MUTANT_last_address_forgotten, HF_MUTANT_looked_up_once,
                                  HF_MUTANT_to_itself_kept};
    for (size_t i = 0; i < sizeof mutants / sizeof *mutants; i++) {
        stage_t stage;
        hf_mutant = mutants[i];
        const char *expected = s_spoiled (&stage);
        hf_mutant = HF_MUTANT_none;
        if (!expected)
            fail_msg ("mutant %d of the list is not caught", (int)i);
    }
}

HF_TEST (hosts_are_names_or_numbers)
{
    assert_false (hf_host_is_name ("127.0.0.1"));
    assert_false (hf_host_is_name ("[::1]"));
    assert_true (hf_host_is_name ("localhost"));
    assert_true (hf_host_is_name ("10.0.0.1.example"));
    assert_true (hf_host_is_name ("node-3a"));
}

HF_TEST_MAIN (NULL, NULL)

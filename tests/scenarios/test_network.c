//  Scenarios 1a to 1d: messages that are late, lost or repeated. Three nodes.

#include "tests/scenarios/stage.h"

//  1a: client 1 holds the lock; its append is delayed past its lease; client 2 is waiting.
SCENE (test_1a_packet_delay)
{
    stage_t *stage = stage_begin (*state, 3, 1, TTLS (SHORT_MS, LONG_MS));
    hf_proxy_t *network = stage->network[1];
    hf_script_t *one = stage->client[1], *two = stage->client[2];
    uint64_t token = MUST (one, "acquire L").token;
    must_queue (stage, two);

    uint32_t append =
        RULE (network, .way = HF_TO_NODE, .inner = HF_KIND_APPEND, .action = HF_RULE_WATCH);
    uint32_t hold = RULE (network, .way = HF_TO_NODE, .action = HF_RULE_HOLD);
    silence_start_t silence = stage_silence_begins (stage);
    hf_script_say (one, "append L F A");
    assert_true (hf_proxy_wait_fired (network, append, 1, HF_CLUSTER_LIMIT_MS));

    hf_script_result_t grant = must_hear_in_time (stage, two, silence, SHORT_MS);
    assert_true (grant.token > token);
    assert_true (HF_WAIT (hf_script_losses (one) > 0, HF_CLUSTER_LIMIT_MS));

    hf_proxy_lift (network, hold);
    //  On a slow machine the leader may have changed: then the append came to a follower, which
    //  does not answer it.
    assert_true (HF_WAIT (hf_proxy_answer_to (network, append) == HF_SESSION_EXPIRED ||
                              stage_term (stage) > silence.term,
                          HF_CLUSTER_LIMIT_MS));
    hf_status_t status = hf_script_hear (one).status;
    assert_true (says_not_holder (status) || status == HF_UNDECIDED);
    must_find_lost (one, "F");

    must_write (two, "F", "B");
    assert_int_equal (hf_script_losses (two), 0);
    stage_end (stage, "F", "B");
}

//  1b (i): client 1's first acquire is lost on the way, client 2's arrives.
SCENE (test_1b_acquire_lost)
{
    stage_t *stage = stage_begin (*state, 3, 1, TTLS (LONG_MS, LONG_MS));
    hf_proxy_t *network = stage->network[1];
    hf_script_t *one = stage->client[1], *two = stage->client[2];
    //  What client 1 sends again waits until client 2's acquire has arrived.
    uint32_t lost = RULE (network, .way = HF_TO_NODE, .inner = HF_KIND_ACQUIRE, .count = 1,
                          .action = HF_RULE_DROP);
    uint32_t again =
        RULE (network, .way = HF_TO_NODE, .inner = HF_KIND_ACQUIRE, .action = HF_RULE_HOLD);
    hf_script_say (one, "acquire L");
    assert_true (hf_proxy_wait_fired (network, lost, 1, HF_CLUSTER_LIMIT_MS));
    MUST (two, "acquire L");
    MUST (two, "append L F B");
    assert_true (hf_proxy_wait_fired (network, again, 1, HF_CLUSTER_LIMIT_MS));
    hf_proxy_lift (network, again);
    assert_true (hf_cluster_wait_waiters (stage->cluster, "L", 1, HF_CLUSTER_LIMIT_MS));
    MUST (two, "release L");
    must_hear (one);
    must_write (one, "F", "A");
    stage_end (stage, "F", "BA");
}

//  1b (ii): client 1's grant is lost on the way back.
SCENE (test_1b_grant_lost)
{
    stage_t *stage = stage_begin (*state, 3, 1, TTLS (LONG_MS, LONG_MS));
    hf_proxy_t *network = stage->network[1];
    hf_script_t *one = stage->client[1], *two = stage->client[2];
    uint32_t acquire =
        RULE (network, .way = HF_TO_NODE, .inner = HF_KIND_ACQUIRE, .action = HF_RULE_WATCH);
    uint32_t lost = RULE (network, .way = HF_TO_CLIENT, .answers_of = acquire, .count = 1,
                          .action = HF_RULE_DROP);
    hf_script_say (one, "acquire L");
    assert_true (hf_proxy_wait_fired (network, lost, 1, HF_CLUSTER_LIMIT_MS));
    must_queue (stage, two);
    must_hear (one);
    must_write (one, "F", "A");
    must_hear (two);
    must_write (two, "F", "B");
    stage_end (stage, "F", "AB");
}

//  1c: every request of both clients arrives two to five times.
SCENE (test_1c_repeated_requests)
{
    stage_t *stage = stage_begin (*state, 3, 2, TTLS (0));
    uint32_t rule[3];
    for (unsigned i = 1; i <= 2; i++)
        rule[i] = RULE (stage->network[i], .way = HF_TO_NODE, .action = HF_RULE_REPEAT,
                        .repeat_min = 2, .repeat_max = 5, .seed = 100 + i);
    hf_script_t *one = stage_client (stage, 1, LONG_MS);
    hf_script_t *two = stage_client (stage, 2, LONG_MS);
    uint64_t first = MUST (one, "acquire L").token;
    MUST (one, "append L F A");
    must_queue (stage, two);
    MUST (one, "release L");
    uint64_t second = must_hear (two).token;
    MUST (two, "append L F B");
    must_queue (stage, one);
    must_write (two, "F", "B");
    uint64_t third = must_hear (one).token;
    must_write (one, "F", "A");
    assert_true (first < second && second < third);
    assert_true (hf_proxy_fired (stage->network[1], rule[1]) >= 7);
    assert_true (hf_proxy_fired (stage->network[2], rule[2]) >= 5);
    //  Openings arrived several times too.
    hf_node_status_t status;
    assert_true (hf_cluster_status (stage->cluster, 1, &status));
    assert_int_equal (status.sessions, 2);
    assert_int_equal (status.locks, 0);
    stage_end (stage, "F", "ABBA");
}

//  1d: client 1's append is lost once, its answer is lost once, and both are repeated.
SCENE (test_1d_all_together)
{
    stage_t *stage = stage_begin (*state, 3, 1, TTLS (LONG_MS, LONG_MS));
    hf_proxy_t *network = stage->network[1];
    hf_script_t *one = stage->client[1], *two = stage->client[2];
    //  The first is lost; the second arrives, and its answer is lost; from the third on both ways
    //  everything comes three times.
    uint32_t lost = RULE (network, .way = HF_TO_NODE, .inner = HF_KIND_APPEND, .data = "A",
                          .count = 1, .action = HF_RULE_DROP);
    uint32_t repeated =
        RULE (network, .way = HF_TO_NODE, .inner = HF_KIND_APPEND, .data = "A", .skip = 1,
              .action = HF_RULE_REPEAT, .repeat_min = 3, .repeat_max = 3);
    uint32_t answer_lost = RULE (network, .way = HF_TO_CLIENT, .answers_of = repeated, .count = 1,
                                 .action = HF_RULE_DROP);
    uint32_t answer_repeated = RULE (network, .way = HF_TO_CLIENT, .answers_of = repeated,
                                     .action = HF_RULE_REPEAT, .repeat_min = 3, .repeat_max = 3);

    MUST (one, "acquire L");
    must_queue (stage, two);
    MUST (one, "append L F 1");
    MUST (one, "append L F A");
    assert_int_equal (hf_proxy_fired (network, lost), 1);
    assert_int_equal (hf_proxy_fired (network, answer_lost), 1);
    assert_true (hf_proxy_fired (network, repeated) >= 1);
    assert_true (hf_proxy_fired (network, answer_repeated) >= 1);
    MUST (one, "release L");
    must_hear (two);
    must_write (two, "F", "B");
    stage_end (stage, "F", "1AB");
}

HF_TEST_MAIN (NULL, NULL)

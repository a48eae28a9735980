//  Frames that no client should send: each is refused with a text, and nothing happens.

#include "base/hf_alloc.h"
#include "tests/kit/hf_one.h"
#include "tests/cluster/badinput/bad_bytes.h"
#include "tests/cluster/badinput/siege.h"

/*  The next REFUSED: its status. The text must say something. */
static uint32_t
s_refusal (hf_probe_t *probe)
{
    hf_scan_t scan;
    hf_refused_t refused;
    assert_true (hf_probe_next_kind (probe, HF_KIND_REFUSED, &scan, SIEGE_LIMIT_MS));
    assert_true (hf_refused_get (&scan, &refused));
    assert_true (refused.text.size >= 10);
    return refused.status;
}

/*  Send what is in the pack and expect this refusal. */
static void
s_must_refuse (hf_probe_t *probe, hf_pack_t *pack, hf_status_t status)
{
    hf_probe_send_pack (probe, pack);
    assert_int_equal (s_refusal (probe), status);
}

//  ---- bytes that are no frames ------------------------------------------------------------

SIEGES (test_no_zmtp, false)
{
    hf_random_t random = {.state = 1};
    static uint8_t bytes[65536];
    static const uint8_t greeting[] = {0xff, 0,    0, 0, 0,   0,   0,   0,
                                       1,    0x7f, 3, 0, 'N', 'U', 'L', 'L'};
    static const char http[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (unsigned i = 0; i < 20; i++) {
        for (uint32_t id = 1; id <= siege->running; id++) {
            uint16_t ports[] = {hf_cluster_client_port (siege->cluster, id),
                                hf_cluster_node_port (siege->cluster, id)};
            for (size_t port = 0; port < 2; port++) {
                size_t size = 1 + hf_random_u32 (&random, sizeof bytes);
                bad_fill (&random, bytes, size);
                if (i % 2 == 1 && size > sizeof greeting) //  begins well
                    memcpy (bytes, greeting, sizeof greeting);
                bad_throw (ports[port], hf_span (bytes, size));
                if (i == 0)
                    bad_throw (ports[port], hf_span_text (http));
            }
        }
    }
}

SIEGES (test_random_frames, false)
{
    hf_random_t random = {.state = 2};
    hf_pack_t pack;
    hf_pack_init (&pack);
    for (uint32_t id = 1; id <= siege->running; id++) {
        hf_probe_t *probe = siege_probe (siege, id);
        uint64_t dropped = siege_dropped (siege);
        for (unsigned i = 0; i < 1000; i++) {
            uint8_t bytes[1024];
            size_t size = 1 + hf_random_u32 (&random, sizeof bytes);
            bad_fill (&random, bytes, size);
            hf_probe_send (probe, bytes, size);
        }
        for (unsigned i = 0; i < 1000; i++)
            assert_in_range (s_refusal (probe), HF_MALFORMED, HF_UNKNOWN);
        assert_int_equal (siege_dropped (siege), dropped + (id == 1 ? 1000 : 0));
        for (unsigned i = 0; i < 1000; i++) {
            bad_frame (&pack, &random, hf_random_u32 (&random, 256), 0);
            hf_probe_send_pack (probe, &pack);
            s_refusal (probe);
        }
        hf_probe_destroy (&probe);
    }
    hf_pack_done (&pack);
}

//  A real message of each kind, cut off at every length.
SIEGES (test_truncated, false)
{
    hf_pack_t frames[BAD_CLIENT_FRAMES];
    bad_client_frames (frames, siege->session);
    for (uint32_t id = siege->running; id >= 1; id--) {
        hf_probe_t *probe = siege_probe (siege, id);
        uint64_t dropped = siege_dropped (siege);
        uint64_t sent = 0;
        for (unsigned i = 0; i < BAD_CLIENT_FRAMES; i++) {
            for (size_t size = 0; size < hf_pack_size (&frames[i]); size++, sent++) {
                hf_probe_send (probe, hf_pack_bytes (&frames[i]), size);
                uint32_t status = s_refusal (probe);
                //  A follower need not read further than the kind.
                if (status != HF_MALFORMED && (id == 1 || status != HF_NOT_LEADER))
                    fail_msg ("%u of %zu bytes of frame %u: status %u", (unsigned)size,
                              hf_pack_size (&frames[i]), i, status);
            }
        }
        if (id == 1)
            assert_int_equal (siege_dropped (siege), dropped + sent);
        hf_probe_destroy (&probe);
    }
    for (unsigned i = 0; i < BAD_CLIENT_FRAMES; i++)
        hf_pack_done (&frames[i]);
}

//  ---- frames that are well made and wrong --------------------------------------------------

SIEGES (test_hostile_frames, false)
{
    hf_probe_t *probe = siege_probe (siege, 1);
    hf_pack_t pack;
    hf_pack_init (&pack);
    for (unsigned i = 0; bad_promise (&pack, i); i++)
        s_must_refuse (probe, &pack, HF_MALFORMED);

    static const uint64_t versions[] = {0, 2, 3, 255, UINT32_MAX};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        hf_put_array (&pack, 2);
        hf_put_u64 (&pack, versions[i]);
        hf_keepalive_put (&pack, &(hf_keepalive_t){.echo = 1});
        s_must_refuse (probe, &pack, HF_BAD_VERSION);
    }
    static const uint32_t kinds[] = {
        8,   32,    HF_KIND_OPENED,  HF_KIND_REFUSED,    HF_KIND_ACQUIRE,
        127, 128,   HF_KIND_ENTRIES, HF_KIND_CMD_EXPIRE, 255,
        192, 65536, UINT32_MAX};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        hf_put_array (&pack, 2);
        hf_put_u32 (&pack, HF_VERSION_WIRE);
        hf_put_array (&pack, 3);
        hf_put_u32 (&pack, kinds[i]);
        hf_put_u64 (&pack, siege->session);
        hf_put_u64 (&pack, 1);
        s_must_refuse (probe, &pack, HF_UNKNOWN);
    }
    //  Too many requests in one frame.
    hf_pack_t requests;
    hf_pack_init (&requests);
    for (uint64_t i = 1; i <= HF_WINDOW_MAX + 1; i++)
        hf_abandon_put (&requests, &(hf_abandon_t){.seq = i, .lock = hf_span_text ("x")});
    hf_requests_frame (&pack, &(hf_requests_t){.session = siege->session,
                                               .floor = 1,
                                               .requests = hf_pack_list (&requests)});
    s_must_refuse (probe, &pack, HF_MALFORMED);
    hf_pack_done (&requests);
    hf_open_frame (&pack, &(hf_open_t){.nonce = hf_span_text ("0123456789abcde"), .ttl_ms = 2000});
    s_must_refuse (probe, &pack, HF_BAD_REQUEST);
    hf_pack_done (&pack);
    hf_probe_destroy (&probe);
}

SIEGES (test_hostile_sizes, false)
{
    hf_probe_t *probe = siege_probe (siege, 1);
    hf_pack_t pack;
    hf_pack_init (&pack);
    uint8_t *bytes = hf_alloc (64U << 20);
    //  A frame beyond the limit is answered; far beyond, the connection is cut and made again.
    hf_probe_send (probe, bytes, HF_CLIENT_FRAME_MAX + 1);
    assert_int_equal (s_refusal (probe), HF_TOO_LARGE);
    hf_probe_send (probe, bytes, HF_FRAME_MAX);
    assert_int_equal (s_refusal (probe), HF_TOO_LARGE);
    hf_probe_t *far = siege_probe (siege, 1);
    hf_probe_send (far, bytes, 64U << 20);
    hf_span_t answer;
    assert_false (hf_probe_next (far, &answer, 1000));
    hf_probe_destroy (&far);
    //  Messages of many parts have no meaning.
    uint64_t dropped = siege_dropped (siege);
    hf_keepalive_one (&pack, 1, siege->session, 0);
    hf_span_t parts[64];
    for (size_t i = 0; i < 64; i++)
        parts[i] = hf_span (hf_pack_bytes (&pack), hf_pack_size (&pack));
    hf_probe_send_parts (probe, parts, 64);
    hf_probe_send_parts (probe, parts, 2);
    hf_pack_reset (&pack);
    hf_put_array (&pack, 9);
    s_must_refuse (probe, &pack, HF_MALFORMED);
    assert_true (siege_dropped (siege) >= dropped + 3);
    free (bytes);
    hf_pack_done (&pack);
    hf_probe_destroy (&probe);
}

//  A client that asks and never reads the answers costs a node a bounded lot.
SIEGE (test_flood_without_reading, 1, 1, false)
{
    uint8_t junk[200];
    memset (junk, 0xc1, sizeof junk);
    uint64_t dropped = siege_dropped (siege);
    hf_probe_t *probe[4];
    for (unsigned i = 0; i < 4; i++) {
        probe[i] = siege_probe (siege, 1);
        for (unsigned n = 0; n < 10000; n++)
            hf_probe_send (probe[i], junk, sizeof junk);
    }
    assert_true (HF_WAIT (siege_dropped (siege) >= dropped + 40000, SIEGE_LIMIT_MS));
    siege_must_be_untouched (siege);
    for (unsigned i = 0; i < 4; i++)
        hf_probe_destroy (&probe[i]);
}

HF_TEST_MAIN (NULL, NULL)

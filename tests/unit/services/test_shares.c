//  What each client uses, and what all do (hf_shares.h).

#include "nodes/services/hf_shares.h"
#include "tests/kit/hf_test.h"

static hf_route_t
s_route (unsigned client)
{
    return (hf_route_t){.size = 2, .id = {(uint8_t)client, (uint8_t)(client >> 8)}};
}

HF_TEST (shares_add_up)
{
    enum { CLIENTS = 5000 };
    hf_shares_t shares;
    hf_shares_init (&shares);
    for (unsigned round = 1; round <= 3; round++) {
        for (unsigned i = 0; i < CLIENTS; i++) {
            hf_route_t route = s_route (i);
            assert_int_equal (hf_shares_of (&shares, &route), 0);
            hf_shares_add (&shares, &route, i + 1);
            hf_shares_add (&shares, &route, 1);
        }
        assert_int_equal (shares.all, CLIENTS * (CLIENTS + 3) / 2);
        for (unsigned i = 0; i < CLIENTS; i += 2) {
            hf_route_t route = s_route (i);
            assert_int_equal (hf_shares_of (&shares, &route), i + 2);
            hf_shares_drop (&shares, &route, i + 2);
            assert_int_equal (hf_shares_of (&shares, &route), 0);
        }
        assert_true (shares.all > 0);
        hf_shares_clear (&shares);
        assert_int_equal (shares.all, 0);
    }
    hf_shares_done (&shares);
}

HF_TEST_MAIN (NULL, NULL)

/*  The option that says where a node listens: parsed, refused, completed by the cluster list. */
#include "test_net.h"

HF_TEST (an_address_and_its_ports)
{
    static const struct {
        const char *option, *address;
        uint16_t client_port, node_port;
    } rows[] = {
        {"192.0.2.7", "192.0.2.7", 0, 0},
        {"192.0.2.7:80", "192.0.2.7", 80, 0},
        {"192.0.2.7:80:81", "192.0.2.7", 80, 81},
        {"[0:0:0:0:0:0:0:1]", "[::1]", 0, 0},
        {"[::]:65535:1", "[::]", 65535, 1},
        {"[2001:db8:1111:2222:3333:4444:5555:6666]:10000:10001",
         "[2001:db8:1111:2222:3333:4444:5555:6666]", 10000, 10001},
        {"*", "0.0.0.0", 0, 0},
        {"*:9080", "0.0.0.0", 9080, 0},
        {"*:9080:9081", "0.0.0.0", 9080, 9081},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hf_listen_t listen = {.at.count = 0};
        if (!hf_listen_parse (&listen, rows[i].option))
            fail_msg ("%s is refused", rows[i].option);
        assert_true (listen.chosen);
        assert_int_equal (listen.at.count, 1);
        assert_string_equal (listen.at.text[0], rows[i].address);
        assert_int_equal (listen.client_port, rows[i].client_port);
        assert_int_equal (listen.node_port, rows[i].node_port);
    }
}

HF_TEST (other_forms_are_refused_and_nothing_changes)
{
    static const char *const wrong[] = {
        "",
        ":80",
        "alpha",
        "alpha:80",
        "1.2.3",
        "1.2.3.256",
        "1.2.3.4:",
        "1.2.3.4:0",
        "1.2.3.4:x",
        "1.2.3.4:80:",
        "1.2.3.4::81",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4:80:80",
        "1.2.3.4:1:2:3",
        "1.2.3.4,1.2.3.5",
        "1@1.2.3.4",
        "::1",
        "[::1",
        "[::1]80",
        "[]",
        "[::g]",
        "[1.2.3.4]",
        "[*]",
        "**",
        "*1",
        "*.1",
        "*80",
        " 1.2.3.4",
        "1.2.3.4 ",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        hf_listen_t listen = {.client_port = 77};
        if (hf_listen_parse (&listen, wrong[i]))
            fail_msg ("\"%s\" is taken", wrong[i]);
        assert_int_equal (listen.client_port, 77);
        assert_false (listen.chosen);
    }
    char text[2000];
    hf_listen_t listen = {.client_port = 77};
    memset (text, '1', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_false (hf_listen_parse (&listen, text));
}

HF_TEST (what_the_option_leaves_out_is_in_the_list)
{
    const hf_endpoint_t own = {.id = 1, .host = "alpha", .client_port = 8080, .node_port = 8081};
    static const struct {
        const char *option; //  NULL: not given
        uint16_t client_port, node_port;
        bool mapped;
    } rows[] = {
        {NULL, 8080, 8081, false},          {"*", 8080, 8081, false},
        {"*:8080:8081", 8080, 8081, false}, {"*:9080", 9080, 8081, true},
        {"*:8080:9081", 8080, 9081, true},  {"*:8081:8080", 8081, 8080, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char error[HF_ERROR_SIZE];
        hf_listen_t listen = {.at.count = 0};
        assert_true (!rows[i].option || hf_listen_parse (&listen, rows[i].option));
        assert_int_equal (hf_listen_complete (&listen, &own, error), 0);
        assert_int_equal (listen.client_port, rows[i].client_port);
        assert_int_equal (listen.node_port, rows[i].node_port);
        assert_int_equal (hf_listen_is_mapped (&listen, &own), rows[i].mapped);
    }
}

HF_TEST (both_together_must_give_two_ports)
{
    const hf_endpoint_t own = {.id = 1, .host = "alpha", .client_port = 8080, .node_port = 8081};
    char error[HF_ERROR_SIZE];
    hf_listen_t listen;
    assert_true (hf_listen_parse (&listen, "*:8081"));
    assert_int_equal (hf_listen_complete (&listen, &own, error), -1);
    assert_string_equal (error, "clients and nodes cannot share port 8081: --listen names one of "
                                "the two ports, and the other is that of the cluster list");
}

HF_TEST_MAIN (NULL, NULL)

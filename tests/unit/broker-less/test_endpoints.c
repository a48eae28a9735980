/*  The endpoint list: parsed, canonical, refused with a reason. Noise: tests/fuzz/fuzz_names.c. */
#include "test_net.h"

HF_TEST (defaults_and_order)
{
    hf_endpoints_t list;
    char error[HF_ERROR_SIZE];
    char text[HF_ENDPOINTS_TEXT_SIZE];
    assert_int_equal (
        hf_endpoints_parse (&list, "3@C.example:9000,1@127.0.0.1,20@[::1]:1:2", error), 0);
    assert_string_equal (error, "");
    assert_int_equal (list.count, 3);
    hf_endpoints_text (&list, text);
    assert_string_equal (text, "1@127.0.0.1:8080:8081,3@c.example:9000:8081,20@[::1]:1:2");
    assert_int_equal (hf_endpoints_check_cluster (&list, error), 0);
    assert_ptr_equal (hf_endpoints_find (&list, 20), &list.node[2]);
    assert_null (hf_endpoints_find (&list, 2));
}

HF_TEST (canonical_text_is_a_fixed_point)
{
    static const char *const lists[][2] = {
        {HF_ENDPOINTS_DEFAULT, "1@127.0.0.1:8080:8081"},
        {"1@[0:0:0:0:0:0:0:1]", "1@[::1]:8080:8081"},
        {"007@h:080:0081", "7@h:80:81"},
        {"2@b,1@a", "1@a:8080:8081,2@b:8080:8081"},
        {"65535@x_y-z.Example:65535:65534", "65535@x_y-z.example:65535:65534"},
        {"1@127.0.0.1:8080:8081,2@127.0.0.1:8082:8083,3@127.0.0.1:8084:8085",
         "1@127.0.0.1:8080:8081,2@127.0.0.1:8082:8083,3@127.0.0.1:8084:8085"},
    };
    for (size_t i = 0; i < sizeof (lists) / sizeof (lists[0]); i++) {
        hf_endpoints_t list;
        char error[HF_ERROR_SIZE];
        char text[HF_ENDPOINTS_TEXT_SIZE];
        assert_int_equal (hf_endpoints_parse (&list, lists[i][0], error), 0);
        hf_endpoints_text (&list, text);
        assert_string_equal (text, lists[i][1]);
        assert_int_equal (hf_endpoints_parse (&list, text, error), 0);
        hf_endpoints_text (&list, text);
        assert_string_equal (text, lists[i][1]);
    }
}

#define NOT_FORM  "not of the form id@host:clientport:nodeport"
#define NOT_HOST  "the host is not a name or an address; an IPv6 address goes in [ ]"
#define TWO_PORTS "more than two ports; an IPv6 address goes in [ ]"

HF_TEST (wrong_lists_are_refused_with_the_reason)
{
    static const char *const lists[][2] = {
        {"", "the list of endpoints is empty"},
        {" \n", "the list of endpoints is empty"},
        {",", "endpoint 1 \"\": " NOT_FORM},
        {"1@a,,", "endpoint 2 \"\": " NOT_FORM},
        {"1@a,,2@b", "endpoint 2 \"\": " NOT_FORM},
        {"localhost:8080", "endpoint 1 \"localhost:8080\": " NOT_FORM},
        {"1@a,2@:80", "endpoint 2 \"2@:80\": no host"},
        {"1@", "endpoint 1 \"1@\": no host"},
        {"@a", "endpoint 1 \"@a\": the id before @ must be 1 to 65535"},
        {"0@a", "endpoint 1 \"0@a\": the id before @ must be 1 to 65535"},
        {"65536@a", "endpoint 1 \"65536@a\": the id before @ must be 1 to 65535"},
        {"-1@a", "endpoint 1 \"-1@a\": the id before @ must be 1 to 65535"},
        {"1 @a", "endpoint 1 \"1 @a\": the id before @ must be 1 to 65535"},
        {"1x@a", "endpoint 1 \"1x@a\": the id before @ must be 1 to 65535"},
        {"1@a:", "endpoint 1 \"1@a:\": the client port must be 1 to 65535"},
        {"1@a:0", "endpoint 1 \"1@a:0\": the client port must be 1 to 65535"},
        {"1@a:65536", "endpoint 1 \"1@a:65536\": the client port must be 1 to 65535"},
        {"1@a:99999999999", "endpoint 1 \"1@a:99999999999\": the client port must be 1 to 65535"},
        {"1@a:80:", "endpoint 1 \"1@a:80:\": the node port must be 1 to 65535"},
        {"1@a:80:x", "endpoint 1 \"1@a:80:x\": the node port must be 1 to 65535"},
        {"1@a:80:81:82", "endpoint 1 \"1@a:80:81:82\": " TWO_PORTS},
        {"1@a:80:80", "endpoint 1 \"1@a:80:80\": clients and nodes cannot share port 80"},
        {"1@a:8081", "endpoint 1 \"1@a:8081\": clients and nodes cannot share port 8081"},
        {"1@a b", "endpoint 1 \"1@a b\": " NOT_HOST},
        {"1@a/b", "endpoint 1 \"1@a/b\": " NOT_HOST},
        {"1@*", "endpoint 1 \"1@*\": " NOT_HOST},
        {"1@-a", "endpoint 1 \"1@-a\": " NOT_HOST},
        {"1@a..b", "endpoint 1 \"1@a..b\": " NOT_HOST},
        {"1@a;b", "endpoint 1 \"1@a;b\": " NOT_HOST},
        {"1@\x01\xff", "endpoint 1 \"1@??\": " NOT_HOST},
        {"1@1.2.3", "endpoint 1 \"1@1.2.3\": the host is not an IPv4 address"},
        {"1@1.2.3.256", "endpoint 1 \"1@1.2.3.256\": the host is not an IPv4 address"},
        {"1@[::1", "endpoint 1 \"1@[::1\": the [ has no ]"},
        {"1@[::g]", "endpoint 1 \"1@[::g]\": the host in [ ] is not an IPv6 address"},
        {"1@[]", "endpoint 1 \"1@[]\": the host in [ ] is not an IPv6 address"},
        {"1@[::1]8", "endpoint 1 \"1@[::1]8\": after the ] must come : and a port, or nothing"},
        {"1@a,1@b", "endpoint 2 \"1@b\": the id 1 is there twice"},
        {"1@a,2@a", "endpoint 2 \"2@a\": a port that node 1 has on the same host"},
        {"1@a,2@A:1:8080", "endpoint 2 \"2@A:1:8080\": a port that node 1 has on the same host"},
        {"1@a,2@b,3@c,4@d,5@e,6@f,7@g,8@h", "endpoint 8 \"8@h\": more than 7 endpoints"},
    };
    for (size_t i = 0; i < sizeof (lists) / sizeof (lists[0]); i++) {
        hf_endpoints_t list = {.count = 77};
        char error[HF_ERROR_SIZE];
        assert_int_equal (hf_endpoints_parse (&list, lists[i][0], error), -1);
        assert_string_equal (error, lists[i][1]);
        assert_int_equal (list.count, 77); //  unchanged
    }
}

HF_TEST (long_parts_are_cut_in_the_message)
{
    char text[2000];
    char error[HF_ERROR_SIZE];
    hf_endpoints_t list;
    memset (text, 'a', sizeof (text) - 1);
    memcpy (text, "1@", 2);
    text[sizeof (text) - 1] = 0;
    assert_int_equal (hf_endpoints_parse (&list, text, error), -1);
    assert_non_null (strstr (error, "aaa...\": the host is longer than 255 bytes"));
    text[2 + 255] = 0; //  short enough, but one label of 255 bytes is no name
    assert_int_equal (hf_endpoints_parse (&list, text, error), -1);
    assert_non_null (strstr (error, NOT_HOST));
    for (unsigned i = 2 + 50; i < 2 + 255; i += 50)
        text[i] = '.';
    assert_int_equal (hf_endpoints_parse (&list, text, error), 0);
    assert_int_equal (strlen (list.node[0].host), 255);
}

HF_TEST (seven_of_the_longest_fit)
{
    hf_endpoints_t list = {.count = HF_MEMBERS_MAX};
    char text[HF_ENDPOINTS_TEXT_SIZE];
    char error[HF_ERROR_SIZE];
    for (uint32_t i = 0; i < list.count; i++) {
        list.node[i] = (hf_endpoint_t){.id = 65529 + i, .client_port = 65534, .node_port = 65535};
        for (unsigned k = 0; k < HF_HOST_MAX; k++)
            list.node[i].host[k] = k % 50 == 49 ? '.' : (char)('a' + i);
    }
    hf_endpoints_text (&list, text);
    hf_endpoints_t again;
    assert_int_equal (hf_endpoints_parse (&again, text, error), 0);
    assert_memory_equal (&again, &list, sizeof (list));
}

HF_TEST (a_cluster_is_odd)
{
    for (uint32_t count = 0; count <= HF_MEMBERS_MAX; count++) {
        hf_endpoints_t list = {.count = count};
        char error[HF_ERROR_SIZE];
        char text[HF_ERROR_SIZE] = "";
        int rc = hf_endpoints_check_cluster (&list, error);
        assert_int_equal (rc, count % 2 == 1 ? 0 : -1);
        if (rc != 0)
            snprintf (text, sizeof (text), "a cluster has 1, 3, 5 or 7 nodes; the list names %u",
                      count);
        assert_string_equal (error, text);
    }
}

HF_TEST_MAIN (NULL, NULL)

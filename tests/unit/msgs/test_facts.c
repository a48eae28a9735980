/*  The facts of a node: found by key, packed as rows, and documented as the table has them. */
#include "tests/kit/hf_test.h"
#include "msgs/hf_facts.h"

static char *
s_read (const char *path)
{
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    char *text = calloc (1, 200000);
    assert_non_null (text);
    assert_true (fread (text, 1, 199999, file) > 0);
    fclose (file);
    return text;
}

HF_TEST (test_finds_and_packs)
{
    assert_null (hf_fact_find (hf_span_text ("no such fact")));
    assert_int_equal (hf_fact_find (hf_span_text ("state_hash"))->unit, HF_UNIT_HASH);
    hf_pack_t rows;
    hf_pack_init (&rows);
    hf_fact_put (&rows, HF_FACT_role, "leader", 0);
    hf_fact_put (&rows, HF_FACT_term, "", 7);
    hf_list_t list = hf_pack_list (&rows);
    assert_int_equal (list.count, 2);
    hf_scan_t scan = hf_scan_list (list);
    hf_fact_row_t row;
    assert_true (hf_fact_row_get (&scan, &row));
    assert_true (hf_span_equal (row.text, hf_span_text ("leader")));
    assert_true (hf_fact_row_get (&scan, &row));
    assert_ptr_equal (hf_fact_find (row.key), &hf_facts[HF_FACT_term]);
    assert_int_equal (row.number, 7);
    hf_pack_done (&rows);
}

HF_TEST (test_docs_have_every_row)
{
#define NAME(unit, name) name,
    static const char *const units[] = {HF_UNIT_TABLE (NAME)};
#undef NAME
    char *operating = s_read (HF_DOCS "/operating.md");
    char *protocol = s_read (HF_DOCS "/protocol.md");
    for (size_t i = 0; i < HF_FACT_COUNT; i++) {
        const hf_fact_info_t *fact = &hf_facts[i];
        char line[400], metric[HF_METRIC_SIZE];
        bool is_metric = hf_fact_metric (fact, metric);
        snprintf (line, sizeof line, "\n| `%s` | %s | %s |%s%s%s |\n", fact->key, units[fact->unit],
                  fact->help, is_metric ? " `" : "", is_metric ? metric : "", is_metric ? "`" : "");
        if (!strstr (operating, line))
            fail_msg ("docs/operating.md lacks%s", line);
        snprintf (line, sizeof line, "`%s`", fact->key);
        if (!strstr (protocol, line))
            fail_msg ("docs/protocol.md lacks %s", line);
    }
    free (operating);
    free (protocol);
}

HF_TEST_MAIN (NULL, NULL)

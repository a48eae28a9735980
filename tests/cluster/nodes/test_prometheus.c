/*  A real Prometheus scrapes three nodes: it reads all that they tell, its rules of docs/prometheus
 *  work on that: no node is down until one dies. Skipped where Prometheus is not installed. */
#include "tests/cluster/harness/hf_cluster.h"
#include "tests/cluster/harness/hf_script.h"
#include "tests/kit/hf_ports.h"
#include "tests/kit/hf_test.h"

#define NODES   3
#define TURNS   20
#define SKIPPED 77

/*  The exit code of a program in PATH, with these words, which end with NULL. */
static int
s_run (char text[8192], const char *const *words)
{
    const char *argv[12] = {"/usr/bin/env"};
    for (size_t i = 0; words[i]; i++)
        argv[i + 1] = words[i];
    return hf_process_run (argv, HF_CLUSTER_LIMIT_MS, text, 8192);
}
#define RUN(text, ...) s_run (text, (const char *const[]){__VA_ARGS__, NULL})

static void
s_configure (const char *path, const hf_cluster_t *cluster)
{
    FILE *file = fopen (path, "w");
    assert_non_null (file);
    fprintf (file,
             "global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}\n"
             "rule_files: [\"%s/prometheus/alerts.yml\"]\n"
             "scrape_configs:\n"
             "  - {job_name: holdfast, static_configs: [{targets: [",
             HF_DOCS);
    for (uint32_t id = 1; id <= NODES; id++)
        fprintf (file, "%s\"127.0.0.1:%u\"", id > 1 ? ", " : "",
                 hf_cluster_http_port (cluster, id));
    fprintf (file, "]}]}\n");
    assert_int_equal (fclose (file), 0);
}

/*  Whether Prometheus's answer to EXPRESSION is one sample with this value. */
static bool
s_is (const char *url, const char *expression, const char *value)
{
    char text[8192], wanted[64];
    snprintf (wanted, sizeof wanted, " => %s @", value);
    return RUN (text, "promtool", "query", "instant", url, expression) == 0 &&
           strstr (text, wanted) != NULL && strchr (text, '\n') == strrchr (text, '\n');
}

HF_TEST_ON (prometheus_scrapes_three_nodes, NODES)
{
    hf_port_t own = hf_port_take ();
    char text[8192], config[512], data[512], log[512], listen[64], url[64];
    hf_cluster_serve_http (cluster);
    for (uint32_t id = 1; id <= NODES; id++)
        hf_cluster_launch (cluster, id);
    assert_true (hf_cluster_wait_leader (cluster, HF_CLUSTER_LIMIT_MS) > 0);
    hf_script_t *client =
        hf_script_new ("client", hf_cluster_endpoints (cluster), hf_cluster_dir (cluster));
    MUST (client, "open 10000");
    for (unsigned i = 0; i < TURNS; i++) {
        MUST (client, "acquire L");
        MUST (client, "release L");
    }
    snprintf (config, sizeof config, "%s/prometheus.yml", hf_cluster_dir (cluster));
    snprintf (data, sizeof data, "--storage.tsdb.path=%s/prometheus", hf_cluster_dir (cluster));
    snprintf (log, sizeof log, "%s/prometheus.log", hf_cluster_dir (cluster));
    snprintf (listen, sizeof listen, "--web.listen-address=127.0.0.1:%u", own.number);
    snprintf (url, sizeof url, "http://127.0.0.1:%u", own.number);
    s_configure (config, cluster);
    if (RUN (text, "promtool", "check", "config", config) != 0)
        fail_msg ("%s", text);
    char file[600];
    snprintf (file, sizeof file, "--config.file=%s", config);
    const char *argv[] = {"/usr/bin/env", "prometheus", file, data, listen, NULL};
    hf_process_t *prometheus =
        hf_process_new (&(hf_process_config_t){.argv = argv, .log_path = log});
    assert_true (
        HF_WAIT (s_is (url, "count(up{job=\"holdfast\"} == 1)", "3"), HF_CLUSTER_LIMIT_MS));
    assert_true (HF_WAIT (s_is (url, "sum(holdfast_leads)", "1"), HF_CLUSTER_LIMIT_MS));
    assert_true (
        HF_WAIT (s_is (url, "sum(holdfast_hold_time_seconds_count)", "20"), HF_CLUSTER_LIMIT_MS));
    assert_true (s_is (url, "sum(holdfast_request_time_seconds_count) >= bool 41", "1"));
    assert_true (
        s_is (url, "sum(histogram_quantile(1, holdfast_sync_time_seconds_bucket)) > bool 0", "1"));
    //  A busy machine may have slow disks.
    assert_true (s_is (url, "absent(ALERTS{alertname=\"HoldfastNodeDown\"})", "1"));
    hf_cluster_kill (cluster, NODES);
    assert_true (HF_WAIT (s_is (url, "count(ALERTS{alertname=\"HoldfastNodeDown\"})", "1"),
                          HF_CLUSTER_LIMIT_MS));
    MUST (client, "close");
    hf_script_destroy (&client);
    hf_process_destroy (&prometheus);
    hf_port_give_back (&own);
}

int
main (void)
{
    char text[8192];
    if (RUN (text, "prometheus", "--version") != 0 || RUN (text, "promtool", "--version") != 0) {
        puts ("skipped: there is no prometheus");
        return SKIPPED;
    }
    return hf_test_run (NULL, NULL);
}

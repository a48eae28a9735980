//  What holdfastd is told, in the order in which later wins: file, environment, command line.

#include "nodes/hf_options_table.h"
#include "broker-less/hf_endpoints.h"
#include <assert.h>
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_KEEP_DEFAULT (32U << 20)
#define OPTIONS_MOST     64
#define FIRST_LONG       256 //  getopt's value of the first row of the table
#define ENVIRONMENT      "HOLDFASTD_"

typedef struct reader {
    hf_options_t *options;
    hf_options_say_fn *say;
    struct option longs[OPTIONS_MOST + 1];
    char letters[3 * OPTIONS_MOST + 2];
} reader_t;

static int
s_usage (const reader_t *self, const char *text, const char *value)
{
    char line[HF_ERROR_SIZE];
    if (value)
        hf_error_set (line, "%s \"%.200s\"; try 'holdfastd --help'", text, value);
    else
        hf_error_set (line, "%s; try 'holdfastd --help'", text);
    self->say (line);
    return EXIT_USAGE;
}

//  ---- the command line -------------------------------------------------------------------

/*  Getopt's view of the table. */
static void
s_prepare (reader_t *self)
{
    char *letter = self->letters;
    *letter++ = ':'; //  getopt says by it that an argument is missing
    assert (hf_option_count <= OPTIONS_MOST);
    for (unsigned i = 0; i < hf_option_count; i++) {
        const hf_option_t *option = &hf_option_table[i];
        bool bare = option->kind == HF_OPTION_HELP || option->kind == HF_OPTION_VERSION;
        self->longs[i] = (struct option){.name = option->name,
                                         .has_arg = option->argument ? required_argument
                                                    : bare           ? no_argument
                                                                     : optional_argument,
                                         .val = FIRST_LONG + (int)i};
        if (option->letter)
            *letter++ = option->letter;
        if (option->letter && option->argument)
            *letter++ = ':';
    }
    opterr = 0; //  this file says what is wrong
}

/*  The next option of the command line. NULL: none is left, and CODE is -1, or what is wrong was
 *  said, and it is the exit code. */
static const hf_option_t *
s_next (const reader_t *self, int argc, char **argv, int *code)
{
    int c = getopt_long (argc, argv, self->letters, self->longs, NULL);
    *code = -1;
    if (c >= FIRST_LONG)
        return &hf_option_table[c - FIRST_LONG];
    for (unsigned i = 0; i < hf_option_count && c > 0 && c != '?' && c != ':'; i++)
        if (hf_option_table[i].letter == c)
            return &hf_option_table[i];
    if (c != -1)
        *code = s_usage (self, c == ':' ? "incomplete option" : "unknown option", argv[optind - 1]);
    else if (optind < argc)
        *code = s_usage (self, "unexpected argument", argv[optind]);
    return NULL;
}

/*  What is to be known before all else, and whether all are options. -1: go on. */
static int
s_look (reader_t *self, int argc, char **argv)
{
    int code;
    const hf_option_t *option;
    optind = 0; //  getopt begins anew
    while ((option = s_next (self, argc, argv, &code)) != NULL) {
        if (option->kind == HF_OPTION_HELP)
            return hf_options_help (), EXIT_OK;
        if (option->kind == HF_OPTION_VERSION)
            return puts ("holdfastd " HF_VERSION), EXIT_OK;
        if (option->at == offsetof (hf_options_t, config))
            self->options->config = optarg;
    }
    return code;
}

static unsigned
s_take_arguments (reader_t *self, int argc, char **argv)
{
    int code;
    unsigned wrong = 0;
    const hf_option_t *option;
    optind = 0;
    while ((option = s_next (self, argc, argv, &code)) != NULL) {
        const char *form = hf_option_set (option, self->options, optarg ? optarg : "yes");
        char text[HF_ERROR_SIZE];
        snprintf (text, sizeof text, "--%s must be %s, not", option->name, form ? form : "");
        if (form)
            s_usage (self, text, optarg);
        wrong += form != NULL;
    }
    return wrong;
}

//  ---- the environment --------------------------------------------------------------------

static void
s_variable (const hf_option_t *option, char name[64])
{
    snprintf (name, 64, ENVIRONMENT "%s", option->name);
    for (char *at = name; *at != 0; at++)
        *at = (char)(*at == '-' ? '_' : toupper ((unsigned char)*at));
}

/*  One that is empty is as good as none. */
static const char *
s_environment (const hf_option_t *option)
{
    char name[64];
    s_variable (option, name);
    const char *value = option->once ? NULL : getenv (name);
    return value && *value != 0 ? value : NULL;
}

static unsigned
s_take_environment (reader_t *self)
{
    unsigned wrong = 0;
    for (unsigned i = 0; i < hf_option_count; i++) {
        const hf_option_t *option = &hf_option_table[i];
        const char *value = s_environment (option);
        const char *form = value ? hf_option_set (option, self->options, value) : NULL;
        if (!form)
            continue;
        char name[64], text[HF_ERROR_SIZE];
        s_variable (option, name);
        snprintf (text, sizeof text, "%s must be %s, not", name, form);
        s_usage (self, text, value);
        wrong++;
    }
    return wrong;
}

//  ---- all of it --------------------------------------------------------------------------

/*  Whether they go together. */
static unsigned
s_check (const reader_t *self)
{
    const hf_options_t *options = self->options;
    const struct {
        bool wrong;
        const char *text;
    } rules[] = {
        {!options->keys != !options->key,
         "--keys and --key go together: who is let in, and who this node is"},
        {options->rights && !options->keys,
         "--rights goes with --keys and --key: without them nobody is known"},
        {options->http_admin && !options->http.chosen,
         "--http-admin goes with --http: it says who may act there"},
        {options->keys && options->insecure, "--insecure is for a node without --keys"},
        {options->drop_sessions && !options->restore, "--drop-sessions goes with --restore alone"},
        {options->join && (options->cluster || options->restore),
         "--join goes without --cluster and --restore"},
        {options->recover && (options->join || options->restore || options->dump),
         "--recover goes without --join, --restore and --dump"},
        {options->yes && !options->recover, "--yes goes with --recover alone"},
        {options->check && (options->dump || options->restore || options->recover),
         "--check goes without --dump, --restore and --recover"},
    };
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].wrong && ++wrong > 0)
            s_usage (self, rules[i].text, NULL);
    }
    return wrong;
}

int
hf_options_parse (hf_options_t *options, int argc, char **argv, hf_options_say_fn *say)
{
    reader_t self = {.options = options, .say = say};
    assert (options && argv && say);
    *options = (hf_options_t){.data = "./holdfast-data",
                              .level = HF_INFO,
                              .form = hf_report_form_here (),
                              .log_keep = LOG_KEEP_DEFAULT};
    s_prepare (&self);
    int code = s_look (&self, argc, argv);
    if (code >= 0)
        return code;
    unsigned wrong = 0;
    const char *config =
        options->config ? options->config : s_environment (hf_option_find ("config"));
    if (config)
        wrong += hf_options_file_read (options, config, say);
    wrong += s_take_environment (&self);
    wrong += s_take_arguments (&self, argc, argv);
    wrong += wrong > 0 && !options->check ? 0 : s_check (&self);
    options->wrong = wrong;
    if (!options->cluster && (!options->recover || options->check))
        options->cluster = HF_ENDPOINTS_DEFAULT;
    return wrong > 0 && !options->check ? EXIT_USAGE : -1;
}

void
hf_options_done (hf_options_t *options)
{
    hf_options_file_done (&options->texts);
    *options = (hf_options_t){0};
}

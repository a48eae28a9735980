//  The file of options: libconfig reads it, the table says what its names mean.

#include "nodes/hf_options_table.h"
#include "base/hf_alloc.h"
#include <assert.h>
#include <libconfig.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct hf_options_file {
    config_t config; //  has the texts
};

typedef struct reader {
    hf_options_t *options;
    const char *path;
    hf_options_say_fn *say;
} reader_t;

/*  Where a setting stands: in the file or in one that it includes. */
static void
s_place (const reader_t *self, const config_setting_t *setting, char place[HF_ERROR_SIZE])
{
    const char *file = config_setting_source_file (setting);
    snprintf (place, HF_ERROR_SIZE, "%.300s:%u", file ? file : self->path,
              config_setting_source_line (setting));
}

static void
s_say_unknown (const reader_t *self, const char *name, const char *place)
{
    char line[HF_ERROR_SIZE];
    const hf_option_t *like = hf_option_like (name);
    if (like && !like->once)
        hf_error_set (line, "unknown name '%.60s' in %.300s; did you mean '%s'?", name, place,
                      like->name);
    else
        hf_error_set (line,
                      "unknown name '%.60s' in %.300s; the names are those of the options "
                      "in 'holdfastd --help'",
                      name, place);
    self->say (line);
}

/*  The value as text: of a number and a flag in BUFFER, else the file's own. NULL: it is a list, a
 *  group or a fraction. */
static const char *
s_text (const config_setting_t *setting, char buffer[32])
{
    switch (config_setting_type (setting)) {
    case CONFIG_TYPE_STRING:
        return config_setting_get_string (setting);
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        snprintf (buffer, 32, "%lld", config_setting_get_int64 (setting));
        return buffer;
    case CONFIG_TYPE_BOOL:
        return config_setting_get_bool (setting) ? "true" : "false";
    default:
        return NULL;
    }
}

/*  Whether it is well; what is wrong was said. */
static bool
s_take (const reader_t *self, const config_setting_t *setting)
{
    const char *name = config_setting_name (setting);
    const hf_option_t *option = hf_option_find (name);
    char buffer[32], place[HF_ERROR_SIZE], line[HF_ERROR_SIZE];
    s_place (self, setting, place);
    if (!option) {
        s_say_unknown (self, name, place);
        return false;
    }
    bool keeps = option->kind == HF_OPTION_TEXT || option->kind == HF_OPTION_PLACE;
    bool quoted = config_setting_type (setting) == CONFIG_TYPE_STRING;
    const char *text = s_text (setting, buffer);
    const char *form = NULL;
    if (option->once)
        hf_error_set (line, "'%s' in %.300s is for the command line alone", name, place);
    else if (strcmp (name, "config") == 0)
        hf_error_set (line, "'config' in %.300s: a file takes in another by @include \"FILE\"",
                      place);
    else if (!text || (keeps && !quoted))
        hf_error_set (line, "'%s' in %.300s must be %s", name, place,
                      keeps ? "a text in quotes" : "a text in quotes, a number, true or false");
    else if ((form = hf_option_set (option, self->options, text)) != NULL)
        hf_error_set (line, "'%s' in %.300s must be %s, not \"%.60s\"", name, place, form, text);
    else
        return true;
    self->say (line);
    return false;
}

/*  A hint for the mistakes that are easy to make; "": none. */
static const char *
s_hint (const char *text)
{
    if (strcmp (text, "syntax error") == 0)
        return "; a line is NAME = \"TEXT\", NAME = NUMBER, NAME = true, or begins with #";
    if (strcmp (text, "duplicate setting name") == 0)
        return ": a name is set once, in the file and all that it includes";
    if (strstr (text, "include") != NULL)
        return "; its name is taken from the folder of the first file";
    return "";
}

/*  The parser ends the process when it is given a folder. */
static bool
s_is_file (const reader_t *self)
{
    struct stat info;
    char line[HF_ERROR_SIZE];
    int fd = open (self->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat (fd, &info) != 0)
        hf_error_set (line, "cannot read %.300s: %s", self->path, strerror (errno));
    else if (!S_ISREG (info.st_mode))
        hf_error_set (line, "cannot read %.300s: it is no file", self->path);
    else
        return close (fd) == 0;
    if (fd >= 0)
        close (fd);
    self->say (line);
    return false;
}

unsigned
hf_options_file_read (hf_options_t *options, const char *path, hf_options_say_fn *say)
{
    reader_t self = {.options = options, .path = path, .say = say};
    assert (options && !options->texts && path && say);
    if (!s_is_file (&self))
        return 1;
    options->texts = hf_alloc (sizeof *options->texts);
    config_t *config = &options->texts->config;
    config_init (config);
    const char *slash = strrchr (path, '/');
    char *folder = slash ? strndup (path, (size_t)(slash - path) + 1) : strdup (".");
    assert (folder);
    config_set_include_dir (config, folder);
    free (folder);
    unsigned wrong = 0;
    if (config_read_file (config, path) != CONFIG_TRUE) {
        char line[HF_ERROR_SIZE];
        const char *file = config_error_file (config), *text = config_error_text (config);
        hf_error_set (line, "%.300s:%d: %s%s", file ? file : path, config_error_line (config), text,
                      s_hint (text));
        say (line);
        return 1;
    }
    const config_setting_t *root = config_root_setting (config);
    for (int i = 0; i < config_setting_length (root); i++)
        wrong += !s_take (&self, config_setting_get_elem (root, (unsigned)i));
    return wrong;
}

void
hf_options_file_done (hf_options_file_t **self_p)
{
    if (!*self_p)
        return;
    config_destroy (&(*self_p)->config);
    free (*self_p);
    *self_p = NULL;
}

//  The text of a key file.

#include "broker-less/hf_key_file.h"
#include <assert.h>
#include <stdio.h>
#include <string.h>

#define VALUE_MAX 256

static const char s_z85[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/"
                            "*?&<>()[]{}@%$#";

/*  40 characters of the alphabet; five of them stand for 32 bits. */
static bool
s_is_key (const char *text)
{
    if (strlen (text) != HF_KEY_TEXT)
        return false;
    uint64_t group = 0;
    for (unsigned i = 0; i < HF_KEY_TEXT; i++) {
        const char *at = strchr (s_z85, text[i]);
        if (at == NULL)
            return false;
        group = (i % 5 == 0 ? 0 : group * 85) + (uint64_t)(at - s_z85);
        if (group > UINT32_MAX)
            return false;
    }
    return true;
}

bool
hf_key_name_valid (const char *name)
{
    return hf_user_valid (hf_span_text (name));
}

//  ---- reading --------------------------------------------------------------------------

typedef struct line {
    bool indented;
    char name[VALUE_MAX], value[VALUE_MAX]; //  VALUE "": none
} line_t;

static bool
s_blank (char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/*  One line without its end. False: it is not of this form. Nothing but a comment: no name. */
static bool
s_split (const char *at, const char *end, line_t *line)
{
    *line = (line_t){.indented = at < end && s_blank (*at)};
    while (at < end && s_blank (*at))
        at++;
    const char *name = at;
    while (at < end && !s_blank (*at) && *at != '=' && *at != '#')
        at++;
    if ((size_t)(at - name) >= sizeof line->name)
        return false;
    memcpy (line->name, name, (size_t)(at - name));
    while (at < end && s_blank (*at))
        at++;
    if (at == end || *at == '#')
        return true;
    if (*at++ != '=' || line->name[0] == 0)
        return false;
    while (at < end && s_blank (*at))
        at++;
    char quote = at < end && (*at == '"' || *at == '\'') ? *at++ : 0;
    const char *value = at;
    while (at < end && (quote ? *at != quote : !s_blank (*at) && *at != '#'))
        at++;
    if ((quote && at == end) || (size_t)(at - value) >= sizeof line->value)
        return false;
    memcpy (line->value, value, (size_t)(at - value));
    return true;
}

static bool
s_take_node (hf_key_t *self, const char *value)
{
    uint32_t node = 0;
    for (const char *at = value; *at >= '0' && *at <= '9' && node <= UINT16_MAX; at++)
        node = node * 10 + (uint32_t)(*at - '0');
    self->node = node;
    return node >= 1 && node <= UINT16_MAX && strspn (value, "0123456789") == strlen (value);
}

/*  What a line of SECTION says. NULL, or what is wrong. */
static const char *
s_take (hf_key_t *self, const char *section, const line_t *line)
{
    if (strcmp (section, "metadata") == 0 && strcmp (line->name, "name") == 0) {
        if (!hf_key_name_valid (line->value))
            return "a user's name is 1 to 64 letters, digits and . _ - @ +";
        memcpy (self->name, line->value, strlen (line->value) + 1);
    } else if (strcmp (section, "metadata") == 0 && strcmp (line->name, "node") == 0) {
        if (!s_take_node (self, line->value))
            return "a node's id is a number from 1 to 65535";
    } else if (strcmp (section, "curve") == 0) {
        bool is_public = strcmp (line->name, "public-key") == 0;
        if (!is_public && strcmp (line->name, "secret-key") != 0)
            return NULL;
        if (!s_is_key (line->value))
            return "a key is 40 characters of Z85";
        memcpy (is_public ? self->public_text : self->secret_text, line->value, HF_KEY_TEXT + 1);
    }
    return NULL;
}

int
hf_key_read (hf_key_t *self, hf_span_t text, char *error)
{
    assert (self && error);
    *self = (hf_key_t){.node = 0};
    char section[VALUE_MAX] = "";
    if (text.size > HF_KEY_FILE_MAX ||
        memchr (text.size ? text.at : (const uint8_t *)"", 0, text.size))
        return hf_error_set (error, "that is no key file");
    const char *at = (const char *)text.at, *stop = at + text.size;
    for (unsigned number = 1; at < stop; number++) {
        const char *end = memchr (at, '\n', (size_t)(stop - at));
        end = end ? end : stop;
        line_t line;
        const char *wrong = s_split (at, end, &line) ? NULL : "that is no line of a key file";
        if (!wrong && line.indented)
            wrong = s_take (self, section, &line);
        else if (!wrong && line.name[0] != 0)
            memcpy (section, line.name, sizeof section);
        if (wrong)
            return hf_error_set (error, "line %u: %s", number, wrong);
        at = end < stop ? end + 1 : stop;
    }
    if (self->public_text[0] == 0)
        return hf_error_set (error, "it has no public key");
    return 0;
}

void
hf_key_write (const hf_key_t *self, bool secret, char *text)
{
    assert (s_is_key (self->public_text) && (!secret || s_is_key (self->secret_text)));
    char who[HF_KEY_NAME_MAX + 32] = "";
    if (self->node != 0)
        snprintf (who, sizeof who, "    node = \"%u\"\n", self->node);
    if (self->name[0] != 0)
        snprintf (who, sizeof who, "    name = \"%s\"\n", self->name);
    int size = snprintf (text, HF_KEY_FILE_ROOM,
                         "#   ZeroMQ CURVE %s, made by holdfast.\n"
                         "#   %s\n"
                         "\n"
                         "metadata\n%s"
                         "curve\n"
                         "    public-key = \"%s\"\n"
                         "%s%s%s",
                         secret ? "**Secret** Certificate" : "Public Certificate",
                         secret ? "DO NOT SHARE THIS FILE: who has it can act in its owner's name."
                                : "Give it to every node, for its folder of public keys.",
                         who, self->public_text, secret ? "    secret-key = \"" : "",
                         secret ? self->secret_text : "", secret ? "\"\n" : "");
    assert (size > 0 && size < HF_KEY_FILE_ROOM);
    (void)size;
}

//  Tables in the terminal, with columns as wide as they must be.

#include "client/tool/tool_text.h"
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMN_LEAST 12 //  code points of a column of text that is cut

struct tool_table {
    size_t columns;
    bool right[TOOL_COLUMNS_MAX];
    size_t width[TOOL_COLUMNS_MAX];
    char **cell; //  row by row; the first row is the header
    size_t count;
    size_t room;
};

/*  Columns that TEXT, which is UTF-8, takes on a terminal: code points. */
static size_t
s_width (const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((uint8_t)*text & 0xc0) != 0x80;
    return width;
}

static void
s_add (tool_table_t *self, const char *text)
{
    if (self->count == self->room) {
        self->room = self->room > 0 ? self->room * 2 : 64;
        self->cell = tool_alloc_again (self->cell, self->room * sizeof *self->cell);
    }
    self->cell[self->count] = tool_copy (text);
    size_t column = self->columns > 0 ? self->count % self->columns : 0;
    size_t width = s_width (text);
    if (width > self->width[column])
        self->width[column] = width;
    self->count++;
}

tool_table_t *
tool_table_new (const char *header)
{
    tool_table_t *self = tool_alloc (sizeof *self);
    char *copy = tool_copy (header);
    char *rest = copy;
    char *name[TOOL_COLUMNS_MAX];
    size_t columns = 0;
    for (char *part; (part = strsep (&rest, "|"));) {
        assert (columns < TOOL_COLUMNS_MAX);
        self->right[columns] = part[0] == '>';
        name[columns] = part + (part[0] == '>');
        columns++;
    }
    self->columns = columns;
    for (size_t i = 0; i < columns; i++)
        s_add (self, name[i]);
    free (copy);
    return self;
}

void
tool_table_destroy (tool_table_t **self_p)
{
    assert (self_p);
    tool_table_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        free (self->cell[i]);
    free (self->cell);
    free (self);
    *self_p = NULL;
}

void
tool_table_text (tool_table_t *self, const char *text)
{
    s_add (self, text);
}

void
tool_table_number (tool_table_t *self, uint64_t number)
{
    char text[24];
    snprintf (text, sizeof text, "%" PRIu64, number);
    s_add (self, text);
}

void
tool_table_hex (tool_table_t *self, uint64_t number)
{
    char text[24];
    snprintf (text, sizeof text, "%016" PRIx64, number);
    s_add (self, text);
}

void
tool_table_sum (tool_table_t *self, uint64_t sum)
{
    if (sum != 0)
        tool_table_hex (self, sum);
    else
        s_add (self, "-");
}

void
tool_table_age (tool_table_t *self, uint64_t ms)
{
    static const struct {
        uint64_t seconds;
        char unit, less; //  and the next smaller one
        uint64_t part;   //  of which one is so many seconds
    } units[] = {{86400, 'd', 'h', 3600}, {3600, 'h', 'm', 60}, {60, 'm', 's', 1}};
    char text[48];
    uint64_t seconds = ms / 1000;
    snprintf (text, sizeof text, "%" PRIu64 "s", seconds);
    for (size_t i = sizeof units / sizeof *units; i-- > 0;)
        if (seconds >= units[i].seconds)
            snprintf (text, sizeof text, "%" PRIu64 "%c %" PRIu64 "%c", seconds / units[i].seconds,
                      units[i].unit, seconds % units[i].seconds / units[i].part, units[i].less);
    s_add (self, text);
}

//  ---- printing ----------------------------------------------------------------------

/*  Columns of the terminal that OUT is; 0: it is none. */
static size_t
s_room (FILE *out)
{
    struct winsize size;
    int fd = fileno (out);
    return fd >= 0 && isatty (fd) && ioctl (fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/*  Cut TEXT to WIDTH code points, of which the last ones say that it was. */
static void
s_cut (char *text, size_t width)
{
    size_t column = 0;
    if (s_width (text) <= width)
        return;
    for (; *text; text++) {
        column += ((uint8_t)*text & 0xc0) != 0x80;
        if (column > width - 2)
            break;
    }
    strcpy (text, ".."); //  at least three code points are left there
}

/*  Take from the columns of text what is too much for ROOM, from the last one on. */
static void
s_fit (tool_table_t *self, size_t room)
{
    size_t whole = 2 * (self->columns - 1);
    for (size_t column = 0; column < self->columns; column++)
        whole += self->width[column];
    for (size_t column = self->columns; column-- > 0 && whole > room;) {
        size_t width = self->width[column];
        if (self->right[column] || width <= COLUMN_LEAST)
            continue;
        size_t spare = width - COLUMN_LEAST;
        self->width[column] -= spare < whole - room ? spare : whole - room;
        whole -= width - self->width[column];
        for (size_t cell = column; cell < self->count; cell += self->columns)
            s_cut (self->cell[cell], self->width[column]);
    }
}

/*  Whether nothing follows CELL in its row. */
static bool
s_last (const tool_table_t *self, size_t cell)
{
    for (cell++; cell % self->columns != 0; cell++)
        if (self->cell[cell][0])
            return false;
    return true;
}

void
tool_table_print (tool_table_t *self, FILE *out)
{
    assert (self->count % self->columns == 0);
    size_t room = s_room (out);
    if (room > 0)
        s_fit (self, room);
    for (size_t i = 0; i < self->count; i++) {
        size_t column = i % self->columns;
        bool last = s_last (self, i);
        size_t gap = self->width[column] - s_width (self->cell[i]);
        if (self->right[column])
            fprintf (out, "%*s%s", (int)gap, "", self->cell[i]);
        else
            fprintf (out, "%s%*s", self->cell[i], last ? 0 : (int)gap, "");
        fputs (last ? "\n" : "  ", out);
        if (last)
            i += self->columns - column - 1;
    }
}

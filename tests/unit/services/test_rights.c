/*  The file of rights: what is read, what is refused and how that is said, what is allowed. Each
 *  mutant spoils one test. */
#include "base/hf_mutant.h"
#include "base/hf_random.h"
#include "nodes/services/hf_rights.h"
#include "tests/kit/hf_test.h"

int hf_mutant = HF_MUTANT_none;

typedef struct said {
    unsigned count;
    char text[HF_RIGHTS_ERRORS * HF_ERROR_SIZE];
} said_t;

static void
s_say (void *arg, uint32_t line, const char *what)
{
    said_t *said = arg;
    size_t used = strlen (said->text);
    snprintf (said->text + used, sizeof said->text - used, "%s%u: %s",
              said->count++ > 0 ? "\n" : "", line, what);
}

static hf_rights_t *
s_read (const char *text)
{
    said_t said = {.count = 0};
    hf_rights_t *rights = hf_rights_read (hf_span_text (text), s_say, &said);
    assert_string_equal (said.text, "");
    assert_non_null (rights);
    return rights;
}

static void
s_refused (const char *text, const char *why)
{
    said_t said = {.count = 0};
    assert_null (hf_rights_read (hf_span_text (text), s_say, &said));
    assert_string_equal (said.text, why);
}

/*  Which rights USER has for NAME, a letter each: the first of the right, of READ and RELEASE d and
 *  l. */
static const char *
s_has (const hf_rights_t *rights, const char *user, const char *name)
{
    static char has[HF_RIGHTS_COUNT + 1];
    static const char letters[] = "asadwlcmb";
    hf_rules_t rules = hf_rights_of (rights, user);
    size_t count = 0;
    for (int right = 0; right < HF_RIGHTS_COUNT; right++)
        if (hf_rules_allow (&rules, (hf_right_t)right, hf_span_text (name)))
            has[count++] = right == HF_RIGHT_APPEND ? 'p' : letters[right];
    has[count] = 0;
    return has;
}

//  ---- what is allowed ----------------------------------------------------------------------

HF_TEST (a_name_is_for_itself_alone)
{
    hf_rights_t *rights = s_read ("kim db/x acquire,append\n");
    assert_string_equal (s_has (rights, "kim", "db/x"), "ap");
    assert_string_equal (s_has (rights, "kim", "db/"), "");
    assert_string_equal (s_has (rights, "kim", "db/xy"), "");
    assert_string_equal (s_has (rights, "kim", ""), "");
    assert_string_equal (s_has (rights, "ki", "db/x"), "");
    assert_string_equal (s_has (rights, "kim2", "db/x"), "");
    hf_mutant = HF_MUTANT_name_as_prefix;
    assert_string_equal (s_has (rights, "kim", "db/xy"), "ap");
    hf_mutant = HF_MUTANT_none;
    hf_rights_destroy (&rights);
}

HF_TEST (a_pattern_is_for_names_that_begin_so)
{
    hf_rights_t *rights = s_read ("kim db/* acquire\n"
                                  "lee * read\n");
    assert_string_equal (s_has (rights, "kim", "db/"), "a");
    assert_string_equal (s_has (rights, "kim", "db/x/y"), "a");
    assert_string_equal (s_has (rights, "kim", "db"), "");
    assert_string_equal (s_has (rights, "kim", "d*"), "");
    assert_string_equal (s_has (rights, "lee", "anything"), "d");
    hf_rights_destroy (&rights);
}

HF_TEST (lines_add_up_and_those_of_everybody_too)
{
    hf_rights_t *rights = s_read ("* public/* shared\n"
                                  "kim public/a acquire\n"
                                  "lee other acquire\n"
                                  "kim public/* read\n"
                                  "* * watch");
    assert_string_equal (s_has (rights, "kim", "public/a"), "asdw");
    assert_string_equal (s_has (rights, "kim", "public/b"), "sdw");
    assert_string_equal (s_has (rights, "lee", "public/a"), "sw");
    assert_string_equal (s_has (rights, "nobody", "public/a"), "sw");
    assert_string_equal (s_has (rights, "nobody", "x"), "w");
    //  A user who is called so in no key file.
    assert_string_equal (s_has (rights, "*", "public/a"), "sw");
    hf_rights_destroy (&rights);
}

HF_TEST (rights_without_names)
{
    hf_rights_t *rights = s_read ("ops * close,members,backup,release\nkim * acquire");
    assert_string_equal (s_has (rights, "ops", ""), "lcmb");
    assert_string_equal (s_has (rights, "ops", "db/x"), "lcmb");
    hf_rules_t kim = hf_rights_of (rights, "kim");
    assert_false (hf_rules_allow (&kim, HF_RIGHT_CLOSE, hf_span ("", 0)));
    hf_rights_destroy (&rights);
}

HF_TEST (bytes_that_cannot_stand_in_a_line)
{
    hf_rights_t *rights = s_read ("kim a%20b acquire # a comment\n"
                                  "# another\n"
                                  "\n"
                                  "\t kim\t50%25%2A\tread\r\n"
                                  "kim %23%2a* watch #\n"
                                  "kim a#b append");
    assert_string_equal (s_has (rights, "kim", "a b"), "a");
    assert_string_equal (s_has (rights, "kim", "50%*"), "d");
    assert_string_equal (s_has (rights, "kim", "50%*5"), "");
    assert_string_equal (s_has (rights, "kim", "#*x"), "w");
    assert_string_equal (s_has (rights, "kim", "a#b"), "p");
    hf_rights_destroy (&rights);
}

#define LINES 60
#define USERS 3 //  the first is everybody

/*  Lines of three words each, as text and one by one. */
typedef struct lines {
    unsigned user[LINES], right[LINES];
    char pattern[LINES][8];
    char text[LINES * 40];
} lines_t;

/*  Names of few letters, so that many begin as others do. */
static void
s_random_name (hf_random_t *random, char *name)
{
    size_t size = hf_random_below (random, 6);
    for (size_t i = 0; i < size; i++)
        name[i] = "ab\x7e"[hf_random_below (random, 3)];
    name[size] = 0;
}

static const char *const s_users[USERS] = {"*", "kim", "lee"};

static void
s_random_lines (hf_random_t *random, lines_t *lines)
{
    size_t used = 0;
    for (unsigned i = 0; i < LINES; i++) {
        char *pattern = lines->pattern[i];
        s_random_name (random, pattern);
        if (pattern[0] == 0 || hf_random_below (random, 2) == 0)
            strcat (pattern, "*");
        lines->user[i] = (unsigned)hf_random_below (random, USERS);
        lines->right[i] = (unsigned)hf_random_below (random, HF_RIGHT_CLOSE);
        used += (size_t)sprintf (lines->text + used, "%s %s %s\n", s_users[lines->user[i]], pattern,
                                 hf_right_name ((hf_right_t)lines->right[i]));
    }
}

/*  One line after the other. */
static bool
s_one_allows (const lines_t *lines, unsigned user, unsigned right, const char *name)
{
    for (unsigned i = 0; i < LINES; i++) {
        const char *pattern = lines->pattern[i];
        size_t size = strlen (pattern) - 1;
        bool meant =
            pattern[size] == '*' ? strncmp (pattern, name, size) == 0 : strcmp (pattern, name) == 0;
        if (meant && lines->right[i] == right && (lines->user[i] == user || lines->user[i] == 0))
            return true;
    }
    return false;
}

HF_TEST (many_lines_allow_what_one_of_them_does)
{
    static lines_t lines;
    hf_random_t random = {.state = 11};
    unsigned allowed = 0;
    for (int round = 0; round < 300; round++) {
        s_random_lines (&random, &lines);
        hf_rights_t *rights = s_read (lines.text);
        for (int i = 0; i < 100; i++) {
            char name[8];
            unsigned user = (unsigned)hf_random_below (&random, USERS);
            unsigned right = (unsigned)hf_random_below (&random, HF_RIGHT_CLOSE);
            hf_rules_t rules = hf_rights_of (rights, s_users[user]);
            s_random_name (&random, name);
            bool allows = s_one_allows (&lines, user, right, name);
            if (hf_rules_allow (&rules, (hf_right_t)right, hf_span_text (name)) != allows)
                fail_msg ("%s %s '%s' should be %d in:\n%s", s_users[user],
                          hf_right_name ((hf_right_t)right), name, allows, lines.text);
            allowed += allows;
        }
        hf_rights_destroy (&rights);
    }
    assert_in_range (allowed, 3000, 27000);
}

HF_TEST (what_a_prefix_can_reach)
{
    hf_rights_t *rights = s_read ("kim svc/* watch\nlee svc/a watch");
    hf_rules_t kim = hf_rights_of (rights, "kim"), lee = hf_rights_of (rights, "lee");
    static const struct {
        const char *prefix;
        bool kim, lee;
    } cases[] = {{"", true, true},      {"s", true, true},       {"svc/", true, true},
                 {"svc/a", true, true}, {"svc/ab", true, false}, {"svc/b", true, false},
                 {"t", false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hf_span_t prefix = hf_span_text (cases[i].prefix);
        assert_int_equal (hf_rules_reach (&kim, HF_RIGHT_WATCH, prefix), cases[i].kim);
        assert_int_equal (hf_rules_reach (&lee, HF_RIGHT_WATCH, prefix), cases[i].lee);
        assert_false (hf_rules_reach (&kim, HF_RIGHT_READ, prefix));
    }
    hf_rights_destroy (&rights);
}

//  ---- what is refused ----------------------------------------------------------------------

HF_TEST (each_mistake_is_told_with_its_line)
{
    s_refused ("kim db/x acquire\n"
               "kim db/x\n"
               "\n"
               "kim db/x aquire,read\n"
               "k!m db/x read\n"
               "kim d*x read\n"
               "kim db/x read, watch\n",
               "2: 2 words: a line is USER PATTERN RIGHT[,RIGHT...]\n"
               "4: there is no right \"aquire\"; \"acquire\" is one\n"
               "5: \"k!m\" is no user: a user is * or 1 to 64 letters, digits and . _ - @ +\n"
               "6: \"d*x\": a * stands at the end of a pattern alone; in a name it is %2A\n"
               "7: 4 words: a line is USER PATTERN RIGHT[,RIGHT...]");
}

HF_TEST (rights_that_are_none)
{
    s_refused ("kim x everything", "1: there is no right \"everything\"; the rights are acquire "
                                   "shared append read watch release close members backup");
    s_refused ("kim x read,", "1: a right is missing: they are RIGHT[,RIGHT...] without blanks");
    s_refused ("kim x ,read", "1: a right is missing: they are RIGHT[,RIGHT...] without blanks");
    s_refused ("kim x READ", "1: there is no right \"READ\"; the rights are acquire shared append "
                             "read watch release close members backup");
    s_refused ("kim db/* close", "1: the right \"close\" is for no names: its pattern is *");
    s_refused ("kim x wach,reed", "1: there is no right \"wach\"; \"watch\" is one\n"
                                  "1: there is no right \"reed\"; \"read\" is one");
}

HF_TEST (names_that_are_none)
{
    char text[1200];
    s_refused ("kim a%2 read", "1: \"a%2\": behind % come two digits of a byte, such as %20");
    s_refused ("kim %zz read", "1: \"%zz\": behind % come two digits of a byte, such as %20");
    s_refused ("kim %00 read", "1: \"%00\": a name is UTF-8 without control characters");
    s_refused ("kim %ff* read", "1: \"%ff*\": a name is UTF-8 without control characters");
    s_refused ("kim \x1b[1mx%0a read",
               "1: \"?[1mx%0a\": a name is UTF-8 without control characters");
    memset (text, 'x', sizeof text);
    memcpy (text, "kim ", 4);
    memcpy (text + 4 + 256, " read", 6);
    s_refused (text, "1: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\": a name is at most 255 "
                     "bytes");
    memset (text, 'k', 65);
    memcpy (text + 65, " x read", 8);
    s_refused (text, "1: \"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...\" is no user: a user is * "
                     "or 1 to 64 letters, digits and . _ - @ +");
    memset (text, ' ', sizeof text);
    text[1001] = 0;
    s_refused (text, "1: longer than 1000 bytes");
}

HF_TEST (a_file_that_allows_nothing)
{
    s_refused ("", "0: it has no line that allows anything");
    s_refused ("# nobody\n\n", "0: it has no line that allows anything");
}

HF_TEST (files_that_are_too_large)
{
    static char text[HF_RIGHTS_BYTES_MAX + 2];
    memset (text, '\n', sizeof text - 1);
    s_refused (text, "0: larger than 1048576 bytes");
    size_t used = 0;
    for (int i = 0; i <= HF_RIGHTS_MAX; i++)
        used += (size_t)sprintf (text + used, "kim n%d read\n", i);
    s_refused (text, "10001: more than 10000 lines that allow something");
    text[used - strlen ("kim n10000 read\n")] = 0;
    hf_rights_t *rights = s_read (text);
    assert_string_equal (s_has (rights, "kim", "n9999"), "d");
    assert_string_equal (s_has (rights, "kim", "n10000"), "");
    hf_rights_destroy (&rights);
}

HF_TEST (mistakes_without_end)
{
    static char text[4000];
    for (int i = 0; i < 1000; i++)
        memcpy (text + 4 * i, "a b\n", 4);
    text[3999] = 0;
    said_t said = {.count = 0};
    assert_null (hf_rights_read (hf_span_text (text), s_say, &said));
    assert_int_equal (said.count, HF_RIGHTS_ERRORS);
}

HF_TEST_MAIN (NULL, NULL)

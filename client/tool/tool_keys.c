//  holdfast keys: make key pairs, and say whose they are. Asks no node.

#include "broker-less/hf_keys.h"
#include "client/tool/tool.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

static const char s_help[] =
    "usage: holdfast keys new NAME [--node ID | --user USER] [--out DIR]\n"
    "       holdfast keys show FILE...\n"
    "       holdfast keys rotate FILE [--out DIR]\n"
    "\n"
    "Key pairs, by which nodes and clients know each other (CURVE); in files as czmq\n"
    "writes them. Each node and each user has one. The secret file stays where it is\n"
    "made; the public one goes into the folder of keys of every node:\n"
    "\n"
    "  KEYS/nodes/FILE     a node: it may be a member\n"
    "  KEYS/clients/FILE   a client: it may use the cluster\n"
    "\n"
    "A client needs KEYS/nodes too, to know the nodes. Files come and go while the\n"
    "nodes run; a file that is removed ends the connections of its key.\n"
    "\n"
    "  new     write NAME, the public key, and NAME_secret, the pair\n"
    "  show    say whose the keys in FILE are\n"
    "  rotate  make a new pair for the owner of FILE, under the next free name. Add the\n"
    "          new public file to all folders, use the new secret one, and remove the\n"
    "          old file: until then both are valid\n"
    "\n"
    "options:\n"
    "      --node ID         of new: the key of this node\n"
    "      --user USER       of new: the key of this user (default: NAME)\n"
    "      --out DIR         where to write; made when it is not there (default: .; of\n"
    "                        rotate: where FILE is)\n"
    "      --json            of show: print JSON: file, user, node, public, secret\n"
    "\n"
    "examples:\n"
    "  mkdir -p keys/nodes keys/clients\n"
    "  holdfast keys new node-1 --node 1 && cp node-1 keys/nodes\n"
    "  holdfast keys new alice && cp alice keys/clients\n"
    "  holdfastd --id 1 --keys keys --key node-1_secret\n"
    "  holdfast --keys keys --key alice_secret status\n"
    "  holdfast keys show keys/*/*\n"
    "  holdfast keys rotate alice                    alice-2, beside it\n";

//  ---- writing -------------------------------------------------------------------------

static const char s_secret[] = "_secret";

/*  Write a new file; one that is there stays. 0, or the exit code. */
static int
s_write (const char *path, const hf_key_t *key, bool secret)
{
    char text[HF_KEY_FILE_ROOM];
    hf_key_write (key, secret, text);
    int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0644);
    if (fd < 0)
        return tool_error (errno == EEXIST ? TOOL_REFUSED : TOOL_IO, "cannot write %s: %s", path,
                           strerror (errno));
    size_t size = strlen (text);
    bool good = write (fd, text, size) == (ssize_t)size && fsync (fd) == 0;
    int code = errno;
    good = close (fd) == 0 && good;
    explicit_bzero (text, sizeof text);
    if (good)
        return 0;
    unlink (path);
    return tool_error (TOOL_IO, "cannot write %s: %s", path, strerror (code));
}

/*  OWNER's new pair as DIR/NAME and DIR/NAME_secret. */
static int
s_make (hf_key_t *owner, const char *dir, const char *name)
{
    char path[PATH_MAX], secret[PATH_MAX + sizeof s_secret];
    if (mkdir (dir, 0700) != 0 && errno != EEXIST)
        return tool_error (TOOL_IO, "cannot make %s: %s", dir, strerror (errno));
    snprintf (path, sizeof path, "%s/%s", dir, name);
    snprintf (secret, sizeof secret, "%s%s", path, s_secret);
    if (access (path, F_OK) == 0)
        return tool_error (TOOL_REFUSED, "%s is there already: nothing was written", path);
    if (zmq_curve_keypair (owner->public_text, owner->secret_text) != 0)
        return tool_error (TOOL_INTERNAL, "cannot make a key: %s", zmq_strerror (zmq_errno ()));
    int code = s_write (secret, owner, true);
    if (code == 0) {
        code = s_write (path, owner, false);
        if (code != 0)
            unlink (secret);
    }
    explicit_bzero (owner->secret_text, sizeof owner->secret_text);
    if (code != 0)
        return code;
    printf ("%s: give it to every node, for KEYS/%s\n%s: secret; give it to nobody\n", path,
            owner->node != 0 ? "nodes" : "clients", secret);
    return tool_flush (TOOL_OK);
}

static int
s_new (tool_options_t *options)
{
    if (options->count != 2)
        return tool_misuse (options, "new: one NAME is needed");
    hf_key_t owner = {.node = (uint32_t)options->node};
    const char *name = options->args[1];
    const char *user = options->user ? options->user : name;
    if (!hf_key_name_valid (name) || name[0] == '.')
        return tool_misuse (options,
                            "new: a name is 1 to 64 letters, digits and . _ - @ +, not '%s'", name);
    if (options->node != 0 && options->user)
        return tool_misuse (options, "new: --node and --user exclude each other");
    if (options->node > UINT16_MAX)
        return tool_misuse (options, "--node must be a number from 1 to 65535");
    if (!hf_key_name_valid (user))
        return tool_misuse (options,
                            "--user: a user's name is 1 to 64 letters, digits and . _ - @ +, not "
                            "'%s'",
                            user);
    if (options->node == 0)
        snprintf (owner.name, sizeof owner.name, "%s", user);
    return s_make (&owner, options->out ? options->out : ".", name);
}

//  ---- rotating ------------------------------------------------------------------------

/*  How much of NAME, the file of KEY, is not the number that rotate has put behind it. That of node
 * 1 may be called node-1, and that of the user web-1 web-1: this number is theirs. */
static size_t
s_base (const hf_key_t *key, const char *name)
{
    const char *dash = strrchr (name, '-');
    size_t whole = strlen (name), base = dash ? (size_t)(dash - name) : whole;
    if (!dash || dash[1] == 0 || strspn (dash + 1, "0123456789") != strlen (dash + 1))
        return whole;
    if (key->node == 0)
        return strcmp (key->name, name) == 0 ? whole : base;
    char own[16];
    size_t size = (size_t)snprintf (own, sizeof own, "-%u", key->node);
    bool again = base >= size && strncmp (name + base - size, own, size) == 0;
    return strcmp (dash, own) == 0 && !again ? whole : base;
}

/*  NAME-2, -3, ..., the first that is free in DIR. False: none is. */
static bool
s_next_name (const char *dir, const char *name, size_t base, char next[NAME_MAX + 1])
{
    char path[2 * PATH_MAX];
    for (unsigned i = 2; i < 10000; i++) {
        int size = snprintf (next, NAME_MAX + 1, "%.*s-%u", (int)base, name, i);
        snprintf (path, sizeof path, "%s/%s", dir, next);
        bool taken = access (path, F_OK) == 0;
        strcat (path, s_secret);
        if (size <= NAME_MAX && !taken && access (path, F_OK) != 0)
            return true;
    }
    return false;
}

static int
s_rotate (tool_options_t *options)
{
    if (options->count != 2)
        return tool_misuse (options, "rotate: one FILE is needed");
    if (options->node != 0 || options->user)
        return tool_misuse (options, "rotate: the owner stays; --node and --user are of new");
    char error[HF_ERROR_SIZE], next[NAME_MAX + 1], dir[PATH_MAX];
    hf_key_t key;
    const char *path = options->args[1];
    if (hf_key_load (&key, path, error) != 0)
        return tool_error (TOOL_REFUSED, "%s", error);
    const char *slash = strrchr (path, '/');
    char *name = tool_copy (slash ? slash + 1 : path);
    size_t size = strlen (name), tail = sizeof s_secret - 1;
    if (size > tail && strcmp (name + size - tail, s_secret) == 0)
        name[size - tail] = 0;
    snprintf (dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    if (slash == path)
        strcpy (dir, "/");
    const char *out = options->out ? options->out : dir;
    bool found = s_next_name (out, name, s_base (&key, name), next);
    free (name);
    return found ? s_make (&key, out, next)
                 : tool_error (TOOL_REFUSED, "no name is free in %s for a new key", out);
}

//  ---- showing -------------------------------------------------------------------------

static int
s_show (tool_options_t *options)
{
    if (options->count < 2)
        return tool_misuse (options, "show: which files? FILE is missing");
    tool_table_t *table = tool_table_new ("PUBLIC KEY|OF|SECRET|FILE");
    json_t *list = json_array ();
    int code = TOOL_OK;
    for (int i = 1; i < options->count; i++) {
        char error[HF_ERROR_SIZE], who[HF_KEY_NAME_MAX + 32] = "nobody";
        hf_key_t key;
        if (hf_key_load (&key, options->args[i], error) != 0) {
            code = tool_error (TOOL_REFUSED, "%s", error);
            continue;
        }
        bool secret = key.secret_text[0] != 0;
        explicit_bzero (key.secret_text, sizeof key.secret_text);
        if (key.name[0] != 0)
            snprintf (who, sizeof who, "user %s", key.name);
        if (key.node != 0)
            snprintf (who, sizeof who, "node %u", key.node);
        tool_table_text (table, key.public_text);
        tool_table_text (table, who);
        tool_table_text (table, secret ? "yes" : "no");
        tool_table_text (table, options->args[i]);
        json_array_append_new (list,
                               json_pack ("{s:s, s:s, s:I, s:s, s:b}", "file", options->args[i],
                                          "user", key.name, "node", (json_int_t)key.node, "public",
                                          key.public_text, "secret", secret));
    }
    int printed = tool_print (options->json ? NULL : table, "keys", list);
    json_decref (list);
    tool_table_destroy (&table);
    return code != TOOL_OK ? code : printed;
}

static int
s_keys (tool_options_t *options)
{
    static const struct {
        const char *name;
        int (*run) (tool_options_t *options);
    } actions[] = {{"new", s_new}, {"show", s_show}, {"rotate", s_rotate}};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp (options->args[0], actions[i].name) == 0)
            return actions[i].run (options);
    return tool_misuse (options, "keys: '%s' is none of new, show and rotate", options->args[0]);
}

const tool_command_t tool_keys = {.name = "keys",
                                  .help = s_help,
                                  .options = TOOL_JSON | TOOL_KEYS,
                                  .least = 1,
                                  .most = INT_MAX - 1,
                                  .missing = "what? new, show or rotate",
                                  .many = "",
                                  .run = s_keys};

/* app/settings_int.h - what the files of the settings share: the table of keys, and the reading of
 * one text. For app/settings*.c only.
 *
 * Whoever reads a value knows its place as a chain of names and indexes; it becomes text
 * (`accounts[2].base_url`) only when something is wrong there.
 * Threads: any, nothing is shared.   Memory: a reading lives on the stack of settings_read(). */
#ifndef PENSTOCK_APP_SETTINGS_INT_H
#define PENSTOCK_APP_SETTINGS_INT_H

#include "app/settings.h"
#include "base/json.h"
#include "base/json_write.h"

#define SETTINGS_TEXT_MAX ((size_t)4096) /* bytes of one string among the settings */
#define SETTINGS_CLIENT_KEYS_MAX 1000
#define SETTINGS_MAPPING_MAX 10000

struct place {
    const struct place *up; /* NULL: the root */
    struct str name;        /* of a member; an index has none */
    size_t index;
};

struct reading {
    struct settings *s;
    const struct json *doc;
    const struct settings_sources *sources; /* NULL: a check; the environment is not asked */
    struct settings_fault *fault;
    struct arena *scratch; /* gone with the reading */
};

/* --- the table of keys: settings_table.c */

struct key_row;

struct key_kind {
    const char *word; /* for the reference page */
    bool (*read)(struct reading *r, const struct key_row *row, const struct place *at,
                 uint32_t node);
    void (*put)(const struct settings *s, const struct key_row *row, struct json_writer *w);
};

struct key_row {
    const char *path;
    const struct key_kind *kind;
    size_t offset;       /* in struct settings */
    size_t size;         /* of an integer there: 4 or 8 */
    size_t count_offset; /* of a list's length */
    const char *standard;
    int64_t min, max;         /* of an integer in the file's unit, or of a list's length */
    int64_t scale;            /* what is kept is the value times this */
    bool ceiling;             /* `max` is a hard ceiling, and is named as one */
    bool is_object;           /* members of the user's naming: a path may lead into it */
    const char *const *words; /* of an enum, in its order; NULL-ended */
    /* Gives what is wrong with a text, or NULL; may put another spelling in its place. */
    const char *(*check)(struct arena *a, struct str *text);
    const char *meaning;
};

/* NULL behind the last one. Rows of one group stand together. */
const struct key_row *settings_row(size_t i);
const struct key_row *settings_row_find(struct str path);
/* Is there a key at or below `path`? The root (empty) has them all. */
bool settings_path_is_known(struct str path);
/* Does `path` lie below `group`? `rest` is what follows the dot. */
bool settings_path_below(struct str path, struct str group, struct str *rest);

/* --- reading: settings.c */

/* Fills the fault; always false. `node` JSON_NONE: not about a place in the text. */
bool settings_refuse(const struct reading *r, const struct place *at, uint32_t node,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Refuses a value that is not of this type. `wanted` as in "must be a string". */
bool settings_want(const struct reading *r, const struct place *at, uint32_t node,
                   enum json_type type, const char *wanted);
bool settings_read_bool(const struct reading *r, const struct place *at, uint32_t node, bool *out);
bool settings_read_integer(const struct reading *r, const struct place *at, uint32_t node,
                           int64_t min, int64_t max, bool ceiling, int64_t *out);
/* A string of at most `len_max` bytes without control bytes, copied into `a`. */
bool settings_read_text(const struct reading *r, const struct place *at, uint32_t node,
                        size_t len_max, struct arena *a, struct str *out);
/* A string that leaves no copy behind but `out`. */
bool settings_read_secret(const struct reading *r, const struct place *at, uint32_t node,
                          struct secret *out);
/* The member; JSON_NONE when it is absent or null. False: it stands there twice. */
bool settings_member(const struct reading *r, const struct place *at, uint32_t object,
                     struct str name, uint32_t *node);
/* Number of elements or members; counted, since the tape's own number saturates. */
size_t settings_count(const struct json *doc, uint32_t container);
/* A list or an object with so many of them. */
bool settings_open(const struct reading *r, const struct place *at, uint32_t node,
                   enum json_type type, int64_t min, int64_t max, size_t *count);
/* A fault of a validator that speaks of `member: reason`, laid over the object it was about. */
bool settings_refuse_member(const struct reading *r, const struct place *at, uint32_t object,
                            const struct error *e);
/* Without the environment: what key_env names is taken as set. */
bool settings_check(struct str text, struct settings_fault *fault);

/* --- texts that several keys hold: settings_check.c. Each gives what is wrong, or NULL. */

const char *check_host(struct arena *a, struct str *text);
const char *check_network(struct arena *a, struct str *text);
const char *check_web_origin(struct arena *a, struct str *text);
const char *check_proxy(struct arena *a, struct str *text);
const char *check_base_url(struct arena *a, struct str *text);
const char *check_variable_name(struct str name);
const char *check_client_key(struct str key);

/* --- lists of objects: settings_account.c, settings_provider.c */

extern const struct key_kind kind_accounts, kind_client_keys, kind_providers, kind_prices;

bool settings_read_headers(const struct reading *r, const struct place *at, uint32_t node,
                           struct arena *a, struct header_pair **headers, size_t *count);
void settings_put_headers(const struct header_pair *headers, size_t count, struct json_writer *w);

/* settings_oauth.c: `providers.<name>.oauth`, and what the environment lays over all of them. */
bool settings_read_oauth(struct reading *r, const struct place *at, uint32_t node,
                         struct signin_settings *s);
void settings_put_oauth(const struct signin_settings *s, struct json_writer *w);
bool settings_has_oauth(const struct signin_settings *s);
bool settings_lay_oauth(struct reading *r);

/* settings_keys.c: what is known of a client key by its text, and by its name. */
void settings_declare_key(struct client_key_spec *spec, struct str name, struct str key);

/* --- models' names: settings_routing.c */

extern const struct key_kind kind_mapping, kind_routing;
/* Mapping, flows and account routes together become the table. Behind all rows. */
bool settings_read_routes(struct reading *r);

/* A proxy's URL without its password; null for none. */
void settings_put_proxy(struct str proxy, struct json_writer *w);

/* One member of an account, a client key or a provider, for the reference page. */
struct member_doc {
    const char *name, *type, *meaning;
};
extern const struct member_doc account_docs[], client_key_docs[], price_docs[], provider_docs[],
    oauth_docs[], route_flow_docs[], route_account_docs[], route_when_docs[],
    route_background_docs[]; /* name NULL ends */
bool settings_has_member(const struct member_doc *docs, struct str name);
/* One environment variable that stands above the file. */
extern const struct member_doc environment_docs[];

#endif

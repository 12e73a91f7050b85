/* tests/sim/play.h - a script of tests/sim/scenarios being played; see scenario.c.
 *
 * play.c has the script, its lines and whoever is neither client nor upstream; play_client.c and
 * play_upstream.c have these; play_words.c reads words.
 * A function that gives a bool has said why with play_fail() when it gives false.
 * Memory: the play's arena, and the gate's for what goes into the gateway. */
#ifndef PENSTOCK_PLAY_H
#define PENSTOCK_PLAY_H

#include "gate.h"

/* --- words */

#define WORDS_MAX 100

struct words {
    struct str at[WORDS_MAX];
    size_t count, next;
};

struct str word_next(struct words *w);           /* empty behind the last */
bool word_is(struct words *w, const char *what); /* then it is taken */
/* `name=value`: takes the value when the next word has that name. */
bool word_value(struct words *w, const char *name, struct str *value);
/* Splits at blanks that are not within quotes; the quotes go. */
void words_split(struct arena *a, struct str clause, struct words *w);
/* Takes the first clause off: up to a comma with a blank behind it, outside of quotes. */
bool clause_next(struct str *rest, struct str *clause);
bool number_read(struct str s, uint64_t *n);
/* `500ms`, `5s`, `10m`, `1h`, with or without a plus in front. */
bool time_read(struct str s, int64_t *ms);

/* --- what is played */

#define NAMES_MAX 32
#define REQUESTS_MAX 32 /* of one client */

/* A request of a client, as far as its answer must be known. */
struct asked {
    enum wire wire;
    bool stream, json_array;
    struct str model;
};

struct actor { /* a client or the call of an upstream, by its name in the script */
    struct str name;

    struct gate_client *client;
    struct asked asked[REQUESTS_MAX];
    size_t asked_count, current;
    bool is_read;      /* the current answer was complete when it was last looked at */
    struct str unsent; /* rest of a request */

    struct gate_call *call;
    struct canned answer;
    size_t next_event;
    bool in_pieces; /* events in as many chunks as chance wants */
};

/* An account whose models share allowances as some provider's do. */
struct grouped {
    struct str label, group;
};

struct play {
    const char *path;
    size_t line;
    uint64_t seed;
    struct arena arena;
    struct buf accounts; /* JSON, before the gate is made */
    struct buf settings;
    struct gate *gate;
    struct actor actors[NAMES_MAX];
    size_t actor_count;
    size_t records_read;
    struct grouped grouped[NAMES_MAX];
    size_t grouped_count;
    struct actor *nameless; /* the last call without a name */
    bool failed;
    struct str why;
};

bool play_fail(struct play *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct actor *actor_find(struct play *p, struct str name); /* NULL: there is none */
struct actor *actor_new(struct play *p, struct str name);

bool client_clause(struct play *p, struct actor *c, struct words *w);
/* `NAME=VALUE` is among the fields. */
bool expect_field(struct play *p, struct str fields, struct str pair);

/* The call that a line is about: the one of that name, or the next that came. */
struct actor *call_of_line(struct play *p, struct str name);
bool upstream_clause(struct play *p, struct actor *a, struct words *w);

bool pool_clause(struct play *p, struct words *w);
bool pool_group_named(struct str name, struct str (**group)(struct str model));

/* Plays a whole script. False: it failed, and that was printed. */
bool play(const char *path, struct str text, uint64_t seed, uint64_t *digest);

#endif

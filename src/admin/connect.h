/* admin/connect.h - what each client has to be told to use this gateway: one table, for the
 * dashboard's page and for commands.
 *
 * Texts hold `{base}`, the gateway's address without a slash at its end, and `{key}`, a client key.
 * What is told was seen to work with the versions named in tests/agents and tests/sdk.
 * Threads: any, constant. */
#ifndef PENSTOCK_ADMIN_CONNECT_H
#define PENSTOCK_ADMIN_CONNECT_H

#include "base/buf.h"
#include "wire/protocol.h"

enum connect_kind {
    CONNECT_SHELL, /* lines for a shell */
    CONNECT_FILE,  /* (a part of) a file: `path` */
    CONNECT_CODE,  /* a program's text */
};
const char *connect_kind_word(enum connect_kind kind);

struct connect_step {
    enum connect_kind kind;
    const char *title;    /* one line */
    const char *path;     /* of a file; NULL */
    const char *language; /* `sh`, `toml`, `json`, `python`, `js` */
    const char *text;
};

#define CONNECT_STEPS_MAX 3

struct connect_client {
    const char *name, *title; /* `claude-code`, `Claude Code` */
    enum wire protocol;
    const char *about;                            /* one sentence */
    struct connect_step steps[CONNECT_STEPS_MAX]; /* as far as they have a text */
};

/* NULL behind the last. */
const struct connect_client *connect_client_at(size_t i);
const struct connect_client *connect_client_find(struct str name);
/* The text of a step for this gateway. False: `out` is full. */
bool connect_put(struct buf *out, const char *text, struct str base, struct str key);

#endif

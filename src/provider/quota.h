/* provider/quota.h - what a provider says is left of an account's allowances: in the head of each
 * answer, in an event of its stream, and when it is asked (docs/providers).
 *
 * Figures are thousandths that remain, by window; what is not said stays unknown, and nothing is
 * made up. Times of the loop come from those of the day. Threads: pure. */
#ifndef PENSTOCK_PROVIDER_QUOTA_H
#define PENSTOCK_PROVIDER_QUOTA_H

#include "provider/provider.h"

/* One moment on both clocks. */
struct moment {
    int64_t loop_ms, unix_ms;
};

/* What the head of an answer says of a group. False: nothing. Costs a look at the names when there
 * is nothing. */
bool quota_from_head(const struct upstream *u, const struct http_head *head,
                     const struct moment *now, struct quota_said *out);

/* Which group that is; empty: the model's own. */
struct str quota_head_group(const struct upstream *u);

/* The same of the data of Codex' event `codex.rate_limits`; `a` is scratch. */
bool quota_from_event(const struct upstream *u, struct str data, struct arena *a,
                      const struct moment *now, struct quota_said *out);

/* --- for the other files that read quotas ----------------------------------------------------- */

/* `12.5` with one place is 125; what is behind the places is cut off. False: no such number. */
bool quota_number(struct str text, unsigned places, int64_t *out);
/* Adds a window; of more than there is room for, the tightest stay. `reset_in_ms`: DELAY_NONE when
 * nobody said. */
void quota_add(struct quota_said *said, struct str name, int64_t remaining_permille,
               int64_t reset_in_ms, const struct moment *now);
/* `5h`, `weekly`, `90m`: a window by its length. */
#define QUOTA_NAME_MAX 20
struct str quota_window_name(int64_t minutes, char out[QUOTA_NAME_MAX]);
/* A number, or one in quotes, of an object. False: neither. */
struct json;
bool quota_number_in(const struct json *doc, uint32_t object, const char *name, unsigned places,
                     int64_t *out);
/* One of Codex' windows: `used_percent`, `reset_at`, its length. */
void quota_add_codex(const struct json *doc, uint32_t window, struct str name,
                     const struct moment *now, struct quota_said *said);

#endif

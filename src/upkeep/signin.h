/* upkeep/signin.h - people sign in to their accounts: the flows, from the first click to a grant
 * that is kept.
 *
 *     code     signin_start() gives the address for the browser; it comes back to a callback on
 * this machine, or the user pastes where it was sent (signin_code()); the code is exchanged device
 * signin_start() asks the provider for a code that the user types in there; the token address is
 * polled at the pace that the provider wants
 *
 * Then it is asked who that was, and of copilot a first token of the API; `keep` makes the account
 * of it. A code that was pasted without the address it stood in and that the provider does not take
 * ends nothing: another can be pasted. Several people may sign in at once. State is 256 bits, used
 * once, and lives ten minutes; PKCE is S256; the redirect URI is the one that was sent (product:
 * OAuth). Threads: own loop. Memory: bounded; signins_free() gives up what is under way. */
#ifndef PENSTOCK_UPKEEP_SIGNIN_H
#define PENSTOCK_UPKEEP_SIGNIN_H

#include "base/json_write.h"
#include "http/client.h"
#include "provider/provider.h"

#define SIGNINS_MAX 32
#define SIGNIN_MS (INT64_C(10) * 60 * 1000)
#define SIGNIN_CALL_MS 30000
#define SIGNIN_ID_MAX 33
#define DEVICE_INTERVAL_MS 5000      /* when the provider names none, and what slow_down adds */
#define DEVICE_INTERVAL_MS_MAX 60000 /* it is not asked more seldom */
/* What fails at the network or the provider is tried again: so often, after so long, doubled each
 * time, or as long as the provider says. Of device codes see above. */
#define SIGNIN_TRIES_MAX 4
#define SIGNIN_PAUSE_MS 1000
#define SIGNIN_PAUSE_MS_MAX 15000

struct signins_options {
    struct loop *loop;
    struct client *client; /* of this loop */
    /* Makes an account of the grant, or gives it to the one that it belongs to; sets spec->id and
     * the label that it has got. What is wanted stands in the spec. */
    enum status (*keep)(void *peer, struct account_spec *spec, struct error *e);
    void *peer;
};

struct signins;
struct signins *signins_new(const struct signins_options *options);
void signins_free(struct signins *s); /* NULL is fine */
/* Addresses, clients and proxies; borrowed until it is called again. */
void signins_settings(struct signins *s, const struct provider_options *settings);

struct signin_ask {
    struct str provider;
    struct str label;   /* of the new account; empty: who signed in */
    struct str project; /* antigravity; may be empty */
    struct str proxy;   /* may be empty */
    enum tier tier;
};
/* E_SYNTAX: there is no such provider, or none that one signs in to; E_ABSENT: it needs an OAuth
 * client, and signin_explain() says what to enter; E_LIMIT: too many are under way. Only a device
 * code comes later. */
MUST_USE enum status signin_start(struct signins *s, const struct signin_ask *ask,
                                  char id[SIGNIN_ID_MAX], struct error *e);
/* What the user pastes: the address that the browser was sent to, or the code in it. E_ABSENT: no
 * such sign-in; E_CONFLICT: it waits for no code any more; E_SYNTAX: it holds no code, or another
 * sign-in's. */
MUST_USE enum status signin_code(struct signins *s, struct str id, struct str text,
                                 struct error *e);
/* False: no such sign-in. */
bool signin_cancel(struct signins *s, struct str id);

enum signin_state { SIGNIN_WAITING, SIGNIN_WORKING, SIGNIN_DONE, SIGNIN_FAILED };
struct signin_view {
    enum signin_state state;
    struct str id, provider;
    struct str url;          /* for the browser */
    struct str user_code;    /* device: to be typed in there; empty: not there yet */
    struct str redirect_url; /* code */
    bool listening;          /* … is waited for here; else it must be pasted */
    struct str note;         /* why it must be pasted; may be empty */
    struct str error; /* a sentence. Failed: why; waiting: what was wrong with the code that was
                         pasted last, and another may be tried; else empty */
    int64_t seconds_left;
    int64_t account; /* done */
    struct str label, email;
};
/* Slices live until the sign-in goes. False: no such sign-in. */
bool signin_look(const struct signins *s, struct str id, struct signin_view *v);
/* Each that is under way, or was over a moment ago, the newest first. */
void signins_each(const struct signins *s, void (*fn)(void *peer, const struct signin_view *v),
                  void *peer);
const char *signin_state_word(enum signin_state state);
void signin_put(struct json_writer *w, const struct signin_view *v);

#endif

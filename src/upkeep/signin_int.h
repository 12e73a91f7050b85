/* upkeep/signin_int.h - what the files of the sign-ins share. For signin*.c only.
 * Threads: own loop. */
#ifndef PENSTOCK_UPKEEP_SIGNIN_INT_H
#define PENSTOCK_UPKEEP_SIGNIN_INT_H

#include "upkeep/callback.h"
#include "upkeep/signin.h"
#include "upkeep/web_call.h"

#define RANDOM_TEXT 44 /* 256 bits as text */

enum step {
    STEP_USER,     /* code: the browser is out there. device: asked again after `interval_ms` */
    STEP_DEVICE,   /* a device code is asked for */
    STEP_TOKEN,    /* a code is exchanged, or the token address is polled */
    STEP_EXCHANGE, /* copilot: a first token of the API */
    STEP_WHO,
    STEP_PAUSE, /* what was asked is asked again after a while */
    STEP_OVER,
};

struct signin {
    struct signins *signins;
    struct signin *next;
    char id[SIGNIN_ID_MAX];
    const struct signin_family *family;
    enum step step;
    enum signin_state outcome; /* STEP_OVER: done or failed */
    struct arena arena;
    struct str label, project, proxy;
    enum tier tier;
    int64_t until_ms; /* given up then; when it is over, forgotten */
    struct timer timer;
    struct web_call call;
    /* code */
    char state[RANDOM_TEXT], verifier[RANDOM_TEXT];
    bool state_used;
    struct secret code; /* while it is exchanged */
    bool by_hand;       /* … pasted as a bare word: another may be tried */
    bool maybe_used;    /* … sent, and no answer came: the provider may hold it for used */
    struct str url, redirect_url, note;
    struct callback_use *callback; /* NULL: the port was taken, or it is over */
    /* device */
    struct secret device_code;
    struct str user_code;
    int64_t interval_ms;
    /* of one question */
    enum step paused; /* STEP_PAUSE: the step that is tried again */
    uint32_t failures;
    /* what came */
    struct account_grant grant;
    int64_t lifetime_ms;
    struct str error; /* failed: why; waiting: what was wrong with the code pasted last */
    int64_t account;
    struct str account_label;
};

/* One listener for all who sign in to a provider at the same time. */
struct callback_use {
    struct signins *signins;
    struct callback_use *next;
    const struct signin_family *family;
    struct callback *callback;
    uint32_t users;
};

struct signins {
    struct signins_options o;
    const struct provider_options *settings;
    struct signin *first;
    uint32_t count;
    struct callback_use *callbacks;
    struct timer sweep;
};

/* --- signin.c */

struct signin *signin_find(const struct signins *s, struct str id);

/* --- signin_flow.c */

struct signin_urls signin_urls_of(const struct signin *in);
/* It is over: what it held is let go of; it can be looked at for a while. */
void signin_over(struct signin *in, enum signin_state outcome);
void signin_failed(struct signin *in, struct str why);
void signin_on_answer(void *peer, const struct call_fault *fault); /* of its web call */
/* `by_hand`: a bare word, of which nobody knows where it comes from. */
void signin_exchange_code(struct signin *in, struct str code, bool by_hand);
void signin_ask_again(struct signin *in); /* after its pause */
void signin_ask_device(struct signin *in);
void signin_poll(struct signin *in); /* has the user entered the device code? */

/* --- signin_return.c */

/* Joins the listener that is there, or opens one. Without one the user pastes. */
void signin_join(struct signin *in);
/* The port is free again as soon as nobody signs in; not from within the listener's own call. */
void signin_leave(struct signin *in);
void signin_sweep(void *peer,
                  int64_t now_ms); /* a timer of the sign-ins: closes what nobody uses */

#endif

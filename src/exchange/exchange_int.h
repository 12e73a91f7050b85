/* exchange/exchange_int.h - the insides of an exchange, shared by exchange.c, attempt.c and
 * reply.c. */
#ifndef PENSTOCK_EXCHANGE_EXCHANGE_INT_H
#define PENSTOCK_EXCHANGE_EXCHANGE_INT_H

#include "exchange/capture.h"
#include "exchange/exchange.h"
#include "provider/provider.h"
#include "wire/emitter.h"
#include "wire/embeddings.h"
#include "wire/translate.h"

enum exchange_state {
    EXCHANGE_READING,   /* request body is arriving */
    EXCHANGE_PICKING,   /* choosing an account, or waiting for one */
    EXCHANGE_SENDING,   /* attempt in flight, nothing of it has reached the client */
    EXCHANGE_STREAMING, /* content has reached the client: no way back */
    EXCHANGE_ENDED,     /* access record written */
    EXCHANGE_STATES,
};

#define FAULT_BODY_MAX ((size_t)64 << 10)
#define REPLY_FIELDS_MAX 40

enum attempt_mode {
    ATTEMPT_WAITING, /* no head yet */
    ATTEMPT_STREAM,  /* events go to the emitter */
    ATTEMPT_COLLECT, /* events become one whole answer, in another protocol */
    ATTEMPT_PASS,    /* bytes go to the client as they come (media.c) */
    ATTEMPT_BODY,    /* a whole answer is collected */
    ATTEMPT_FAULT,   /* an error body is collected, as far as it matters */
};

/* One try: one account, one upstream call, one verdict. */
struct attempt {
    bool running;
    struct lease lease;
    const struct upstream *upstream;
    struct call *call; /* NULL when its last hook has been called */
    enum attempt_mode mode;
    enum pick_reason reason;
    int status;
    int64_t waited_ms;                 /* before it */
    int64_t started_ms, first_byte_ms; /* loop clock; first byte -1: not yet */
    struct http_head *fault_head;      /* copy for the judge, only of a fault */
    struct buf body;
    struct str answer; /* ATTEMPT_BODY, once it is whole, while it is dealt with: lies in `body`, or
                        * where it was read */
    /* what goes upstream (outgoing.c) */
    enum wire wire;
    enum upstream_op op;
    bool stream; /* a streamed answer was asked for */
    struct str *parts;
    size_t part_count, body_bytes;
    bool translates;
    bool goes_on;     /* the provider had paused the turn: this is another request for it */
    struct turn turn; /* for providers that want to be told */
    struct crossing *crossing; /* NULL: the bytes pass */
};

/* What an attempt needs beside when its bytes do not just pass. */
struct crossing {
    struct translated asked;
    struct translated on; /* … of the request that goes on with a paused turn */
    struct encode_options encode;
    struct emitter *collector; /* ATTEMPT_COLLECT */
    struct buf made;           /* the whole answer in the client's protocol */
};

#define BLAME_PROVIDERS_MAX 8
#define CONVICT_ACCOUNTS 3         /* alike failures on so many accounts are the request's fault */
#define ATTEMPTS_COSTLY_PROVIDER 3 /* on one provider, when there is another */

/* Costly failures of one request, by provider. */
struct blame {
    struct {
        struct str provider;
        uint32_t costly;
        uint32_t count; /* accounts that failed so that the request may be to blame */
        struct lease_mark marks[CONVICT_ACCOUNTS];
    } of[BLAME_PROVIDERS_MAX];
    size_t count;
    struct str convicted[BLAME_PROVIDERS_MAX], spent[BLAME_PROVIDERS_MAX];
    size_t convicted_count, spent_count;
    struct str avoid; /* had no capacity for it */
};

/* What a client says of the picture it wants. */
struct image_asked {
    struct image_ask image;
    struct str where;
};

struct exchange {
    struct exchange_env *env;
    const struct exchange_rules *rules;
    struct request *r;             /* NULL: the client is gone, nothing can be written any more */
    struct arena *arena;           /* the request's, which lives until the end */
    struct exchange *next, **link; /* in env->running */
    uint64_t id;
    char request_id[40];
    struct trace_context trace; /* filled while traces are on */
    struct captured *captured;  /* its bodies are kept; NULL: they are not */
    enum exchange_state state;
    int64_t entered_ms[EXCHANGE_STATES];
    int64_t began_unix_ms; /* wall clock when EXCHANGE_READING was entered */
    struct door_target target;
    const struct client_key *key;
    int64_t key_taken, key_prompt; /* tokens reserved for it; its prompt, estimated for that */
    struct str client;             /* the program, as it calls itself */
    struct wire_request request;
    struct str media_type; /* content type of a form; empty: the body is JSON */
    struct str media_answer_type;
    bool media_streams;             /* such an answer was asked for */
    struct picture_calls *pictures; /* for models of Google's; NULL: none yet */
    struct embeddings_ask *embed;   /* of a client whose texts go to a provider of another form */
    struct history *history;     /* what it refers to, what is kept of its answer; NULL: nothing */
    struct lending *lending;     /* minted.c: thinking that its client cannot give back */
    struct canon_request *canon; /* all of it, read when the first attempt needs it, until it goes
                                    with the body */
    bool signatures_refused;     /* a signature was refused: the next attempt goes without any */
    uint32_t repaired;           /* second tries without what was refused */
    bool refused; /* some account cannot take what the request says: `refusal` tells what */
    struct wire_complaint refusal;
    struct str mapped;     /* the upstream id; of a route: of the entry that was asked last */
    struct image_id image; /* … and what an image model's name says beside it */
    struct image_asked *image_asked; /* what the request itself says of it; NULL: not changed */
    struct walk *walk;               /* along a route; NULL: the pool decides */
    struct session_key session;
    bool has_session;
    int64_t home;   /* who alone takes back what the request holds; 0: nobody */
    bool only_told; /* nothing is to be generated: what is said is for a later request */
    bool listed;    /* counted as running */

    struct timer timer;
    int64_t deadline_ms, head_at_ms, last_out_ms;
    struct waiter *waiter; /* its place in the pool's queue; NULL: it has not had to wait yet */
    bool waiting;          /* in that queue, and in env->waiting */
    struct exchange *wait_next, **wait_link;
    int64_t wait_since_ms; /* since when nobody was free; 0 not waiting */
    int64_t again_at_ms;   /* when waiting or resting: pick again then */

    struct attempt attempt;
    uint32_t attempt_count, costly_count;
    struct access_attempt *attempts; /* attempts_kept() of them, but for one that runs */
    struct str broke;                /* what went wrong on the way to the last upstream for which */
    uint32_t broke_attempt;          /* … something did, in that attempt; 0: none */
    struct usage beyond;             /* of those that made room for the last one */
    /* accounts that are not asked again, and those that were given a second try; room for
     * PICK_TRIED_MAX each from the first fault on */
    int64_t *tried, *spared, *renewed; /* `renewed`: asked again because their token had expired */
    struct str *tried_models;          /* what each that was tried was asked for */
    size_t tried_count, spared_count, renewed_count;
    int64_t again; /* the account that is to be asked once more; 0: none */
    bool lingers;  /* the session's account may be waited for: its limit is over in a moment */
    struct blame *blame; /* what costly failures say; made with the first of them */
    struct pick *pick; /* what the pool said last, of which pick_bytes() are kept; NULL: nothing */
    size_t pick_room;  /* for what it says next; 0: that gets a place of its own */
    uint32_t verdicts[VERDICT_KINDS]; /* how many attempts ended so */
    struct judge_words words;         /* of the last attempt that failed */
    struct verdict last;

    struct emitter *emitter; /* of a stream; NULL: the answer comes in one piece */
    struct str lines;        /* of the answer's head, until the body goes */
    struct usage usage;
    int64_t first_out_ms;
    uint64_t bytes_out;
    int answered; /* status the client got; 0 nothing yet */
};

static inline bool exchange_is_paused(const struct exchange_env *env)
{
    return env->paused != NULL && atomic_load_explicit(env->paused, memory_order_relaxed);
}

void exchange_move(struct exchange *x, enum exchange_state to);
/* Chooses an account and starts an attempt, or waits, or gives up. */
void exchange_pick(struct exchange *x);
/* The session's key in words, `sid-…`; empty: it has none. Lives as long as the request. */
struct str exchange_session_text(const struct exchange *x);
/* The attempt failed with this verdict: learns, and goes on or gives up. */
void exchange_fault(struct exchange *x, const struct verdict *v, const struct judge_words *words);
/* Another account takes this one's place: it cannot be asked, or failed. */
void exchange_use_up(struct exchange *x, int64_t account);
/* Writes the access record and lets go of everything; the answer must have been written or given
 * up. */
void exchange_end(struct exchange *x, enum ending ending);
void exchange_schedule(struct exchange *x);

/* walk.c: the way of a name to those who may serve it. */

/* What became of the model's name, once for each exchange. */
struct walk {
    struct route_found found;
    const struct route_step *const *steps; /* of the route, those that are for this request */
    size_t step_count;
    struct pick_ask *asks; /* two times as many: one half may lie in the pool's queue */
    bool second_half;
};
enum asking_for {
    ASKING_LEASE,
    ASKING_SURVEY,   /* of those that are out */
    ASKING_SIDE,     /* to count tokens */
    ASKING_ANY_WIRE, /* on the side: is the model offered at all? */
};
/* Finds what the client's name for the model comes to. */
void walk_begin(struct exchange *x);
/* What of a route a journal keeps. */
void walk_journal(const struct exchange *x, struct journal_event *ev);
/* What the pool said (env->asked) is kept in x->pick. */
void walk_keep_pick(struct exchange *x);
/* What the pool is asked for. With it goes what it points to: valid until it was asked for twice
 * more. */
void walk_ask(struct exchange *x, enum asking_for what, struct pick_ask *ask);
/* What an entry of a route says to the pool; the rest of the ask is left as it is. */
void walk_ask_step(struct pool *pool, const struct route *route, const struct route_step *step,
                   struct pick_ask *ask);
/* Asks the pool, also for other names of the model where nobody offers it under this one. True: an
 * account was leased. */
bool walk_lease(struct exchange *x, enum asking_for what, int64_t now_ms);

/* models.c: does the name lead to an account in use, now? Takes the pool's lock. */
bool model_is_served(struct exchange_env *env, struct str name, struct arena *a);

/* give_up.c: nobody is left to ask, or to wait for. Ends the exchange. */
void exchange_give_up(struct exchange *x);

/* Whose request it is: objects that are stored for a client belong to this key, and are given to no
 * other. */
static inline struct key_id exchange_key_id(const struct exchange *x)
{
    return x->key != NULL ? x->key->id : (struct key_id){ { 0 } };
}

static inline uint32_t attempts_kept(const struct exchange *x)
{
    return x->attempt_count < ACCESS_ATTEMPTS_MAX ? x->attempt_count : ACCESS_ATTEMPTS_MAX;
}

/* blame.c: a costly failure; whether the request, or the provider, is to blame. Call it when the
 * lease has been returned. */
void blame_learn(struct exchange *x, const struct lease_mark *mark, struct str provider,
                 const struct verdict *v);

/* attempt.c */
/* For the judge, who reads it when the body has come. */
struct http_head *attempt_head_copy(struct exchange *x, const struct http_head *head);
void attempt_start(struct exchange *x);
/* The provider tells in an event of the stream what is left of the account. */
void attempt_hear_limits(void *exchange, struct str data);
/* The answer is whole: the lease goes back with a success. */
void attempt_succeed(struct exchange *x);
/* A 200 that is none: the stream was cut, or what came is no answer of this wire. */
void attempt_cut(struct exchange *x);
/* An error inside a 200. */
void attempt_refused_inside(struct exchange *x);
/* Ends the attempt: cancels its call if it still runs, returns the lease with the verdict, records
 * it. */
void attempt_end(struct exchange *x, const struct verdict *v);

/* outgoing.c: what is sent to the account of the lease. False: it cannot take the request. */
bool outgoing_make(struct exchange *x, struct wire_complaint *why);
void outgoing_clear(struct exchange *x);
/* The client's own body with these edits becomes what is sent. */
void outgoing_splice(struct exchange *x, const struct wire_splice *s);
/* In strict mode nothing may be lost, not even approximated: false, and why. */
bool outgoing_may_lose(struct exchange *x, const struct losses *losses, struct wire_complaint *why);
/* The attempt's crossing, made when it is first needed. */
struct crossing *attempt_crossing(struct exchange *x);
/* The wires over which this can be served, as WIRE_BITs. */
uint32_t outgoing_wires(const struct door_target *t);
/* The request that goes on with the turn which `e` tells is paused becomes what is sent. False: the
 * account cannot be asked. */
bool outgoing_go_on(struct exchange *x, struct emitter *e);
/* The client's request in the words of the attempt's wire. */
bool outgoing_translate(struct exchange *x, struct wire_complaint *why);
/* The upstream refused something that can be left out: is the same account to be asked again? Then
 * it is learned. */
bool outgoing_repair(struct exchange *x, const struct judge_words *words);
/* The wire to use of those an upstream speaks: the client's own, else the one that can say most. */
enum wire outgoing_wire(enum wire protocol, uint32_t wires);
/* Reads the client's request whole, once. */
bool canon_read(struct exchange *x, struct wire_complaint *why);

/* counting.c: the way of a request that only wants its tokens counted. */
void counting_begin(struct exchange *x);
void counting_answered(struct exchange *x);
/* The account that was asked could not count. */
void counting_failed(struct exchange *x);
/* Our own number. */
void counting_estimate(struct exchange *x);

/* media.c: pictures and recordings, as they come and go. */
static inline bool media_is(const struct exchange *x)
{
    return x->target.ask == ASK_IMAGE || x->target.ask == ASK_IMAGE_EDIT ||
           x->target.ask == ASK_TRANSCRIBE;
}
/* Reads what is read of the request. */
bool media_read(struct exchange *x, struct wire_complaint *why);
bool media_make(struct exchange *x, struct wire_complaint *why);
void media_answered(struct exchange *x);
void media_stream(struct exchange *x, struct str bytes);
void media_stream_end(struct exchange *x);

/* pictures.c: pictures for OpenAI's calls, by models of another form. */

/* May a model of this name be asked in that form? */
bool pictures_wanted(const struct exchange *x, struct str model);
/* Is the attempt one in that form? */
bool pictures_are(const struct exchange *x);
bool pictures_make(struct exchange *x, uint32_t wires, struct wire_complaint *why);
/* The attempt's own call runs: the others may. `head` is what it says. */
void pictures_begin(struct exchange *x, struct str head);
/* The attempt ends: whatever still runs of it does not. */
void pictures_cancel(struct exchange *x);
void pictures_answered(struct exchange *x);
/* The attempt's own call failed: true when others of it may still have pictures. */
bool pictures_hold(struct exchange *x, const struct verdict *v, const struct judge_words *words);
struct str pictures_type(const struct exchange *x); /* of what the client gets */

/* embedding.c: vectors for texts. */
static inline bool embedding_is(const struct exchange *x)
{
    return x->target.ask == ASK_EMBED || x->target.ask == ASK_EMBED_BATCH;
}
bool embedding_make(struct exchange *x, struct wire_complaint *why);
void embedding_answered(struct exchange *x);
/* Is the model offered, but by accounts that have no vectors (or no compaction)? */
bool embedding_lacks(struct exchange *x);

/* key_use.c: a client key's limits. key_admit() false: `f` tells when to come again; key_begin()
 * false: the request has been refused. key_end() gives what it is charged. */
bool key_admit(struct exchange_env *env, const struct client_key *key, struct fault *f);
bool key_begin(struct exchange *x);
int64_t key_end(struct exchange *x, enum ending ending);
/* What is left to a key that is limited, for its client: at most KEY_FIELDS_MAX. */
#define KEY_FIELDS_MAX 6
size_t key_fields(const struct client_key *key, enum wire protocol, int64_t now_ms, struct arena *a,
                  struct http_field *out, size_t room);

/* reply.c */
extern const struct emitter_sink reply_sink;
/* Fields of an answer that an upstream served, from its head. */
void reply_collect_fields(struct exchange *x, const struct http_head *head);
void reply_whole(struct exchange *x, const struct wire_answer *answer);
/* A whole answer that was made here (attempt.made). */
void reply_made(struct exchange *x);
/* Fields of an answer that no upstream had a part in. */
void reply_estimated_fields(struct exchange *x);
/* The request is wrong. */
void reply_complaint(struct exchange *x, const struct wire_complaint *why);
/* An error of ours as a whole answer; for a stream that has started, as its last event. Then ends
 * the exchange. */
void reply_fault(struct exchange *x, const struct fault *f, enum ending ending);
/* The error for a request that no exchange was made for. */
void reply_refuse(struct exchange_env *env, struct request *r, const struct door_target *t,
                  const struct fault *f);
/* The same under this request id; with what is left to a key (NULL: of none). */
void reply_refuse_as(struct exchange_env *env, struct request *r, const struct door_target *t,
                     const struct client_key *key, const struct fault *f, struct str id);
/* What the key may ask for; NULL: no key, all. */
void reply_models(struct exchange_env *env, struct request *r, const struct door_target *t,
                  const struct client_key *key);
/* JSON of ours; `id` may be empty. */
void reply_own(struct exchange_env *env, struct request *r, struct str id, struct str body);
void reply_health(struct exchange_env *env, struct request *r);
void reply_preflight(struct exchange_env *env, struct request *r);
/* `req_` and 24 hex digits. */
void reply_request_id(struct exchange_env *env, char out[40]);

#endif

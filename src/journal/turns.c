/* journal/turns.c - the list of turns, and the generator.
 *
 * Every number is drawn from the seed and the place it is for, not from one stream: so more
 * conversations leave those before them as they were. */
#include "journal/turns.h"

#include <stdlib.h>

const struct turns_made turns_made_default = {
    .seed = 1,
    .sessions = 60,
    .turns = 20,
    .span_ms = INT64_C(20) * 60 * 1000,
    .think_ms = 25000,
    .prompt = 12000,
    .growth = 1500,
    .answer = 500,
    .model = { "model", 5 },
};

uint64_t turns_random(uint64_t seed, uint64_t a, uint64_t b)
{
    uint64_t z = seed * UINT64_C(0x9e3779b97f4a7c15) ^ (a + 1) * UINT64_C(0xd1342543de82ef95) ^
                 (b + 1) * UINT64_C(0xaf251af3b0f025b5);

    for (int i = 0; i < 2; i++) {
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        z ^= z >> 31;
    }
    return z;
}

void turns_free(struct turns *t)
{
    free(t->at);
    free(t->sessions);
    free(t->accounts);
    arena_free(&t->arena);
    *t = (struct turns){ 0 };
}

static void grow(void **list, uint32_t count, uint32_t *cap, size_t each)
{
    if (count < *cap)
        return;
    *cap = *cap == 0 ? 64 : *cap * 2;
    *list = must_realloc(*list, each * *cap);
}

struct turn *turns_add(struct turns *t)
{
    void *list = t->at;

    grow(&list, t->count, &t->cap, sizeof(t->at[0]));
    t->at = list;
    t->at[t->count] = (struct turn){ .session = TURN_NONE, .next = TURN_NONE };
    return &t->at[t->count++];
}

uint32_t turns_add_session(struct turns *t, const struct session_key *key)
{
    void *list = t->sessions;

    grow(&list, t->session_count, &t->session_cap, sizeof(t->sessions[0]));
    t->sessions = list;
    t->sessions[t->session_count] = *key;
    return t->session_count++;
}

/* --- made up --------------------------------------------------------------------------------- */

enum draw { DRAW_BEGIN, DRAW_TURNS, DRAW_PROMPT, DRAW_THINK, DRAW_GROWTH, DRAW_ANSWER, DRAWS };

/* From half of `mean` to half as much again, evenly. */
static int64_t around(const struct turns_made *made, uint32_t session, uint32_t turn,
                      enum draw what, int64_t mean)
{
    uint64_t r = turns_random(made->seed, session, (uint64_t)turn * DRAWS + what);

    return mean / 2 + (int64_t)(r % ((uint64_t)mean + 1));
}

static uint32_t session_make(const struct turns_made *made, uint32_t number, struct turns *out)
{
    struct session_key key;

    for (size_t i = 0; i < sizeof(key.digest); i += 8) {
        uint64_t r = turns_random(made->seed ^ UINT64_C(0x5e5510), number, i);

        memcpy(key.digest + i, &r, 8);
    }
    return turns_add_session(out, &key);
}

static void conversation_make(const struct turns_made *made, uint32_t number, struct turns *out)
{
    uint32_t session = session_make(made, number, out);
    uint32_t turns = (uint32_t)around(made, number, 0, DRAW_TURNS, made->turns);
    uint64_t begin = turns_random(made->seed, number, DRAW_BEGIN) % ((uint64_t)made->span_ms + 1);
    int64_t prompt = around(made, number, 0, DRAW_PROMPT, made->prompt);

    for (uint32_t i = 0; i < (turns > 0 ? turns : 1); i++) {
        uint32_t before = out->count - 1;
        struct turn *t = turns_add(out);

        t->session = session;
        t->model = made->model;
        t->follows = i > 0;
        t->at_ms = (int64_t)begin;
        t->think_ms = around(made, number, i, DRAW_THINK, made->think_ms);
        t->tokens_prompt = prompt;
        t->tokens_out = around(made, number, i, DRAW_ANSWER, made->answer);
        prompt += t->tokens_out + around(made, number, i, DRAW_GROWTH, made->growth);
        if (i > 0)
            out->at[before].next = before + 1;
    }
}

enum status turns_make(const struct turns_made *made, struct turns *out, struct error *e)
{
    *out = (struct turns){ 0 };
    if ((uint64_t)made->sessions * made->turns > TURNS_MAX / 2)
        return fail(e, E_LIMIT, "%u conversations of %u turns are more than %u turns",
                    made->sessions, made->turns, TURNS_MAX / 2);
    for (uint32_t i = 0; i < made->sessions; i++)
        conversation_make(made, i, out);
    return OK;
}

/* simulator/answer.h - a plan in the words of each wire, whole or as a stream (wire references as
 * of November 2026). Each fills `r->body` and its marks; the status stays what it is. Threads:
 * pure. */
#ifndef PENSTOCK_SIMULATOR_ANSWER_H
#define PENSTOCK_SIMULATOR_ANSWER_H

#include "simulator/reply.h"

void answer_chat(struct reply *r, const struct plan *p, struct arena *a);
void answer_responses(struct reply *r, const struct plan *p, struct arena *a);
void answer_anthropic(struct reply *r, const struct plan *p, struct arena *a);
void answer_gemini(struct reply *r, const struct plan *p, struct arena *a);

/* The id of the response object, as `response.failed` names it. */
struct str answer_responses_id(const struct plan *p, struct arena *a);

/* The answer to a question for the number of tokens. */
void answer_count(struct reply *r, const struct ask *ask);
/* Vectors for the texts of a request. NULL, or what is wrong with it. */
const char *answer_embed(struct reply *r, const struct ask *ask, struct str body, bool batch,
                         struct arena *a);
/* A list of models, or one of them. */
void answer_models(struct reply *r, enum wire wire, const struct str *models, uint32_t count,
                   int64_t created);
void answer_model(struct reply *r, enum wire wire, struct str model, int64_t created);

#endif

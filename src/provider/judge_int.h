/* provider/judge_int.h - between the classifier and its Google part. */
#ifndef PENSTOCK_PROVIDER_JUDGE_INT_H
#define PENSTOCK_PROVIDER_JUDGE_INT_H

#include "provider/form.h"
#include "provider/provider.h"

/* Does the fault's text hold these words, whatever its case? They are given in lower case. */
static inline bool form_has(const struct fault_form *f, const char *words)
{
    return str_find(f->lower, str_c(words)) != SIZE_MAX;
}

/* Is the fault in Google's form, or over a wire where only that is spoken? */
bool google_speaks(const struct judge_ask *ask, const struct fault_form *f);

/* The decision list for 429 (and 499 of Cloud Code). `head_ms`: what the fields of the answer say,
 * -1 nothing. The verdict's delay is final. */
struct verdict google_too_many(const struct fault_form *f, int64_t head_ms, int64_t unix_ms);

/* What else Google's words mean; VERDICT_NONE when the status may decide. */
enum verdict_kind google_refusal(const struct fault_form *f, int status);

#endif

/* provider/google.c - how Google says no (docs/providers/signals.md): one list, first match
 * wins. */
#include "base/timetext.h"
#include "provider/delay.h"
#include "provider/judge_int.h"

#define SHORT_MS (INT64_C(300) * 1000) /* longer waits are used-up quota, not haste */
#define MINUTE_MS (INT64_C(60) * 1000)

bool google_speaks(const struct judge_ask *ask, const struct fault_form *f)
{
    return ask->wire == WIRE_GEMINI || ask->wire == WIRE_CLOUDCODE || f->status.len > 0 ||
           f->detailed;
}

/* `limit: 0`, the plan has none of this model; but not `limit: 0.5` or `limit: 05`. */
static bool limit_is_zero(struct str text)
{
    const struct str lead = STR("limit:");

    for (size_t at = 0; (at = str_find(text, lead)) != SIZE_MAX;) {
        text = str_drop(text, at + lead.len);
        struct str value = text;

        while (value.len > 0 && (value.at[0] == ' ' || value.at[0] == '\t'))
            value = str_drop(value, 1);
        if (value.len == 0 || value.at[0] != '0')
            continue;
        struct str behind = str_drop(value, 1);
        bool decimal =
            behind.len > 1 && behind.at[0] == '.' && behind.at[1] >= '0' && behind.at[1] <= '9';
        bool digit = behind.len > 0 && behind.at[0] >= '0' && behind.at[0] <= '9';

        if (!decimal && !digit)
            return true;
    }
    return false;
}

static bool reason_is(const struct fault_form *f, const char *reason)
{
    return str_eq(f->reason, str_c(reason));
}

/* With stray characters around it, and its staging and autopush kin. */
static bool of_cloud_code(const struct fault_form *f)
{
    return str_ifind(f->domain, STR("cloudcode-pa.")) != SIZE_MAX;
}

static bool lacks_capacity(const struct fault_form *f, int64_t told_ms)
{
    return reason_is(f, "MODEL_CAPACITY_EXHAUSTED") || reason_is(f, "MODEL_CAPACITY_EXCEEDED") ||
           form_has(f, "capacity exceeded") || form_has(f, "no capacity available") ||
           (form_has(f, "exhausted your capacity") && told_ms == DELAY_NONE);
}

/* A daily quota comes back at midnight in California. The short retryDelay that may stand beside it
 * is of another clock: only a reset, or a delay too long for haste, is believed. */
static void daily_delay(const struct fault_form *f, int64_t told_ms, int64_t unix_ms,
                        struct verdict *v)
{
    v->delay_ms = f->reset_ms != DELAY_NONE ? f->reset_ms : told_ms;
    if (v->delay_ms != DELAY_NONE && (f->reset_ms != DELAY_NONE || told_ms > SHORT_MS))
        return;
    v->delay_ms = delay_until(date_next_pacific_midnight(unix_ms), unix_ms);
    v->derived = v->daily = true;
}

struct verdict google_too_many(const struct fault_form *f, int64_t head_ms, int64_t unix_ms)
{
    int64_t told_ms = f->reset_ms != DELAY_NONE ? f->reset_ms : f->retry_ms;
    struct verdict v = { .kind = VERDICT_RATE_LIMITED, .group_scope = f->of_model };

    if (told_ms == DELAY_NONE)
        told_ms = head_ms;
    if (told_ms == DELAY_NONE)
        told_ms = delay_from_text(f->text, unix_ms);
    v.delay_ms = told_ms;

    if (limit_is_zero(f->lower)) {
        v.kind = VERDICT_QUOTA_EXHAUSTED;
        v.billing = v.group_scope = true;
        v.delay_ms = DELAY_NONE; /* waiting as told would not bring a quota the plan lacks */
    } else if (f->per_day) {
        v.kind = VERDICT_QUOTA_EXHAUSTED;
        daily_delay(f, told_ms, unix_ms, &v);
    } else if (lacks_capacity(f, told_ms)) {
        v.kind = VERDICT_CAPACITY;
        v.group_scope = true;
    } else if (reason_is(f, "INSUFFICIENT_G1_CREDITS_BALANCE")) {
        v.kind = VERDICT_QUOTA_EXHAUSTED;
        v.billing = true;
    } else if (of_cloud_code(f) && reason_is(f, "QUOTA_EXHAUSTED")) {
        v.kind = VERDICT_QUOTA_EXHAUSTED;
    } else if (told_ms > SHORT_MS) {
        v.kind = VERDICT_QUOTA_EXHAUSTED;
    } else if (told_ms == DELAY_NONE && f->per_minute) {
        v.delay_ms = MINUTE_MS;
        v.derived = true;
    } else if (told_ms == DELAY_NONE && !(of_cloud_code(f) && f->reason.len > 0)) {
        v.exhausted = true;
    }
    return v;
}

enum verdict_kind google_refusal(const struct fault_form *f, int status)
{
    if (form_has(f, "api key expired") || form_has(f, "api key not valid") ||
        form_has(f, "reported as leaked"))
        return VERDICT_AUTH_INVALID;
    if (status == 403 && reason_is(f, "VALIDATION_REQUIRED"))
        return VERDICT_NEEDS_ACTION;
    if (status == 403 && (reason_is(f, "SERVICE_DISABLED") || reason_is(f, "CONSUMER_SUSPENDED")))
        return VERDICT_AUTH_INVALID;
    /* region and billing are the account's, whatever the request says */
    if (status == 400 && str_eq(f->status, STR("FAILED_PRECONDITION")) &&
        (form_has(f, "location") || form_has(f, "region") || form_has(f, "country") ||
         form_has(f, "billing")))
        return VERDICT_FORBIDDEN;
    return VERDICT_NONE;
}

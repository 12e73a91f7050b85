#include "exchange/meter.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fingerprint.h"
#include "base/series.h"
#include "base/utf8.h"

/* --- scales: what OpenTelemetry advises ----------------------------------------------------------
 */

/* Milliseconds, told as seconds. */
static const struct histogram_scale duration_scale = {
    { "0.01", "0.02", "0.04", "0.08", "0.16", "0.32", "0.64", "1.28", "2.56", "5.12", "10.24",
      "20.48", "40.96", "81.92" },
    { 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240, 20480, 40960, 81920 },
    14,
    3,
};
static const struct histogram_scale first_scale = {
    { "0.001", "0.005", "0.01", "0.02", "0.04", "0.06", "0.08", "0.1", "0.25", "0.5", "0.75", "1.0",
      "2.5", "5.0", "7.5", "10.0" },
    { 1, 5, 10, 20, 40, 60, 80, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000 },
    16,
    3,
};
/* Microseconds, told as seconds. */
static const struct histogram_scale token_time_scale = {
    { "0.01", "0.025", "0.05", "0.075", "0.1", "0.15", "0.2", "0.3", "0.4", "0.5", "0.75", "1.0",
      "2.5" },
    { 10000, 25000, 50000, 75000, 100000, 150000, 200000, 300000, 400000, 500000, 750000, 1000000,
      2500000 },
    13,
    6,
};
static const struct histogram_scale tokens_scale = {
    { "1.0", "4.0", "16.0", "64.0", "256.0", "1024.0", "4096.0", "16384.0", "65536.0", "262144.0",
      "1048576.0", "4194304.0", "16777216.0", "67108864.0" },
    { 1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864 },
    14,
    0,
};

/* --- what is counted
 * ------------------------------------------------------------------------------ */

enum {
    REQUEST_PROTOCOL,
    REQUEST_OPERATION,
    REQUEST_MODEL,
    REQUEST_PROVIDER,
    REQUEST_ENDING,
    REQUEST_LABELS
};

struct request_row {
    struct series_row row;
    struct histogram duration, first, token_time;
    struct counter streams, bytes_in, bytes_out;
};

enum { ATTEMPT_OPERATION, ATTEMPT_MODEL, ATTEMPT_PROVIDER, ATTEMPT_VERDICT, ATTEMPT_LABELS };

struct attempt_row {
    struct series_row row;
    struct histogram duration, first, tokens_in, tokens_out;
    struct counter cache_read, cache_write, reasoning;
};

struct key_row {
    struct series_row row; /* name of the client key */
    struct counter requests, tokens_in, tokens_out;
};

struct meter {
    struct series requests, attempts, keys;
    struct counter picks[PICK_REASONS], skips[SKIPS], lockouts[VERDICT_KINDS];
    struct counter waits, waited_ms; /* attempts that were waited for */
    struct counter untold;           /* attempts of which the record says nothing more */
    struct counter others;           /* records counted under `other` */
};

struct meter *meter_new(void)
{
    struct meter *m = must_calloc(1, sizeof(*m));

    series_init(&m->requests, sizeof(struct request_row), REQUEST_LABELS, METER_ROWS_MAX);
    series_init(&m->attempts, sizeof(struct attempt_row), ATTEMPT_LABELS, METER_ROWS_MAX);
    series_init(&m->keys, sizeof(struct key_row), 1, METER_ROWS_MAX);
    return m;
}

void meter_free(struct meter *m)
{
    if (m == NULL)
        return;
    series_clear(&m->requests);
    series_clear(&m->attempts);
    series_clear(&m->keys);
    free(m);
}

/* --- words
 * ----------------------------------------------------------------------------------------- */

struct str gen_ai_operation(struct str protocol, struct str path)
{
    if (str_ends(path, STR("/embeddings")) || str_ends(path, STR(":embedContent")) ||
        str_ends(path, STR(":batchEmbedContents")))
        return STR("embeddings");
    if (str_ends(path, STR("/count_tokens")) || str_ends(path, STR(":countTokens")) ||
        str_ends(path, STR("/input_tokens")))
        return STR("count_tokens");
    if (str_ends(path, STR("/completions")) && !str_ends(path, STR("/chat/completions")))
        return STR("text_completion");
    return str_eq(protocol, STR("gemini")) ? STR("generate_content") : STR("chat");
}

struct str gen_ai_provider(struct str provider)
{
    return str_eq(provider, STR("gemini")) ? STR("gcp.gemini") : provider;
}

/* --- adding
 * ---------------------------------------------------------------------------------------- */

static const struct str other = { "other", 5 };

/* The row of these labels, else that with the model `other`, else that in which all are. `whole`:
 * it is the first. */
static void *row_of(struct meter *m, struct series *s, struct str *labels, uint32_t model,
                    bool answered, bool *whole)
{
    uint32_t room = answered ? METER_ROWS_MAX - METER_ROWS_MAX / 10 : METER_ROWS_MAX / 2;
    void *row = series_row(s, labels, 0); /* it may be there already, of another kind */

    if (row == NULL && utf8_valid(labels[model]) == labels[model].len)
        row = series_row(s, labels, room);
    *whole = row != NULL;
    if (row != NULL)
        return row;
    count_own(&m->others, 1);
    labels[model] = other;
    row = series_row(s, labels, METER_ROWS_MAX);
    if (row != NULL)
        return row;
    for (uint32_t i = 0; i < s->label_count; i++)
        labels[i] = other;
    row = series_row(s, labels, METER_ROWS_MAX + 1);
    assert(row != NULL);
    return row;
}

static struct request_row *request_row(struct meter *m, const struct access_record *r,
                                       struct record_kind *k)
{
    if (k->request_row != NULL)
        return k->request_row;
    struct str labels[REQUEST_LABELS] = {
        [REQUEST_PROTOCOL] = r->protocol,
        [REQUEST_OPERATION] = gen_ai_operation(r->protocol, r->path),
        [REQUEST_MODEL] = r->model,
        [REQUEST_PROVIDER] = r->provider,
        [REQUEST_ENDING] = str_c(ending_word(r->ending)),
    };
    bool whole;
    struct request_row *row =
        row_of(m, &m->requests, labels, REQUEST_MODEL, r->ending == ENDING_COMPLETE, &whole);

    if (whole) /* else it may have a row of its own one day */
        k->request_row = row;
    return row;
}

static struct attempt_row *attempt_row(struct meter *m, const struct access_record *r,
                                       const struct access_attempt *a, struct record_kind *k)
{
    if (k->attempt_row != NULL && k->attempt_verdict == a->verdict &&
        k->attempt_provider == a->provider.at)
        return k->attempt_row;
    struct str labels[ATTEMPT_LABELS] = {
        [ATTEMPT_OPERATION] = gen_ai_operation(r->protocol, r->path),
        [ATTEMPT_MODEL] = r->mapped_model,
        [ATTEMPT_PROVIDER] = a->provider,
        [ATTEMPT_VERDICT] = str_c(verdict_word(a->verdict)),
    };
    bool whole;
    struct attempt_row *row =
        row_of(m, &m->attempts, labels, ATTEMPT_MODEL, a->verdict == VERDICT_SUCCESS, &whole);

    if (whole) {
        k->attempt_row = row;
        k->attempt_verdict = a->verdict;
        k->attempt_provider = a->provider.at;
    }
    return row;
}

static struct key_row *key_row(struct meter *m, const struct access_record *r,
                               struct record_kind *k)
{
    if (k->key_row != NULL)
        return k->key_row;
    struct key_row *row = series_row(&m->keys, &r->client_key, METER_ROWS_MAX);

    if (row != NULL) {
        k->key_row = row;
        return row;
    }
    row = series_row(&m->keys, &other, METER_ROWS_MAX + 1);
    assert(row != NULL);
    return row;
}

static void add_tokens(struct counter *c, int64_t tokens)
{
    if (tokens > 0)
        count_own(c, (uint64_t)tokens);
}

static void add_skips(struct meter *m, const struct pick *p)
{
    uint32_t any = 0;

    for (unsigned i = SKIP_NONE + 1; i < SKIPS; i++) /* most have none: no branch for each */
        any |= p->skipped[i];
    for (unsigned i = SKIP_NONE + 1; i < SKIPS && any != 0; i++)
        if (p->skipped[i] > 0)
            count_own(&m->skips[i], p->skipped[i]);
}

static void add_attempt(struct meter *m, struct attempt_row *row, const struct access_attempt *a)
{
    histogram_own(&row->duration, &duration_scale, a->duration_ms > 0 ? a->duration_ms : 0);
    if (a->first_byte_ms >= 0)
        histogram_own(&row->first, &duration_scale, a->first_byte_ms);
    if (a->usage.in >= 0)
        histogram_own(&row->tokens_in, &tokens_scale, a->usage.in);
    if (a->usage.out >= 0)
        histogram_own(&row->tokens_out, &tokens_scale, a->usage.out);
    add_tokens(&row->cache_read, a->usage.cache_read);
    add_tokens(&row->cache_write, a->usage.cache_write);
    add_tokens(&row->reasoning, a->usage.reasoning);
    count_own(&m->picks[a->pick->reason], 1);
    add_skips(m, a->pick);
    if (a->locks.scope != NULL)
        count_own(&m->lockouts[a->verdict], 1);
    if (a->waited_ms > 0) {
        count_own(&m->waits, 1);
        count_own(&m->waited_ms, (uint64_t)a->waited_ms);
    }
}

static void add_key(struct key_row *row, const struct access_record *r)
{
    count_own(&row->requests, 1);
    add_tokens(&row->tokens_in, r->usage.in);
    add_tokens(&row->tokens_out, r->usage.out);
}

void meter_add(struct meter *m, const struct access_record *r, struct record_kind *k)
{
    struct request_row *row = request_row(m, r, k);
    int64_t after_first_ms = r->duration_ms - r->first_byte_ms;

    histogram_own(&row->duration, &duration_scale, r->duration_ms > 0 ? r->duration_ms : 0);
    if (r->first_byte_ms >= 0 && r->ending == ENDING_COMPLETE)
        histogram_own(&row->first, &first_scale, r->first_byte_ms);
    if (r->stream) {
        count_own(&row->streams, 1);
        if (r->first_byte_ms >= 0 && r->usage.out > 1 && r->ending == ENDING_COMPLETE)
            histogram_own(&row->token_time, &token_time_scale,
                          after_first_ms * 1000 / (r->usage.out - 1));
    }
    count_own(&row->bytes_in, r->bytes_in);
    count_own(&row->bytes_out, r->bytes_out);
    if (r->client_key.len > 0)
        add_key(key_row(m, r, k), r);
    for (uint32_t i = 0; i < r->attempts_kept; i++)
        add_attempt(m, attempt_row(m, r, &r->attempts[i], k), &r->attempts[i]);
    if (r->attempt_count > r->attempts_kept)
        count_own(&m->untold, r->attempt_count - r->attempts_kept);
    if (r->nobody != NULL) {
        count_own(&m->picks[PICK_NONE], 1);
        add_skips(m, r->nobody);
    }
}

/* --- telling
 * --------------------------------------------------------------------------------------- */

static const struct metric_family family_requests = {
    "penstock_requests", METRIC_COUNTER, "",
    "Client requests for a model that have ended, by how they did."
};
static const struct metric_family family_duration = {
    "gen_ai_server_request_duration_seconds", METRIC_HISTOGRAM, "seconds",
    "From the head of a client's request to the end of its answer; error_type is how it ended when "
    "not well."
};
static const struct metric_family family_first = {
    "gen_ai_server_time_to_first_token_seconds", METRIC_HISTOGRAM, "seconds",
    "From the head of a client's request to the first byte of a good answer."
};
static const struct metric_family family_token_time = {
    "gen_ai_server_time_per_output_token_seconds", METRIC_HISTOGRAM, "seconds",
    "Time for each generated token after the first, of streams."
};
static const struct metric_family family_streams = {
    "penstock_requests_streamed", METRIC_COUNTER, "",
    "Client requests for a stream that have ended."
};
static const struct metric_family family_bytes_in = { "penstock_request_body_bytes", METRIC_COUNTER,
                                                      "bytes",
                                                      "Bytes of client requests' bodies." };
static const struct metric_family family_bytes_out = { "penstock_answer_body_bytes", METRIC_COUNTER,
                                                       "bytes", "Bytes of answers' bodies." };
static const struct metric_family family_attempts = {
    "penstock_attempt_verdicts", METRIC_COUNTER, "",
    "Verdicts on upstream attempts; of one request the first ones and the last."
};
static const struct metric_family family_untold = {
    "penstock_attempts_untold", METRIC_COUNTER, "",
    "Upstream attempts between the first and the last of a request, not among "
    "penstock_attempt_verdicts."
};
static const struct metric_family family_operation = {
    "gen_ai_client_operation_duration_seconds", METRIC_HISTOGRAM, "seconds",
    "Time of an upstream attempt; error_type is the verdict when it failed."
};
static const struct metric_family family_chunk = {
    "gen_ai_client_operation_time_to_first_chunk_seconds", METRIC_HISTOGRAM, "seconds",
    "From the start of an upstream attempt to the first byte of its answer."
};
static const struct metric_family family_tokens = {
    "gen_ai_client_token_usage", METRIC_HISTOGRAM, "",
    "Tokens of an upstream attempt: input (cached ones too) or output (reasoning too)."
};
static const struct metric_family family_cached = {
    "penstock_tokens_detail", METRIC_COUNTER, "",
    "Tokens among those of gen_ai_client_token_usage: read from a cache, written to it, reasoning."
};
static const struct metric_family family_picks = {
    "penstock_picks", METRIC_COUNTER, "",
    "Accounts chosen, by the reason; `none`: nobody was free in the end."
};
static const struct metric_family family_skips = {
    "penstock_skips", METRIC_COUNTER, "", "Accounts passed over while choosing, by the reason."
};
static const struct metric_family family_lockouts = {
    "penstock_lockouts", METRIC_COUNTER, "", "Lockouts of accounts, by what caused them."
};
static const struct metric_family family_waits = { "penstock_waits", METRIC_COUNTER, "",
                                                   "Attempts that were waited for." };
static const struct metric_family family_waited = { "penstock_wait_seconds", METRIC_COUNTER,
                                                    "seconds",
                                                    "Time that attempts were waited for." };
static const struct metric_family family_key_requests = {
    "penstock_client_key_requests", METRIC_COUNTER, "", "Requests that have ended, by client key."
};
static const struct metric_family family_key_tokens = { "penstock_client_key_tokens",
                                                        METRIC_COUNTER, "",
                                                        "Tokens of answers, by client key." };
static const struct metric_family family_others = {
    "penstock_metrics_other", METRIC_COUNTER, "",
    "Records counted under the model `other`, for want of room."
};

/* Rows of all meters that have the same labels, as one. */
struct request_sum {
    const struct series_row *row;
    struct histogram_sum duration, first, token_time;
    uint64_t count, streams, bytes_in, bytes_out;
};

struct attempt_sum {
    const struct series_row *row;
    struct histogram_sum duration, first, tokens_in, tokens_out;
    uint64_t count, cache_read, cache_write, reasoning;
};

static uint64_t count_of(const struct histogram_sum *h)
{
    uint64_t n = 0;

    for (size_t i = 0; i < COUNT(h->buckets); i++)
        n += h->buckets[i];
    return n;
}

struct telling {
    struct metric_text *t;
    struct meter *const *all;
    size_t all_count;
    struct request_sum *requests;
    struct attempt_sum *attempts;
    struct key_row **keys;
    size_t request_count, attempt_count, key_count;
    bool privacy;       /* names of client keys are not told */
    bool folded;        /* all models are told as `other`: see METER_TOLD_MAX */
    struct buf *labels; /* of a row: in its own words, and in OpenTelemetry's */
};

static struct series_row **rows_of(const struct telling *w, size_t offset, size_t *count)
{
    const struct series **sets = must_calloc(w->all_count + 1, sizeof(struct series *));

    for (size_t i = 0; i < w->all_count; i++)
        sets[i] = (const struct series *)(const void *)((const char *)w->all[i] + offset);
    struct series_row **rows = series_sorted(sets, w->all_count, count);

    free(sets);
    return rows;
}

static void sum_requests(struct telling *w)
{
    size_t count;
    struct series_row **rows = rows_of(w, offsetof(struct meter, requests), &count);
    struct request_sum *s = NULL;

    w->requests = must_calloc(count + 1, sizeof(w->requests[0]));
    for (size_t i = 0; i < count; i++) {
        const struct request_row *row = (const struct request_row *)(const void *)rows[i];

        if (s == NULL || series_row_cmp(s->row, rows[i], REQUEST_LABELS) != 0)
            s = &w->requests[w->request_count++];
        s->row = rows[i];
        histogram_add(&s->duration, &row->duration);
        histogram_add(&s->first, &row->first);
        histogram_add(&s->token_time, &row->token_time);
        s->streams += count_read(&row->streams);
        s->bytes_in += count_read(&row->bytes_in);
        s->bytes_out += count_read(&row->bytes_out);
        s->count = count_of(&s->duration);
    }
    free(rows);
}

static void sum_attempts(struct telling *w)
{
    size_t count;
    struct series_row **rows = rows_of(w, offsetof(struct meter, attempts), &count);
    struct attempt_sum *s = NULL;

    w->attempts = must_calloc(count + 1, sizeof(w->attempts[0]));
    for (size_t i = 0; i < count; i++) {
        const struct attempt_row *row = (const struct attempt_row *)(const void *)rows[i];

        if (s == NULL || series_row_cmp(s->row, rows[i], ATTEMPT_LABELS) != 0)
            s = &w->attempts[w->attempt_count++];
        s->row = rows[i];
        histogram_add(&s->duration, &row->duration);
        histogram_add(&s->first, &row->first);
        histogram_add(&s->tokens_in, &row->tokens_in);
        histogram_add(&s->tokens_out, &row->tokens_out);
        s->cache_read += count_read(&row->cache_read);
        s->cache_write += count_read(&row->cache_write);
        s->reasoning += count_read(&row->reasoning);
        s->count = count_of(&s->duration);
    }
    free(rows);
}

/* Do two rows differ in the name of the model at most? */
static bool alike_but_model(const struct series_row *a, const struct series_row *b, uint32_t count,
                            uint32_t model)
{
    for (uint32_t i = 0; i < count; i++)
        if (i != model && !str_eq(a->labels[i], b->labels[i]))
            return false;
    return true;
}

static void fold_request(struct request_sum *to, const struct request_sum *s)
{
    histogram_sum_add(&to->duration, &s->duration);
    histogram_sum_add(&to->first, &s->first);
    histogram_sum_add(&to->token_time, &s->token_time);
    to->count += s->count;
    to->streams += s->streams;
    to->bytes_in += s->bytes_in;
    to->bytes_out += s->bytes_out;
}

static void fold_attempt(struct attempt_sum *to, const struct attempt_sum *s)
{
    histogram_sum_add(&to->duration, &s->duration);
    histogram_sum_add(&to->first, &s->first);
    histogram_sum_add(&to->tokens_in, &s->tokens_in);
    histogram_sum_add(&to->tokens_out, &s->tokens_out);
    to->count += s->count;
    to->cache_read += s->cache_read;
    to->cache_write += s->cache_write;
    to->reasoning += s->reasoning;
}

/* Rows only ever become more, so once folded they stay so. */
static void fold_models(struct telling *w)
{
    size_t requests = 0, attempts = 0, k;

    if (w->request_count <= METER_TOLD_MAX && w->attempt_count <= METER_TOLD_MAX)
        return;
    w->folded = true;
    for (size_t i = 0; i < w->request_count; i++) {
        const struct request_sum *s = &w->requests[i];

        for (k = 0; k < requests &&
                    !alike_but_model(w->requests[k].row, s->row, REQUEST_LABELS, REQUEST_MODEL);)
            k++;
        if (k < requests)
            fold_request(&w->requests[k], s);
        else
            w->requests[requests++] = *s;
    }
    for (size_t i = 0; i < w->attempt_count; i++) {
        const struct attempt_sum *s = &w->attempts[i];

        for (k = 0; k < attempts &&
                    !alike_but_model(w->attempts[k].row, s->row, ATTEMPT_LABELS, ATTEMPT_MODEL);)
            k++;
        if (k < attempts)
            fold_attempt(&w->attempts[k], s);
        else
            w->attempts[attempts++] = *s;
    }
    w->request_count = requests;
    w->attempt_count = attempts;
}

static struct str told_model(const struct telling *w, struct str model)
{
    return w->folded ? other : model;
}

static struct str request_labels(struct telling *w, const struct request_sum *s)
{
    const struct str *of = s->row->labels;
    const struct metric_label list[] = { { "protocol", of[REQUEST_PROTOCOL] },
                                         { "operation", of[REQUEST_OPERATION] },
                                         { "model", told_model(w, of[REQUEST_MODEL]) },
                                         { "provider", of[REQUEST_PROVIDER] },
                                         { "ending", of[REQUEST_ENDING] } };

    metric_labels(w->labels, list, COUNT(list));
    return buf_str(w->labels);
}

static struct str good_or_empty(struct str outcome, const char *good)
{
    return str_eq(outcome, str_c(good)) ? STR("") : outcome;
}

static struct str request_gen_ai(struct telling *w, const struct request_sum *s)
{
    const struct str *of = s->row->labels;
    const struct metric_label list[] = {
        { "gen_ai_operation_name", of[REQUEST_OPERATION] },
        { "gen_ai_provider_name", gen_ai_provider(of[REQUEST_PROVIDER]) },
        { "gen_ai_request_model", told_model(w, of[REQUEST_MODEL]) },
        { "protocol", of[REQUEST_PROTOCOL] },
        { "error_type", good_or_empty(of[REQUEST_ENDING], ending_word(ENDING_COMPLETE)) },
    };

    metric_labels(w->labels, list, COUNT(list));
    return buf_str(w->labels);
}

static struct str attempt_labels(struct telling *w, const struct attempt_sum *s, const char *kind)
{
    const struct str *of = s->row->labels;
    const struct metric_label list[] = { { "operation", of[ATTEMPT_OPERATION] },
                                         { "model", told_model(w, of[ATTEMPT_MODEL]) },
                                         { "provider", of[ATTEMPT_PROVIDER] },
                                         { "verdict", of[ATTEMPT_VERDICT] },
                                         { "kind", str_c(kind) } };

    metric_labels(w->labels, list, COUNT(list));
    return buf_str(w->labels);
}

static struct str attempt_gen_ai(struct telling *w, const struct attempt_sum *s, const char *type)
{
    const struct str *of = s->row->labels;
    const struct metric_label list[] = {
        { "gen_ai_operation_name", of[ATTEMPT_OPERATION] },
        { "gen_ai_provider_name", gen_ai_provider(of[ATTEMPT_PROVIDER]) },
        { "gen_ai_request_model", told_model(w, of[ATTEMPT_MODEL]) },
        { "error_type", good_or_empty(of[ATTEMPT_VERDICT], verdict_word(VERDICT_SUCCESS)) },
        { "gen_ai_token_type", str_c(type) },
    };

    metric_labels(w->labels, list, COUNT(list));
    return buf_str(w->labels);
}

static void put_requests(struct telling *w)
{
    const struct {
        const struct metric_family *family;
        size_t offset;
    } counters[] = {
        { &family_requests, offsetof(struct request_sum, count) },
        { &family_streams, offsetof(struct request_sum, streams) },
        { &family_bytes_in, offsetof(struct request_sum, bytes_in) },
        { &family_bytes_out, offsetof(struct request_sum, bytes_out) },
    };
    const struct {
        const struct metric_family *family;
        size_t offset;
        const struct histogram_scale *scale;
    } histograms[] = {
        { &family_duration, offsetof(struct request_sum, duration), &duration_scale },
        { &family_first, offsetof(struct request_sum, first), &first_scale },
        { &family_token_time, offsetof(struct request_sum, token_time), &token_time_scale },
    };

    for (size_t f = 0; f < COUNT(counters); f++) {
        metric_family_begin(w->t, counters[f].family);
        for (size_t i = 0; i < w->request_count; i++) {
            const struct request_sum *s = &w->requests[i];
            uint64_t value;

            memcpy(&value, (const char *)s + counters[f].offset, sizeof(value));
            metric_put(w->t, request_labels(w, s), (int64_t)value);
        }
    }
    for (size_t f = 0; f < COUNT(histograms); f++) {
        metric_family_begin(w->t, histograms[f].family);
        for (size_t i = 0; i < w->request_count; i++) {
            const struct request_sum *s = &w->requests[i];
            const void *h = (const char *)s + histograms[f].offset;

            metric_put_histogram(w->t, request_gen_ai(w, s), h, histograms[f].scale);
        }
    }
}

static void put_attempts(struct telling *w)
{
    metric_family_begin(w->t, &family_attempts);
    for (size_t i = 0; i < w->attempt_count; i++)
        metric_put(w->t, attempt_labels(w, &w->attempts[i], ""), (int64_t)w->attempts[i].count);
    metric_family_begin(w->t, &family_cached);
    for (size_t i = 0; i < w->attempt_count; i++) {
        const struct attempt_sum *s = &w->attempts[i];

        if (s->cache_read > 0)
            metric_put(w->t, attempt_labels(w, s, "cache_read"), (int64_t)s->cache_read);
        if (s->cache_write > 0)
            metric_put(w->t, attempt_labels(w, s, "cache_write"), (int64_t)s->cache_write);
        if (s->reasoning > 0)
            metric_put(w->t, attempt_labels(w, s, "reasoning"), (int64_t)s->reasoning);
    }
    metric_family_begin(w->t, &family_operation);
    for (size_t i = 0; i < w->attempt_count; i++)
        metric_put_histogram(w->t, attempt_gen_ai(w, &w->attempts[i], ""), &w->attempts[i].duration,
                             &duration_scale);
    metric_family_begin(w->t, &family_chunk);
    for (size_t i = 0; i < w->attempt_count; i++)
        metric_put_histogram(w->t, attempt_gen_ai(w, &w->attempts[i], ""), &w->attempts[i].first,
                             &duration_scale);
    metric_family_begin(w->t, &family_tokens);
    for (size_t i = 0; i < w->attempt_count; i++) {
        metric_put_histogram(w->t, attempt_gen_ai(w, &w->attempts[i], "input"),
                             &w->attempts[i].tokens_in, &tokens_scale);
        metric_put_histogram(w->t, attempt_gen_ai(w, &w->attempts[i], "output"),
                             &w->attempts[i].tokens_out, &tokens_scale);
    }
}

/* The same in each run, so that its series goes on. */
static struct str key_name(const struct telling *w, struct str name, char text[32])
{
    struct fingerprint f = { { 0, 0 } };

    if (!w->privacy)
        return name;
    fingerprint_add(&f, name);
    snprintf(text, 32, "key-%012llx", (unsigned long long)(f.lane[0] & 0xffffffffffff));
    return str_c(text);
}

static void put_key(struct telling *w, struct series_row **rows, size_t from, size_t to,
                    const struct metric_family *family)
{
    uint64_t requests = 0, in = 0, out = 0;

    for (size_t i = from; i < to; i++) {
        const struct key_row *row = (const struct key_row *)(const void *)rows[i];

        requests += count_read(&row->requests);
        in += count_read(&row->tokens_in);
        out += count_read(&row->tokens_out);
    }
    char text[32];
    struct metric_label list[] = { { "client_key", key_name(w, rows[from]->labels[0], text) },
                                   { "type", STR("") } };

    metric_labels(w->labels, list, 1);
    if (family == &family_key_requests) {
        metric_put(w->t, buf_str(w->labels), (int64_t)requests);
        return;
    }
    list[1].value = STR("input");
    metric_labels(w->labels, list, 2);
    metric_put(w->t, buf_str(w->labels), (int64_t)in);
    list[1].value = STR("output");
    metric_labels(w->labels, list, 2);
    metric_put(w->t, buf_str(w->labels), (int64_t)out);
}

static void put_keys(struct telling *w)
{
    const struct metric_family *families[] = { &family_key_requests, &family_key_tokens };
    size_t count;
    struct series_row **rows = rows_of(w, offsetof(struct meter, keys), &count);

    for (size_t f = 0; f < COUNT(families); f++) {
        metric_family_begin(w->t, families[f]);
        for (size_t from = 0, to; from < count; from = to) {
            to = from + 1;
            while (to < count && series_row_cmp(rows[from], rows[to], 1) == 0)
                to++;
            put_key(w, rows, from, to, families[f]);
        }
    }
    free(rows);
}

/* Counters of a table of words: each that is not zero. */
static void put_words(struct telling *w, const struct metric_family *family, const char *label,
                      size_t offset, unsigned words, const char *(*word)(unsigned i))
{
    metric_family_begin(w->t, family);
    for (unsigned i = 0; i < words; i++) {
        uint64_t n = 0;

        for (size_t k = 0; k < w->all_count; k++) {
            const char *base = (const char *)w->all[k] + offset;

            n += count_read(&((const struct counter *)(const void *)base)[i]);
        }
        if (n == 0)
            continue;
        metric_labels(w->labels, &(struct metric_label){ label, str_c(word(i)) }, 1);
        metric_put(w->t, buf_str(w->labels), (int64_t)n);
    }
}

static const char *pick_at(unsigned i)
{
    return pick_reason_word((enum pick_reason)i);
}

static const char *skip_at(unsigned i)
{
    return skip_word((enum skip)i);
}

static const char *verdict_at(unsigned i)
{
    return verdict_word((enum verdict_kind)i);
}

static int64_t total(const struct telling *w, size_t offset)
{
    uint64_t n = 0;

    for (size_t i = 0; i < w->all_count; i++)
        n += count_read((const struct counter *)(const void *)((const char *)w->all[i] + offset));
    return (int64_t)n;
}

void meters_put(struct metric_text *t, struct meter *const *all, size_t count, bool privacy)
{
    struct buf labels = { .max = (size_t)64 << 10 };
    struct telling w = {
        .t = t, .all = all, .all_count = count, .privacy = privacy, .labels = &labels
    };

    sum_requests(&w);
    sum_attempts(&w);
    fold_models(&w);
    put_requests(&w);
    put_attempts(&w);
    put_keys(&w);
    put_words(&w, &family_picks, "reason", offsetof(struct meter, picks), PICK_REASONS, pick_at);
    put_words(&w, &family_skips, "reason", offsetof(struct meter, skips), SKIPS, skip_at);
    put_words(&w, &family_lockouts, "reason", offsetof(struct meter, lockouts), VERDICT_KINDS,
              verdict_at);
    metric_one(t, &family_waits, total(&w, offsetof(struct meter, waits)));
    metric_family_begin(t, &family_waited);
    metric_put_scaled(t, STR(""), total(&w, offsetof(struct meter, waited_ms)), 3);
    metric_one(t, &family_untold, total(&w, offsetof(struct meter, untold)));
    metric_one(t, &family_others, total(&w, offsetof(struct meter, others)));
    free(w.requests);
    free(w.attempts);
    buf_clear(&labels);
}

#include "exchange/access.h"

#include "base/log.h"

static const struct {
    const char *word, *text;
} endings[ENDINGS] = {
#define X(name, word, text) [ENDING_##name] = { word, text },
    ENDING_TABLE(X)
#undef X
};

const char *ending_word(enum ending e)
{
    assert(e < ENDINGS);
    return endings[e].word;
}

const char *ending_text(enum ending e)
{
    assert(e < ENDINGS);
    return endings[e].text;
}

bool ending_from_word(struct str word, enum ending *e)
{
    for (unsigned i = 0; i < ENDINGS; i++)
        if (str_eq(str_c(endings[i].word), word)) {
            *e = (enum ending)i;
            return true;
        }
    return false;
}

static void put_known(struct json_writer *w, const char *name, int64_t n)
{
    if (n >= 0)
        json_put_member_i64(w, name, n);
}

static void put_text(struct json_writer *w, const char *name, struct str text)
{
    if (text.len > 0)
        json_put_member(w, name, text);
}

static void put_attempts(struct json_writer *w, const struct access_record *r)
{
    json_put_key(w, STR("attempts"));
    json_put_array(w);
    for (uint32_t i = 0; i < r->attempts_kept; i++) {
        const struct access_attempt *a = &r->attempts[i];

        json_put_object(w);
        json_put_member(w, "account", str_c(a->label));
        json_put_member(w, "provider", a->provider);
        json_put_member(w, "reason", str_c(pick_reason_word(a->pick->reason)));
        json_put_member(w, "verdict", str_c(verdict_word(a->verdict)));
        put_known(w, "status", a->status > 0 ? a->status : -1);
        put_known(w, "waited_ms", a->waited_ms > 0 ? a->waited_ms : -1);
        put_known(w, "ms", a->duration_ms);
        json_put_end(w);
    }
    json_put_end(w);
}

void access_put(struct json_writer *w, const struct access_record *r)
{
    json_put_object(w);
    json_put_member_i64(w, "time_unix_ms", r->started_unix_ms);
    json_put_member(w, "id", str_c(r->request_id));
    json_put_member(w, "protocol", r->protocol);
    put_text(w, "path", r->path);
    json_put_member_i64(w, "status", r->status);
    json_put_member(w, "ending", str_c(ending_word(r->ending)));
    if (r->ending != ENDING_COMPLETE)
        json_put_member(w, "phase", str_c(r->phase));
    json_put_member(w, "model", r->model);
    put_text(w, "mapped", str_eq(r->mapped_model, r->model) ? STR("") : r->mapped_model);
    put_text(w, "account", r->account);
    put_text(w, "provider", r->provider);
    put_text(w, "session", r->session);
    put_text(w, "client_key", r->client_key);
    json_put_member_bool(w, "stream", r->stream);
    put_known(w, "tokens_in", r->usage.in);
    put_known(w, "tokens_out", r->usage.out);
    put_known(w, "cache_read", r->usage.cache_read);
    put_known(w, "cache_write", r->usage.cache_write);
    put_known(w, "reasoning", r->usage.reasoning);
    put_known(w, "first_byte_ms", r->first_byte_ms);
    json_put_member_i64(w, "ms", r->duration_ms);
    json_put_member_i64(w, "bytes_in", (int64_t)r->bytes_in);
    json_put_member_i64(w, "bytes_out", (int64_t)r->bytes_out);
    json_put_member_i64(w, "attempt_count", r->attempt_count);
    put_attempts(w, r);
    json_put_end(w);
}

/* What says nothing is left out: a line a request is worth keeping short. */
void access_log(const struct access_record *r)
{
    const struct str message = STR("request");
    struct log_field f[24];
    size_t n = 0;

    /* of those that went well ten a second are shown, like any repeated message; all others always
     */
    bool each = r->ending != ENDING_COMPLETE;

    if (!log_enabled(LOG_INFO) ||
        (!each && log_holds_back(message, r->started_unix_ms + r->duration_ms)))
        return;
    f[n++] = F_STR("message", message);
    f[n++] = F_C("id", r->request_id);
    f[n++] = F_STR("protocol", r->protocol);
    f[n++] = F_INT("status", r->status);
    f[n++] = F_C("ending", ending_word(r->ending));
    if (r->ending != ENDING_COMPLETE)
        f[n++] = F_C("phase", r->phase);
    f[n++] = F_STR("model", r->model);
    if (!str_eq(r->mapped_model, r->model))
        f[n++] = F_STR("mapped", r->mapped_model);
    if (r->account.len > 0) {
        f[n++] = F_STR("account", r->account);
        f[n++] = F_STR("provider", r->provider);
    }
    if (r->session.len > 0)
        f[n++] = F_STR("session", r->session);
    if (r->client_key.len > 0)
        f[n++] = F_STR("client_key", r->client_key);
    f[n++] = F_INT("attempts", r->attempt_count);
    f[n++] = F_INT("stream", r->stream);
    if (r->ending != ENDING_COMPLETE && r->broke.len > 0)
        f[n++] = F_STR("why", r->broke);
    if (r->usage.in >= 0)
        f[n++] = F_INT("tokens_in", r->usage.in);
    if (r->usage.out >= 0)
        f[n++] = F_INT("tokens_out", r->usage.out);
    if (r->usage.cache_read >= 0)
        f[n++] = F_INT("cache_read", r->usage.cache_read);
    if (r->first_byte_ms >= 0)
        f[n++] = F_INT("first_byte_ms", r->first_byte_ms);
    f[n++] = F_INT("ms", r->duration_ms);
    f[n++] = F_INT("bytes_in", r->bytes_in);
    f[n++] = F_INT("bytes_out", r->bytes_out);
    assert(n <= COUNT(f));
    if (each)
        log_write_each(LOG_INFO, f, n);
    else
        log_write(LOG_INFO, f, n);
}

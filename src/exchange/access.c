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

/* What says nothing is left out: a line a request is worth keeping short. */
void access_log(const struct access_record *r)
{
    struct log_field f[24];
    size_t n = 0;

    if (!log_enabled(LOG_INFO))
        return;
    f[n++] = F_STR("message", STR("request"));
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
    /* of those that went well ten a second are shown, like any repeated message; all others always
     */
    if (r->ending == ENDING_COMPLETE)
        log_write(LOG_INFO, f, n);
    else
        log_write_each(LOG_INFO, f, n);
}

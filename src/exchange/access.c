#include "exchange/access.h"

#include "base/log.h"

static const char *const words[ENDINGS] = {
#define X(name, word, text) [ENDING_##name] = word,
    ENDING_TABLE(X)
#undef X
};

const char *ending_word(enum ending e)
{
    assert(e < ENDINGS);
    return words[e];
}

void access_log(const struct access_record *r)
{
    log_each(
        "request", F_C("id", r->request_id), F_STR("protocol", r->protocol), F_STR("path", r->path),
        F_INT("status", r->status), F_C("ending", ending_word(r->ending)), F_C("phase", r->phase),
        F_STR("model", r->model), F_STR("mapped", r->mapped_model), F_STR("account", r->account),
        F_STR("provider", r->provider), F_STR("session", r->session),
        F_STR("client_key", r->client_key), F_INT("attempts", r->attempt_count),
        F_INT("stream", r->stream), F_INT("tokens_in", r->usage.in),
        F_INT("tokens_out", r->usage.out), F_INT("cache_read", r->usage.cache_read),
        F_INT("first_byte_ms", r->first_byte_ms), F_INT("ms", r->duration_ms),
        F_INT("bytes_in", r->bytes_in), F_INT("bytes_out", r->bytes_out));
}

#include "provider/form.h"

#include "base/json.h"
#include "base/timetext.h"
#include "provider/delay.h"

#define WRAPPED_MAX 10 /* errors inside messages of errors */
#define DETAILS_MAX 32 /* entries that are looked at */

struct form_reader {
    struct fault_form *form;
    struct arena *arena;
    int64_t unix_ms;
    bool failed;
};

/* A member's text; the empty slice when it is absent, null, or something else. */
static struct str text_of(struct form_reader *r, const struct json *doc, uint32_t object,
                          const char *name)
{
    uint32_t node = json_member(doc, object, str_c(name), NULL);
    struct str text = STR("");

    if (node == JSON_NONE || !json_text(doc, node, r->arena, &text))
        return STR("");
    return text;
}

static void take_text(struct str *to, struct str text)
{
    if (text.len > 0)
        *to = text;
}

static bool has(struct str text, const char *what)
{
    return str_ifind(text, str_c(what)) != SIZE_MAX;
}

/* --- Google's details ------------------------------------------------------------------------- */

static void read_quota(struct fault_form *f, struct str id)
{
    f->per_day = f->per_day || has(id, "PerDay") || has(id, "Daily");
    f->per_minute = f->per_minute || has(id, "PerMinute");
    f->of_model = f->of_model || has(id, "PerModel");
}

static int64_t duration_of(struct str text)
{
    int64_t ms = 0;

    return duration_read(text, &ms) ? ms : DELAY_NONE;
}

static void read_info(struct form_reader *r, const struct json *doc, uint32_t detail)
{
    struct fault_form *f = r->form;
    uint32_t metadata = json_member(doc, detail, STR("metadata"), NULL);
    int64_t at_ms = 0, reset_ms = DELAY_NONE;

    take_text(&f->reason, text_of(r, doc, detail, "reason"));
    take_text(&f->domain, text_of(r, doc, detail, "domain"));
    if (metadata == JSON_NONE || json_type(doc, metadata) != JSON_OBJECT)
        return;
    if (date_read_rfc3339(text_of(r, doc, metadata, "quotaResetTimeStamp"), &at_ms))
        reset_ms = delay_until(at_ms, r->unix_ms);
    if (reset_ms == DELAY_NONE)
        reset_ms = duration_of(text_of(r, doc, metadata, "quotaResetDelay"));
    if (reset_ms != DELAY_NONE)
        f->reset_ms = reset_ms;
    read_quota(f, text_of(r, doc, metadata, "quota_limit"));
    if (text_of(r, doc, metadata, "model").len > 0)
        f->of_model = true;
    take_text(&f->link, text_of(r, doc, metadata, "validation_link"));
}

static void read_help(struct form_reader *r, const struct json *doc, uint32_t detail)
{
    uint32_t list = json_member(doc, detail, STR("links"), NULL);
    uint32_t first = JSON_NONE;

    if (list != JSON_NONE && json_type(doc, list) == JSON_ARRAY)
        first = json_first(doc, list);
    if (first != JSON_NONE && json_type(doc, first) == JSON_OBJECT)
        take_text(&r->form->link, text_of(r, doc, first, "url"));
}

static void read_violations(struct form_reader *r, const struct json *doc, uint32_t detail)
{
    uint32_t list = json_member(doc, detail, STR("violations"), NULL);
    int left = DETAILS_MAX;

    if (list == JSON_NONE || json_type(doc, list) != JSON_ARRAY)
        return;
    for (uint32_t v = json_first(doc, list); v != JSON_NONE && left-- > 0;
         v = json_after(doc, list, v)) {
        if (json_type(doc, v) != JSON_OBJECT)
            continue;
        read_quota(r->form, text_of(r, doc, v, "quotaId"));
        uint32_t sizes = json_member(doc, v, STR("quotaDimensions"), NULL);

        if (sizes != JSON_NONE && json_type(doc, sizes) == JSON_OBJECT &&
            text_of(r, doc, sizes, "model").len > 0)
            r->form->of_model = true;
    }
}

/* The last word of the `@type`, `RetryInfo`; its key comes with stray blanks at times. */
static struct str detail_kind(struct form_reader *r, const struct json *doc, uint32_t detail)
{
    for (uint32_t key = json_first(doc, detail); key != JSON_NONE;) {
        struct str name = STR(""), front, kind = STR("");
        uint32_t value = key + 1; /* a key is one node */

        if (json_text(doc, key, r->arena, &name) && str_eq(str_trim(name), STR("@type")) &&
            json_text(doc, value, r->arena, &kind)) {
            kind = str_trim(kind);
            return str_cut_last(kind, '.', &front, &kind) ? kind : front;
        }
        key = json_after(doc, detail, value);
    }
    return STR("");
}

static void read_details(struct form_reader *r, const struct json *doc, uint32_t list)
{
    int left = DETAILS_MAX;

    for (uint32_t d = json_first(doc, list); d != JSON_NONE && left-- > 0;
         d = json_after(doc, list, d)) {
        if (json_type(doc, d) != JSON_OBJECT)
            continue;
        struct str kind = detail_kind(r, doc, d);

        r->form->detailed = r->form->detailed || kind.len > 0;
        if (str_eq(kind, STR("RetryInfo"))) {
            int64_t ms = duration_of(text_of(r, doc, d, "retryDelay"));

            if (ms != DELAY_NONE)
                r->form->retry_ms = ms;
        } else if (str_eq(kind, STR("ErrorInfo"))) {
            read_info(r, doc, d);
        } else if (str_eq(kind, STR("QuotaFailure"))) {
            read_violations(r, doc, d);
        } else if (str_eq(kind, STR("Help"))) {
            read_help(r, doc, d);
        }
    }
}

/* --- the error object --------------------------------------------------------------------------
 */

/* Codex: `resets_at` (unix seconds), else `resets_in_seconds`. */
static void read_resets(struct form_reader *r, const struct json *doc, uint32_t error)
{
    static const char *const names[] = { "resets_at", "resets_in_seconds" };

    for (size_t i = 0; i < COUNT(names); i++) {
        uint32_t node = json_member(doc, error, str_c(names[i]), NULL);

        if (node == JSON_NONE || json_type(doc, node) != JSON_NUMBER)
            continue;
        int64_t ms = delay_from_number(json_raw(doc, node), r->unix_ms);

        if (ms != DELAY_NONE) {
            r->form->reset_ms = ms;
            return;
        }
    }
}

static void read_code(struct form_reader *r, const struct json *doc, uint32_t error)
{
    uint32_t node = json_member(doc, error, STR("code"), NULL);
    int64_t number = 0;

    if (node == JSON_NONE)
        return;
    if (json_type(doc, node) == JSON_STRING)
        take_text(&r->form->code, text_of(r, doc, error, "code"));
    else if (json_i64(doc, node, &number))
        r->form->number = number;
}

static void read_error_object(struct form_reader *r, const struct json *doc, uint32_t error)
{
    struct fault_form *f = r->form;
    uint32_t details = json_member(doc, error, STR("details"), NULL);

    f->found = true;
    take_text(&f->message, text_of(r, doc, error, "message"));
    take_text(&f->type, text_of(r, doc, error, "type"));
    take_text(&f->param, text_of(r, doc, error, "param"));
    take_text(&f->status, text_of(r, doc, error, "status"));
    read_code(r, doc, error);
    read_resets(r, doc, error);
    if (details != JSON_NONE && json_type(doc, details) == JSON_OBJECT)
        take_text(&f->code, text_of(r, doc, details, "error_code"));
    if (details != JSON_NONE && json_type(doc, details) == JSON_ARRAY)
        read_details(r, doc, details);
}

/* `{"error": "…"}`: a sentence, or OAuth's code with its description. */
static void read_error_text(struct form_reader *r, const struct json *doc, uint32_t object,
                            struct str text)
{
    struct str description = text_of(r, doc, object, "error_description");

    r->form->found = true;
    take_text(&r->form->message, description.len > 0 ? description : text);
    if (memchr(text.at, ' ', text.len) == NULL)
        take_text(&r->form->code, text);
}

/* Forms that mean an error only when the status did: `{"detail": …}`, `{"message": …}`. */
static void read_weak(struct form_reader *r, const struct json *doc, uint32_t object)
{
    uint32_t detail = json_member(doc, object, STR("detail"), NULL);
    uint32_t first = JSON_NONE;

    if (!r->failed)
        return;
    take_text(&r->form->message, text_of(r, doc, object, "message"));
    take_text(&r->form->code, text_of(r, doc, object, "code"));
    take_text(&r->form->message, text_of(r, doc, object, "detail"));
    if (detail != JSON_NONE && json_type(doc, detail) == JSON_ARRAY)
        first = json_first(doc, detail);
    if (first != JSON_NONE && json_type(doc, first) == JSON_OBJECT)
        take_text(&r->form->message, text_of(r, doc, first, "msg"));
}

/* Finds the error in one document. False when there is none. */
static bool read_document(struct form_reader *r, const struct json *doc)
{
    uint32_t object = 0;
    struct str text = STR("");

    if (json_type(doc, object) == JSON_ARRAY)
        object = json_first(doc, object);
    if (object == JSON_NONE || json_type(doc, object) != JSON_OBJECT)
        return false;
    /* `response.failed` of the Responses stream */
    uint32_t response = json_member(doc, object, STR("response"), NULL);
    uint32_t error = json_member(doc, object, STR("error"), NULL);

    if (error == JSON_NONE && response != JSON_NONE && json_type(doc, response) == JSON_OBJECT)
        error = json_member(doc, response, STR("error"), NULL);
    if (error != JSON_NONE && json_type(doc, error) == JSON_OBJECT) {
        read_error_object(r, doc, error);
    } else if (error != JSON_NONE && json_text(doc, error, r->arena, &text) && text.len > 0) {
        read_error_text(r, doc, object, text);
    } else if (str_eq(text_of(r, doc, object, "type"), STR("error"))) {
        read_error_object(r, doc, object); /* `error` of the Responses stream */
        if (str_eq(r->form->type, STR("error")))
            r->form->type = STR("");
    } else {
        read_weak(r, doc, object);
    }
    return r->form->found;
}

/* No-break blanks stand between wrapped errors at times. */
static struct str without_nbsp(struct arena *a, struct str text)
{
    if (str_find(text, STR("\xc2\xa0")) == SIZE_MAX)
        return text;
    char *to = arena_alloc_raw(a, text.len);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        bool nbsp = i + 1 < text.len && text.at[i] == '\xc2' && text.at[i + 1] == '\xa0';

        to[len++] = nbsp ? ' ' : text.at[i];
        i += nbsp;
    }
    return (struct str){ to, len };
}

static bool looks_like_json(struct str text)
{
    return text.len > 0 && (text.at[0] == '{' || text.at[0] == '[');
}

static bool read_json(struct form_reader *r, struct str text)
{
    struct json doc;
    struct json_limits limits = { .nodes_max = 20000 };

    if (!looks_like_json(text) || !json_parse(&doc, text, &limits, r->arena, NULL))
        return false;
    r->form->json = true;
    (void)read_document(r, &doc);
    return true;
}

/* The first `<title>`, its text. */
static struct str html_title(struct str body)
{
    size_t at = str_ifind(body, STR("<title"));
    struct str head, rest;

    if (at == SIZE_MAX || !str_cut(str_drop(body, at), '>', &head, &rest))
        return STR("");
    size_t end = str_find(rest, STR("<"));

    return end == SIZE_MAX ? STR("") : str_trim(str_take(rest, end));
}

static bool is_html(struct str body, struct str content_type)
{
    if (looks_like_json(body))
        return false;
    return str_istarts(content_type, STR("text/html")) || str_istarts(body, STR("<!doctype")) ||
           str_istarts(body, STR("<html"));
}

static void read_body(struct form_reader *r, struct str body, struct str content_type)
{
    struct fault_form *f = r->form;

    if (is_html(body, content_type)) {
        f->html = true;
        f->message = f->text = html_title(body);
        return;
    }
    if (!read_json(r, body)) {
        /* JSON cut short or broken is nothing to show, but to search in */
        f->message = looks_like_json(body) ? STR("") : body;
        f->text = body;
        return;
    }
    f->text = body;
    for (int i = 0; i < WRAPPED_MAX && looks_like_json(str_trim(f->message)); i++) {
        f->text = str_trim(without_nbsp(r->arena, f->message));
        f->message = STR("");
        if (!read_json(r, f->text))
            return;
    }
    if (looks_like_json(str_trim(f->message))) /* wrapped too often to be a sentence */
        f->message = STR("");
    take_text(&f->text, f->message);
}

static struct str lower_copy(struct arena *a, struct str text)
{
    if (text.len == 0)
        return STR("");
    char *to = arena_alloc_raw(a, text.len);

    for (size_t i = 0; i < text.len; i++)
        to[i] = char_lower(text.at[i]);
    return (struct str){ to, text.len };
}

void fault_form_read(struct str body, struct str content_type, bool failed, int64_t unix_ms,
                     struct arena *a, struct fault_form *f)
{
    struct form_reader r = { .form = f, .arena = a, .unix_ms = unix_ms, .failed = failed };

    *f = (struct fault_form){ .reset_ms = DELAY_NONE, .retry_ms = DELAY_NONE };
    body = str_trim(body);
    if (str_starts(body, STR("\xef\xbb\xbf")))
        body = str_drop(body, 3);
    read_body(&r, body, content_type);
    f->text = str_take(f->text, DELAY_TEXT_MAX);
    f->lower = lower_copy(a, f->text);
}

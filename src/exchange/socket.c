/* exchange/socket.c - OpenAI Responses over a WebSocket, as Codex speaks it.
 *
 * A message `{"type": "response.create", …}` is a request for a stream, each event of which goes
 * back as a message; an error before the first one is `{"type": "error", "status": …, "error": …}`.
 * Within a connection `previous_response_id` names what was answered before also where `store` is
 * false, so that only new items travel; `"generate": false` lets a client say in advance what it
 * will go on from. Sources: OpenAI's guide to the WebSocket mode of Responses; the repository
 * openai/codex, codex-rs/codex-api (endpoint/responses_websocket.rs). */
#include "exchange/socket.h"

#include "base/json_write.h"
#include "exchange/history.h"

/* What spoke of the form of the connection means nothing to an upstream. */
static bool keeps_field(struct str name, struct str value)
{
    return !(str_ieq(name, STR("openai-beta")) && str_istarts(value, STR("responses_websockets")));
}

/* Codex turns to plain requests when it hears 426. */
void socket_begin(struct exchange_env *env, struct request *r, const struct door_target *t)
{
    bool other_version = false;
    const char *wrong = request_upgrade_fault(r, &other_version);
    char id[40];

    if (!env->rules->websocket || wrong != NULL) {
        reply_refuse(
            env, r, t,
            &(struct fault){
                .class = FAULT_BAD_REQUEST,
                .status = env->rules->websocket && !other_version ? 400 : HTTP_UPGRADE_REQUIRED,
                .message = env->rules->websocket ? str_c(wrong)
                                                 : STR("WebSockets are switched off here "
                                                       "(proxy.responses.websocket): use "
                                                       "POST") });
        return;
    }
    reply_request_id(env, id);
    request_upgrade(r, ++env->id_last, (struct http_field[]){ { STR("X-Request-Id"), str_c(id) } },
                    1, keeps_field);
}

/* The body of the same request over HTTP: without what only a message has, and with `stream`. */
static bool make_body(struct exchange *x, const struct json *doc)
{
    static const struct str gone[] = { STR("type"), STR("generate"), STR("stream") };
    struct buf body;
    struct json_writer w;

    buf_init(&body, x->r->body.len + 32);
    w = json_writer(&body);
    json_put_object(&w);
    for (uint32_t key = json_first(doc, 0); key != JSON_NONE; key = json_after(doc, 0, key + 1)) {
        bool keep = true;

        for (size_t i = 0; i < COUNT(gone); i++)
            keep = keep && !json_says(doc, key, gone[i]);
        if (!keep)
            continue;
        json_put_name(&w, json_inside(doc, key));
        json_put_raw(&w, json_raw(doc, key + 1));
    }
    json_put_member_bool(&w, "stream", true);
    json_put_end(&w);
    bool good = json_written(&w);

    request_replace_body(x->r, &body);
    return good;
}

bool socket_message(struct exchange *x, struct wire_complaint *why)
{
    static const struct str names[] = { STR("type"), STR("generate") };
    struct json doc;
    uint32_t nodes[COUNT(names)];

    if (!json_parse(&doc, x->r->body, &(struct json_limits){ .depth_kept = 1 }, &x->r->arena,
                    NULL) ||
        json_type(&doc, 0) != JSON_OBJECT) {
        *why = (struct wire_complaint){ .message = STR("a message must be a JSON object") };
        return false;
    }
    (void)json_members(&doc, 0, names, nodes, COUNT(names));
    if (nodes[0] == JSON_NONE || !json_says(&doc, nodes[0], STR("response.create"))) {
        *why = (struct wire_complaint){ .param = STR("type"),
                                        .message = STR("must be \"response.create\"") };
        return false;
    }
    x->only_told = nodes[1] != JSON_NONE && json_type(&doc, nodes[1]) == JSON_FALSE;
    if (make_body(x, &doc))
        return true;
    *why = (struct wire_complaint){ .message = STR("the message cannot be read") };
    return false;
}

/* --- what is only told ------------------------------------------------------------------------*/

static void put_response(struct json_writer *w, const struct exchange *x, struct str id,
                         struct str status)
{
    json_put_object(w);
    json_put_member(w, "id", id);
    json_put_member(w, "object", STR("response"));
    json_put_member_i64(w, "created_at", clock_unix_ms() / 1000);
    json_put_member(w, "status", status);
    json_put_member_null(w, "error");
    json_put_member_null(w, "incomplete_details");
    json_put_member(w, "model", x->request.model);
    json_put_member_raw(w, "output", STR("[]"));
    json_put_member_raw(w, "usage",
                        STR("{\"input_tokens\":0,\"input_tokens_details\":{\"cached_tokens\":0},"
                            "\"output_tokens\":0,\"output_tokens_details\":{\"reasoning_tokens\":"
                            "0},\"total_tokens\":0}"));
    json_put_end(w);
}

static struct str put_event(struct exchange *x, struct str id, struct buf *out, int64_t sequence,
                            struct str type, struct str status)
{
    struct json_writer w;
    size_t at;

    (void)(buf_add(out, STR("event: ")) && buf_add(out, type) && buf_add(out, STR("\ndata: ")));
    w = json_writer(out);
    json_put_object(&w);
    json_put_member(&w, "type", type);
    json_put_member_i64(&w, "sequence_number", sequence);
    json_put_key(&w, STR("response"));
    at = out->len;
    put_response(&w, x, id, status);

    struct str response = arena_copy(&x->r->arena, str_drop(buf_str(out), at));

    json_put_end(&w);
    (void)buf_add(out, STR("\n\n"));
    return response;
}

void socket_told(struct exchange *x)
{
    struct request *r = x->r;
    struct buf out = { .max = 8192 };
    struct str id = arena_printf(&r->arena, "resp_%s", x->request_id + 4);

    (void)put_event(x, id, &out, 0, STR("response.created"), STR("in_progress"));
    history_keep(x, id, put_event(x, id, &out, 1, STR("response.completed"), STR("completed")));
    response_start(r, 200,
                   (struct http_field[]){ { STR("Content-Type"), STR("text/event-stream") } }, 1,
                   RESPONSE_CHUNKED);
    x->answered = 200;
    x->bytes_out = out.len;
    response_write(r, (struct str[]){ buf_str(&out) }, 1);
    buf_clear(&out);
    exchange_end(x, ENDING_COMPLETE);
    response_end(r);
}

/* admin/capture.c - POST and DELETE /api/capture: bodies are kept for a while, when the settings
 * allow it at all. */
#include "exchange/capture.h"

#include "admin/admin_int.h"
#include "base/log.h"

#define MINUTE_MS INT64_C(60000)
#define MINUTES_MAX (CAPTURE_MS_MAX / MINUTE_MS)

void capture_put_state(struct json_writer *w, struct capture *c, int64_t now_unix_ms)
{
    struct capture_state s;

    capture_get(c, now_unix_ms, &s);
    if (s.until_unix_ms == 0) {
        json_put_null(w);
        return;
    }
    json_put_object(w);
    if (s.session[0] == '\0')
        json_put_member_null(w, "session");
    else
        json_put_member(w, "session", str_c(s.session));
    json_put_member_i64(w, "until_unix_ms", s.until_unix_ms);
    json_put_member_i64(w, "requests", (int64_t)s.requests);
    json_put_member_i64(w, "bytes", s.bytes);
    json_put_end(w);
}

static void answer(struct admin_call *c)
{
    struct json_writer w = json_writer(&c->outcome.body);

    json_put_object(&w);
    json_put_key(&w, STR("capture"));
    capture_put_state(&w, c->admin->o.capture, clock_unix_ms());
    json_put_end(&w);
    c->outcome.status = 200;
    admin_call_answer(c);
}

void capture_begin_call(struct admin_call *c)
{
    struct json doc;
    struct str session = STR("");
    int64_t minutes = MINUTES_MAX, now_ms = clock_unix_ms();

    if (!c->admin->o.face(c->admin->o.desk_peer).bodies_allowed) {
        admin_call_fail(c, 409,
                        STR("the settings do not allow bodies to be kept: switch `logs.bodies` on"),
                        STR(""));
        return;
    }
    if (!json_parse(&doc, secret_reveal(&c->body), NULL, &c->arena, NULL) ||
        json_type(&doc, 0) != JSON_OBJECT) {
        admin_call_fail(c, 400, STR("a JSON object is wanted"), STR(""));
        return;
    }
    uint32_t whose = json_member(&doc, 0, STR("session"), NULL);
    uint32_t time = json_member(&doc, 0, STR("minutes"), NULL);

    if (whose != JSON_NONE && json_type(&doc, whose) != JSON_NULL &&
        (!json_text(&doc, whose, &c->arena, &session) || !str_starts(session, STR("sid-")) ||
         session.len >= CAPTURE_SESSION)) {
        admin_call_fail(c, 400, STR("a conversation is wanted, as `sid-…` in log and `why`"),
                        STR("session"));
        return;
    }
    if (time != JSON_NONE &&
        (!json_i64(&doc, time, &minutes) || minutes < 1 || minutes > MINUTES_MAX)) {
        admin_call_fail(c, 400, STR("1 to 15 minutes are possible"), STR("minutes"));
        return;
    }
    capture_start(c->admin->o.capture, session, now_ms, now_ms + minutes * MINUTE_MS);
    log_warn("bodies of requests are kept for a while", F_INT("minutes", minutes),
             F_STR("session", session));
    answer(c);
}

void capture_end_call(struct admin_call *c)
{
    capture_stop(c->admin->o.capture);
    answer(c);
}

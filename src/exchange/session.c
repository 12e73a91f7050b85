#include "exchange/session.h"

#include <stdio.h>

#include "io/crypto.h"

#define NAME_MAX_BYTES 512 /* of a header that names a session: what is longer is cut */

static bool keyed(struct str text, struct session_key *key)
{
    uint8_t digest[SHA256_BYTES];

    sha256(text, digest);
    memcpy(key->digest, digest, sizeof(key->digest));
    return true;
}

/* The session part of Anthropic's metadata.user_id: a member of JSON text, or what follows
 * `_session_`. */
static struct str user_session(struct str user_id, struct arena *a)
{
    struct json doc;
    struct str text = STR("");
    size_t at;

    if (str_starts(user_id, STR("{")) &&
        json_parse(&doc, user_id, &(struct json_limits){ .depth_kept = 1 }, a, NULL)) {
        uint32_t node = json_member(&doc, 0, STR("session_id"), NULL);

        if (node != JSON_NONE && json_type(&doc, node) == JSON_STRING &&
            json_text(&doc, node, a, &text))
            return text;
    }
    at = str_find(user_id, STR("_session_"));
    if (at != SIZE_MAX)
        return str_drop(user_id, at + strlen("_session_"));
    return STR("");
}

bool session_key_make(const struct http_head *head, const struct wire_request *r,
                      struct session_key *key)
{
    static const struct str headers[] = {
        { "x-session-id", 12 },       { "x-claude-code-session-id", 24 },
        { "x-session-affinity", 18 }, { "session-id", 10 },
        { "thread-id", 9 },
    };
    struct arena a = { 0 };
    bool found = false;

    for (size_t i = 0; i < COUNT(headers) && !found; i++) {
        struct str value = http_field_value(head, headers[i]);

        if (value.len > 0)
            found = keyed(str_take(value, NAME_MAX_BYTES), key);
    }
    if (!found && r->user_id.len > 0) {
        struct str session = user_session(r->user_id, &a);

        if (session.len > 0)
            found = keyed(session, key);
        else if (str_find(r->user_id, STR("session-")) == SIZE_MAX)
            found = keyed(r->user_id, key);
    }
    /* previous_response_id names a stored response; its session is known only where responses are
     * stored */
    if (!found && (r->first_text.len > 0 || r->first_message.len > 0)) {
        struct str parts[3] = { r->cache_key };
        size_t count = 1;

        if (r->first_text.len > 0) {
            parts[count++] = r->first_text;
        } else {
            parts[count++] = r->system_text;
            parts[count++] = r->first_message;
        }
        /* the key of the cache counts only together with the text: programs send one constant */
        struct str joined =
            r->cache_key.len == 0 && r->first_text.len > 0
                ? r->first_text
                : arena_printf(&a, "%.*s|%.*s|%.*s", (int)parts[0].len, parts[0].at,
                               (int)parts[1].len, parts[1].at, (int)(count > 2 ? parts[2].len : 0),
                               count > 2 ? parts[2].at : "");
        found = keyed(joined, key);
    }
    arena_free(&a);
    return found;
}

void session_key_text(const struct session_key *key, char out[SESSION_TEXT])
{
    snprintf(out, SESSION_TEXT, "sid-");
    for (size_t i = 0; i < 8; i++)
        snprintf(out + 4 + 2 * i, 3, "%02x", key->digest[i]);
}

#include "exchange/session.h"

#include "base/base64.h"
#include "base/fingerprint.h"

static bool keyed(const struct str *texts, size_t count, struct session_key *key)
{
    struct fingerprint f = { 0 };

    for (size_t i = 0; i < count; i++)
        fingerprint_add(&f, texts[i]);
    fingerprint_bytes(&f, key->digest);
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

/* Fields in which clients name their session; those in front come first. */
static const struct str session_fields[] = {
    STR("x-session-id"),       STR("x-claude-code-session-id"),
    STR("x-session-affinity"), STR("session-id"),
    STR("thread-id"),
};

/* Which of them a name so long may be: each has a length of its own. */
static size_t session_field(size_t len)
{
    switch (len) {
    case 12:
        return 0;
    case 24:
        return 1;
    case 18:
        return 2;
    case 10:
        return 3;
    case 9:
        return 4;
    default:
        return COUNT(session_fields);
    }
}

/* What a client says in its head; empty: nothing. */
static struct str head_session(const struct http_head *head)
{
    struct str values[COUNT(session_fields)] = { { NULL, 0 } };

    for (uint32_t i = head->field_count; i-- > 0;) { /* of several of one name the first */
        const struct http_field *f = &head->fields[i];
        size_t n = session_field(f->name.len);

        if (n < COUNT(session_fields) && str_ieq(f->name, session_fields[n]))
            values[n] = f->value;
    }
    for (size_t n = 0; n < COUNT(values); n++)
        if (values[n].len > 0)
            return values[n];
    return STR("");
}

bool session_key_make(const struct http_head *head, const struct wire_request *r,
                      struct stored *stored, struct session_key *key)
{
    struct str said = head_session(head);
    struct arena a = { 0 };
    bool found = said.len > 0 && keyed(&said, 1, key);

    if (!found && r->user_id.len > 0) {
        struct str session = user_session(r->user_id, &a);

        if (session.len > 0)
            found = keyed(&session, 1, key);
        else if (str_find(r->user_id, STR("session-")) == SIZE_MAX)
            found = keyed(&r->user_id, 1, key);
    }
    if (!found && r->previous_response.len > 0 && stored != NULL)
        found = stored_find(stored, r->previous_response, key);
    if (!found && (r->first_text.len > 0 || r->first_message.len > 0)) {
        /* the key of the cache counts only together with the text: programs send one constant */
        struct str texts[3];
        size_t count = 0;

        if (r->cache_key.len > 0)
            texts[count++] = r->cache_key;
        if (r->first_text.len == 0)
            texts[count++] = r->system_text;
        texts[count++] = r->first_text.len > 0 ? r->first_text : r->first_message;
        found = keyed(texts, count, key);
    }
    arena_free(&a);
    return found;
}

void session_key_named(struct str name, struct session_key *key)
{
    (void)keyed(&name, 1, key);
}

static void hex_of(const struct session_key *key, size_t bytes, char *out)
{
    for (size_t i = 0; i < bytes; i += 4) {
        const uint8_t *at = key->digest + i;

        hex_put4(out + 2 * i, (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
                                  (uint32_t)at[3] << 24);
    }
    out[2 * bytes] = '\0';
}

void session_key_text(const struct session_key *key, char out[SESSION_TEXT])
{
    memcpy(out, "sid-", 4);
    hex_of(key, 8, out + 4);
}

void session_key_hex(const struct session_key *key, char out[SESSION_HEX])
{
    hex_of(key, sizeof(key->digest), out);
}

bool session_key_from_hex(struct str hex, struct session_key *key)
{
    struct buf bytes = { .max = sizeof(key->digest) };
    bool good =
        hex.len == SESSION_HEX - 1 && hex_get(&bytes, hex) && bytes.len == sizeof(key->digest);

    if (good)
        memcpy(key->digest, bytes.at, bytes.len);
    buf_clear(&bytes);
    return good;
}

bool session_key_is(const struct session_key *key, struct str shown)
{
    char text[SESSION_HEX];

    session_key_text(key, text);
    if (str_ieq(shown, str_c(text)))
        return true;
    session_key_hex(key, text);
    return str_ieq(shown, str_c(text));
}

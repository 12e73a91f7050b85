#include "wire/signature.h"

#include "base/base64.h"

#define ENVELOPE STR(SIGNATURE_ENVELOPE)
#define ENVELOPE_IN_BASE64 "Z3cxL" /* how the base64 of every envelope begins */
#define SHAPE_BYTES ((size_t)512)  /* as much of a blob is looked into for its shape */

static const struct {
    struct str word;
    enum signer signer;
    bool redacted;
} words[] = {
    { STR("ant"), SIGNER_ANTHROPIC, false }, { STR("anr"), SIGNER_ANTHROPIC, true },
    { STR("goo"), SIGNER_GOOGLE, false },    { STR("oai"), SIGNER_OPENAI, false },
    { STR("oth"), SIGNER_OTHER, false },
};

/* What Gemini's documentation gives for calls that never had a signature; clients of Gemini send
 * them. */
static const struct str bypasses[] = {
    STR("skip_thought_signature_validator"),
    STR("context_engineering_is_the_way_to_go"),
};

static enum signer own_signer(enum wire protocol)
{
    static const enum signer signers[WIRES] = {
        [WIRE_OPENAI_CHAT] = SIGNER_NONE,    [WIRE_OPENAI_RESPONSES] = SIGNER_OPENAI,
        [WIRE_ANTHROPIC] = SIGNER_ANTHROPIC, [WIRE_GEMINI] = SIGNER_GOOGLE,
        [WIRE_CLOUDCODE] = SIGNER_GOOGLE,
    };
    assert(protocol < WIRES);
    return signers[protocol];
}

/* Each gives text of the arena; the sums of lengths leave room, so nothing can fail. */
static struct str encoded(struct str bytes, enum base64_kind kind, struct arena *a)
{
    struct buf b;

    buf_init(&b, bytes.len * 2 + 8);
    bool fits = base64_put(&b, bytes, kind);
    assert(fits);
    struct str out = arena_copy(a, buf_str(&b));
    buf_clear(&b);
    return out;
}

static bool decoded(struct str text, struct arena *a, struct str *out)
{
    struct buf b;

    buf_init(&b, text.len + 8);
    bool good = base64_get(&b, text);
    if (good)
        *out = arena_copy(a, buf_str(&b));
    buf_clear(&b);
    return good;
}

/* --- out --------------------------------------------------------------------------------------*/

struct text signature_wrap(const struct signature *sig, enum wire protocol, struct arena *a)
{
    struct str word = STR("oth"), blob, item, envelope;

    if (sig->signer == SIGNER_NONE)
        return TEXT_EMPTY;
    if (sig->signer == own_signer(protocol))
        return sig->blob;
    for (size_t i = 0; i < COUNT(words); i++)
        if (words[i].signer == sig->signer && words[i].redacted == sig->redacted)
            word = words[i].word;
    blob = encoded(text_plain(a, sig->blob), BASE64_URL, a);
    item = encoded(sig->item_id, BASE64_URL, a);
    envelope = arena_printf(a, SIGNATURE_ENVELOPE "%s.%s%s%s", word.at, blob.at,
                            item.len > 0 ? "." : "", item.at);
    if (protocol == WIRE_GEMINI) /* its field holds bytes */
        envelope = encoded(envelope, BASE64_STANDARD, a);
    return (struct text){ envelope };
}

/* --- in ---------------------------------------------------------------------------------------*/

/* `<signer>.<blob>` or `<signer>.<blob>.<item id>` */
static bool envelope_open(struct str inside, struct signature *out, struct arena *a)
{
    struct str word, rest, blob, item;

    if (!str_cut(inside, '.', &word, &rest))
        return false;
    (void)str_cut(rest, '.', &blob, &item);
    for (size_t i = 0; i < COUNT(words); i++) {
        struct str plain, id;

        if (!str_eq(word, words[i].word))
            continue;
        if (!decoded(blob, a, &plain) || !decoded(item, a, &id) || plain.len == 0)
            return false;
        *out = (struct signature){
            .signer = words[i].signer,
            .blob = text_from(a, plain),
            .item_id = id,
            .redacted = words[i].redacted,
        };
        return true;
    }
    return false;
}

/* Whose a blob without envelope is, by its looks and by who speaks: only its own provider's blobs
 * reach a client bare. */
static enum signer shape_signer(struct str plain, enum wire protocol, struct arena *a)
{
    struct str head = str_take(plain, SHAPE_BYTES), bytes;

    for (size_t i = 0; i < COUNT(bypasses); i++)
        if (str_eq(plain, bypasses[i]))
            return SIGNER_GOOGLE;
    if (str_starts(plain, STR("gAAAA"))) /* a Fernet token */
        return SIGNER_OPENAI;
    if (head.len < 4 || !decoded(str_take(head, head.len / 4 * 4), a, &bytes))
        return SIGNER_OTHER;
    if (str_find(bytes, STR("claude")) != SIZE_MAX)
        return SIGNER_ANTHROPIC;
    if (protocol == WIRE_ANTHROPIC) /* a protobuf message whose first field has the number 1 or 2 */
        return plain.at[0] == 'C' || plain.at[0] == 'E' ? SIGNER_ANTHROPIC : SIGNER_OTHER;
    return protocol == WIRE_GEMINI || protocol == WIRE_OPENAI_CHAT ? SIGNER_GOOGLE : SIGNER_OTHER;
}

struct signature signature_unwrap(struct text blob, enum wire protocol, struct arena *a)
{
    struct signature sig = { .signer = SIGNER_OTHER, .blob = blob };
    struct str plain = text_plain(a, blob), envelope;

    if (plain.len == 0)
        return (struct signature){ .signer = SIGNER_NONE, .blob = TEXT_EMPTY };
    if (str_starts(plain, STR(ENVELOPE_IN_BASE64)) && decoded(plain, a, &envelope))
        plain = envelope;
    if (str_starts(plain, ENVELOPE))
        (void)envelope_open(str_drop(plain, ENVELOPE.len), &sig, a);
    else
        sig.signer = shape_signer(plain, protocol, a);
    return sig;
}

bool signature_any(struct str body)
{
    return str_find(body, STR("\"" SIGNATURE_ENVELOPE)) != SIZE_MAX ||
           str_find(body, STR("\"" ENVELOPE_IN_BASE64)) != SIZE_MAX;
}

/* --- in a text --------------------------------------------------------------------------------*/

static struct str skip_blanks(struct str s)
{
    while (s.len > 0 && memchr(" \t\r\n", s.at[0], 4) != NULL)
        s = str_drop(s, 1);
    return s;
}

/* The next blob behind the front of `text`, the inside of its string; `text` goes on behind it. */
static bool next_blob(enum wire wire, struct str *text, struct str *inside)
{
    /* the members that hold blobs, as each wire calls them */
    static const struct str members[WIRES] = {
        [WIRE_OPENAI_CHAT] = STR("\"thought_signature\""),
        [WIRE_OPENAI_RESPONSES] = STR("\"encrypted_content\""),
        [WIRE_ANTHROPIC] = STR("\"signature\""),
        [WIRE_GEMINI] = STR("\"thoughtSignature\""),
        [WIRE_CLOUDCODE] = STR("\"thoughtSignature\""),
    };
    struct str left = *text;
    size_t at, len;

    while ((at = str_find(left, members[wire])) != SIZE_MAX) {
        left = skip_blanks(str_drop(left, at + members[wire].len));
        if (left.len == 0 || left.at[0] != ':')
            continue;
        left = skip_blanks(str_drop(left, 1));
        if (left.len == 0 || left.at[0] != '"')
            continue;
        len = json_inside_len(str_drop(left, 1));
        if (len == SIZE_MAX)
            return false;
        struct str found = str_take(str_drop(left, 1), len);

        left = *text = str_drop(left, len + 2);
        if (len > 0) {
            *inside = found;
            return true;
        }
    }
    return false;
}

void signature_scan(enum wire wire, struct str text, struct arena *a,
                    void (*found)(void *peer, struct str blob), void *peer)
{
    struct str inside;

    while (next_blob(wire, &text, &inside))
        found(peer, json_decode(inside, a));
}

struct text signature_last(enum wire wire, struct str text)
{
    struct text last = TEXT_EMPTY;

    while (next_blob(wire, &text, &last.escaped))
        continue;
    return last;
}

#include "wire/estimate.h"

#include "base/utf8.h"
#include "wire/prepare.h"

/* Costs are thousandths of a token, fitted to o200k's counts on documentation in five languages,
 * programs in four, and JSON. */

enum script {
    S_NEWLINE,
    S_SPACE,
    S_DIGIT,
    S_UPPER,
    S_LOWER,    /* also letters without case */
    S_ACCENT,   /* Latin beyond ASCII */
    S_ALPHABET, /* Greek, Cyrillic, Hebrew, Arabic … */
    S_SYLLABLE, /* Devanagari, Thai and their like */
    S_KANA,
    S_HANGUL,
    S_HAN,
    S_WIDE_MARK, /* punctuation of CJK */
    S_PICTURE,
    S_SYMBOL,
    S_MARK, /* ASCII punctuation */
};

/* Of ASCII. */
static const uint8_t ascii_scripts[0x80] = {
    [0 ... 8] = S_MARK,      ['\t'] = S_SPACE,        ['\n'] = S_NEWLINE,
    ['\v'] = S_SPACE,        ['\f'] = S_SPACE,        ['\r'] = S_NEWLINE,
    [14 ... 31] = S_MARK,    [' '] = S_SPACE,         ['!' ... '/'] = S_MARK,
    ['0' ... '9'] = S_DIGIT, [':' ... '@'] = S_MARK,  ['A' ... 'Z'] = S_UPPER,
    ['[' ... '`'] = S_MARK,  ['a' ... 'z'] = S_LOWER, ['{' ... 0x7f] = S_MARK,
};

static enum script script_of(uint32_t c)
{
    static const struct {
        uint32_t to;
        uint8_t script;
    } ranges[] = {
        { 0x00bf, S_SYMBOL },   { 0x024f, S_ACCENT },    { 0x036f, S_ACCENT },
        { 0x08ff, S_ALPHABET }, { 0x0fff, S_SYLLABLE },  { 0x10ff, S_ALPHABET },
        { 0x11ff, S_HANGUL },   { 0x1eff, S_ALPHABET },  { 0x1fff, S_ALPHABET },
        { 0x2fff, S_SYMBOL },   { 0x303f, S_WIDE_MARK }, { 0x30ff, S_KANA },
        { 0x33ff, S_HAN },      { 0x9fff, S_HAN },       { 0xabff, S_SYLLABLE },
        { 0xd7ff, S_HANGUL },   { 0xf8ff, S_SYMBOL },    { 0xfaff, S_HAN },
        { 0xfeff, S_ALPHABET }, { 0xffef, S_WIDE_MARK }, { 0x1efff, S_SYMBOL },
        { 0x1ffff, S_PICTURE }, { 0x10ffff, S_HAN },
    };
    size_t i = 0;

    if (c < COUNT(ascii_scripts))
        return ascii_scripts[c];
    while (c > ranges[i].to)
        i++;
    return ranges[i].script;
}

static bool is_letter(enum script s)
{
    return s >= S_UPPER && s <= S_HAN;
}

/* --- what a piece costs -----------------------------------------------------------------------*/

struct word {
    uint32_t upper, lower, accents, alphabet, syllables, kana, hangul, han;
};

/* What stands before it. */
enum before {
    BEFORE_OTHER,
    BEFORE_BLANK, /* it is part of the word */
    BEFORE_MARK,  /* one of punctuation, likewise */
    BEFORE_DIGIT, /* no word of a language, rather a code */
};

/* Words of ASCII letters, by their length: behind a blank, and elsewhere. */
static const uint16_t spaced_cost[] = { 0,    1000, 1000, 1005, 1010, 1020, 1035, 1060,
                                        1110, 1180, 1250, 1340, 1450, 1550, 1700 };
static const uint16_t inner_cost[] = { 0,    1000, 1030, 1080, 1090, 1110, 1180, 1200,
                                       1350, 1500, 1650, 1700, 1800, 1900, 2100 };

/* Its ASCII letters, of which most words have no others, and how many of Latin there are in all. */
static inline int64_t letters_cost(uint32_t upper, uint32_t lower, uint32_t latin,
                                   enum before before)
{
    const uint16_t *costs = before == BEFORE_BLANK ? spaced_cost : inner_cost;
    uint32_t last = COUNT(spaced_cost) - 1;
    int64_t cost = costs[latin < last ? latin : last];

    if (latin > last)
        cost += 180 * (int64_t)(latin - last);
    if (upper > 3 && before != BEFORE_BLANK) /* rarely a word of the vocabulary */
        cost += 220 * (int64_t)(upper - 3);
    else if (upper > 4)
        cost += 110 * (int64_t)(upper - 4);
    if (upper > 1 && lower > 0)
        cost += 350;
    if (before == BEFORE_MARK)
        cost += 170;
    if (before == BEFORE_DIGIT)
        cost += 250 * (int64_t)latin;
    return cost;
}

static int64_t word_cost(const struct word *w, enum before before)
{
    uint32_t latin = w->upper + w->lower + w->accents;
    int64_t cost = letters_cost(w->upper, w->lower, latin, before) + 380 * (int64_t)w->accents +
                   210 * (int64_t)w->alphabet + 450 * (int64_t)w->syllables +
                   680 * (int64_t)w->kana + 720 * (int64_t)w->hangul + 790 * (int64_t)w->han;

    if (w->alphabet > 0 && latin == 0)
        cost += 480;
    return cost < 1000 ? 1000 : cost;
}

/* --- the cut ----------------------------------------------------------------------------------*/

struct pieces {
    struct str rest;
    enum script script; /* of the character in front; valid when rest is not empty */
    size_t len;         /* its bytes */
    int64_t cost;
};

static inline void look(struct pieces *p)
{
    if (p->rest.len == 0)
        return;
    unsigned char c = (unsigned char)p->rest.at[0];

    p->len = 1;
    p->script = c < COUNT(ascii_scripts) ? ascii_scripts[c] : script_of(utf8_get(p->rest, &p->len));
}

static inline void step(struct pieces *p)
{
    p->rest = str_drop(p->rest, p->len);
    look(p);
}

/* Steps over all ASCII in front that is of this script; gives how many there were. */
static inline uint32_t run(struct pieces *p, enum script s)
{
    const unsigned char *text = (const unsigned char *)p->rest.at;
    uint32_t n = 0;

    while (n < p->rest.len && text[n] < COUNT(ascii_scripts) && ascii_scripts[text[n]] == s)
        n++;
    p->rest = str_drop(p->rest, n);
    look(p);
    return n;
}

static bool at(const struct pieces *p, enum script s)
{
    return p->rest.len > 0 && p->script == s;
}

static bool at_letter(const struct pieces *p)
{
    return p->rest.len > 0 && is_letter(p->script);
}

/* The rest of a word that is not of ASCII letters alone. */
static void take_letters(struct pieces *p, struct word w, enum before before)
{
    while (at_letter(p) && p->script != S_UPPER) {
        uint32_t *of[] = {
            [S_LOWER] = &w.lower,       [S_ACCENT] = &w.accents,
            [S_ALPHABET] = &w.alphabet, [S_SYLLABLE] = &w.syllables,
            [S_KANA] = &w.kana,         [S_HANGUL] = &w.hangul,
            [S_HAN] = &w.han,
        };
        ++*of[p->script];
        step(p);
    }
    p->cost += word_cost(&w, before);
}

/* Capitals, then small letters; the next capital begins another word. */
static inline void take_word(struct pieces *p, enum before before)
{
    uint32_t upper = run(p, S_UPPER), lower = run(p, S_LOWER);

    if (at_letter(p) && p->script != S_UPPER)
        take_letters(p, (struct word){ .upper = upper, .lower = lower }, before);
    else
        p->cost += letters_cost(upper, lower, upper + lower, before);
}

static void take_digits(struct pieces *p)
{
    uint32_t count = run(p, S_DIGIT);

    p->cost += 1000 * (int64_t)((count + 2) / 3);
}

/* Punctuation: a single one begins the word behind it; a run, and one with a blank before it, is a
 * piece, with the ends of lines behind it. */
static void take_marks(struct pieces *p, bool spaced)
{
    uint32_t ascii = 0, wide = 0, pictures = 0, symbols = 0, all;

    while (p->rest.len > 0 && p->script >= S_WIDE_MARK) {
        ascii += p->script == S_MARK;
        wide += p->script == S_WIDE_MARK;
        pictures += p->script == S_PICTURE;
        symbols += p->script == S_SYMBOL;
        step(p);
    }
    all = ascii + wide + pictures + symbols;
    if (!spaced && all == 1 && ascii == 1 && at_letter(p)) {
        take_word(p, BEFORE_MARK);
        return;
    }
    while (at(p, S_NEWLINE))
        step(p);
    int64_t cost = wide * INT64_C(950) + pictures * INT64_C(1700) + symbols * INT64_C(1250);

    if (ascii > 0)
        cost += 1000 + (ascii > 2 ? 280 * (int64_t)(ascii - 2) : 0);
    p->cost += cost < 1000 ? 1000 : cost;
}

/* Blanks: the last one belongs to what follows it; before the end of a line all of them are one. */
static void take_space(struct pieces *p)
{
    uint32_t blanks = 0;
    bool lines = false;

    while (at(p, S_SPACE) || at(p, S_NEWLINE)) {
        lines = lines || p->script == S_NEWLINE;
        blanks = p->script == S_NEWLINE ? 0 : blanks + 1;
        step(p);
    }
    if (lines)
        p->cost += 1000;
    if (p->rest.len == 0) {
        p->cost += blanks > 0 ? 1000 : 0;
        return;
    }
    if (blanks > 1 || (blanks == 1 && p->script == S_DIGIT))
        p->cost += 1000;
    if (blanks > 0 && at_letter(p))
        take_word(p, BEFORE_BLANK);
    else if (blanks > 0 && p->script >= S_WIDE_MARK)
        take_marks(p, true);
}

int64_t estimate_text(struct str plain)
{
    struct pieces p = { .rest = str_take(plain, utf8_valid(plain)) };
    bool behind_digits = false;

    look(&p);
    while (p.rest.len > 0) {
        bool digits = p.script == S_DIGIT;

        if (is_letter(p.script))
            take_word(&p, behind_digits ? BEFORE_DIGIT : BEFORE_OTHER);
        else if (p.script == S_DIGIT)
            take_digits(&p);
        else if (p.script == S_SPACE || p.script == S_NEWLINE)
            take_space(&p);
        else
            take_marks(&p, false);
        behind_digits = digits;
    }
    return (p.cost + 999) / 1000;
}

/* --- requests ---------------------------------------------------------------------------------*/

/* What stands around texts, as OpenAI describes it for its own models, and media by what they cost
 * at the common resolutions. */
enum {
    REQUEST_TOKENS = 3,
    MESSAGE_TOKENS = 4,
    CALL_TOKENS = 8,
    TOOL_TOKENS = 12,
    IMAGE_TOKENS = 1100,
    IMAGE_LOW_TOKENS = 85,
    DOCUMENT_TOKENS = 1500,      /* at least */
    DOCUMENT_BYTES_A_TOKEN = 40, /* of base64 */
    SOUND_BYTES_A_TOKEN = 700,   /* 32 tokens a second */
    MOVING_BYTES_A_TOKEN = 2000, /* 260 tokens a second */
};

#define TEXT_BYTES_MAX ((size_t)64 << 20)
#define QUICK_BYTES ((size_t)512)

/* One request being weighed. `quick`: of long texts only the beginning is looked at. */
struct weighing {
    struct arena *arena;
    bool quick;
};

static int64_t text_cost(const struct weighing *w, struct str plain)
{
    if (!w->quick || plain.len <= QUICK_BYTES)
        return estimate_text(plain);
    return estimate_text(str_take(plain, QUICK_BYTES)) * (int64_t)plain.len / (int64_t)QUICK_BYTES;
}

static int64_t escaped_cost(const struct weighing *w, struct text t)
{
    struct buf b;
    int64_t cost;

    if (w->quick && t.escaped.len > QUICK_BYTES)
        return text_cost(w, t.escaped);
    if (t.escaped.len == 0 || memchr(t.escaped.at, '\\', t.escaped.len) == NULL)
        return text_cost(w, t.escaped);
    buf_init(&b, TEXT_BYTES_MAX);
    cost = json_unescape(&b, t.escaped) ? text_cost(w, buf_str(&b)) : (int64_t)(t.escaped.len / 4);
    buf_clear(&b);
    return cost;
}

static int64_t media_cost(const struct part *p, int64_t bytes_a_token, int64_t least)
{
    int64_t cost =
        p->media.source == MEDIA_BASE64 ? (int64_t)p->media.data.escaped.len / bytes_a_token : 0;

    return cost > least ? cost : least;
}

static int64_t parts_cost(const struct weighing *w, const struct part *p);

static int64_t part_cost(const struct weighing *w, const struct part *p)
{
    switch (p->kind) {
    case PART_TEXT:
    case PART_THINKING:
    case PART_REFUSAL:
        return escaped_cost(w, p->text);
    case PART_IMAGE:
        return p->media.detail == DETAIL_LOW ? IMAGE_LOW_TOKENS : IMAGE_TOKENS;
    case PART_DOCUMENT:
        if (p->media.source == MEDIA_TEXT)
            return escaped_cost(w, p->text) + escaped_cost(w, p->media.title) +
                   escaped_cost(w, p->media.context);
        if (p->media.source == MEDIA_PARTS)
            return parts_cost(w, p->media.content) + escaped_cost(w, p->media.title) +
                   escaped_cost(w, p->media.context);
        return media_cost(p, DOCUMENT_BYTES_A_TOKEN, DOCUMENT_TOKENS);
    case PART_AUDIO:
        return media_cost(p, SOUND_BYTES_A_TOKEN, 32);
    case PART_VIDEO:
        return media_cost(p, MOVING_BYTES_A_TOKEN, 260);
    case PART_TOOL_CALL:
        return CALL_TOKENS + text_cost(w, p->call.name) +
               (p->call.object.len > 0 ? text_cost(w, p->call.object)
                                       : escaped_cost(w, p->call.text));
    case PART_TOOL_RESULT:
        return CALL_TOKENS + (p->result.content == NULL ? text_cost(w, p->result.response)
                                                        : parts_cost(w, p->result.content));
    case PART_SEARCH_RESULT:
        return escaped_cost(w, p->text) + escaped_cost(w, p->media.title);
    case PART_SERVER_CALL:
    case PART_SERVER_RESULT:
    case PART_OPAQUE:
        return escaped_cost(w, server_part_text(p, w->arena));
    case PART_REDACTED:
        return 0;
    }
    return 0;
}

static int64_t parts_cost(const struct weighing *w, const struct part *p)
{
    int64_t cost = 0;

    for (; p != NULL; p = p->next)
        cost += part_cost(w, p);
    return cost;
}

static int64_t request_cost(const struct weighing *w, const struct canon_request *r)
{
    int64_t cost = REQUEST_TOKENS;

    if (r->system != NULL)
        cost += MESSAGE_TOKENS + parts_cost(w, r->system);
    for (const struct message *m = r->messages; m != NULL; m = m->next)
        cost += MESSAGE_TOKENS + text_cost(w, m->name) + parts_cost(w, m->parts);
    for (const struct tool *t = r->tools; t != NULL; t = t->next)
        cost += TOOL_TOKENS + text_cost(w, t->name) + escaped_cost(w, t->description) +
                text_cost(w, t->schema) + text_cost(w, t->grammar);
    for (const struct server_tool *t = r->server_tools; t != NULL; t = t->next)
        cost += TOOL_TOKENS + text_cost(w, t->raw);
    return cost + text_cost(w, r->format.schema);
}

int64_t estimate_request(const struct canon_request *r, struct arena *a)
{
    return request_cost(&(struct weighing){ a, false }, r);
}

int64_t estimate_request_quick(const struct canon_request *r, struct arena *a)
{
    return request_cost(&(struct weighing){ a, true }, r);
}

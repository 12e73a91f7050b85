/* wire/gemini/words.c - why an answer ended in Gemini's words, and the places of citations.
 * Source: ai.google.dev/api/generate-content (FinishReason, BlockReason), as of 2026-11. */
#include "wire/gemini/gemini_int.h"

#include <stdlib.h>

/* --- how it ended -------------------------------------------------------------------------------
 */

static const struct {
    struct str word;
    enum stop_cause cause;
} reasons[] = {
    { STR("STOP"), STOP_DONE },
    { STR("MAX_TOKENS"), STOP_LENGTH },
    { STR("SAFETY"), STOP_FILTER },
    { STR("RECITATION"), STOP_RECITATION },
    { STR("LANGUAGE"), STOP_OTHER },
    { STR("OTHER"), STOP_OTHER },
    { STR("BLOCKLIST"), STOP_FILTER },
    { STR("PROHIBITED_CONTENT"), STOP_FILTER },
    { STR("SPII"), STOP_FILTER },
    { STR("MALFORMED_FUNCTION_CALL"), STOP_BAD_TOOL_CALL },
    { STR("UNEXPECTED_TOOL_CALL"), STOP_BAD_TOOL_CALL },
    { STR("TOO_MANY_TOOL_CALLS"), STOP_BAD_TOOL_CALL },
    { STR("MALFORMED_RESPONSE"), STOP_BAD_TOOL_CALL },
    { STR("IMAGE_SAFETY"), STOP_FILTER },
    { STR("IMAGE_PROHIBITED_CONTENT"), STOP_FILTER },
    { STR("IMAGE_RECITATION"), STOP_RECITATION },
    { STR("NO_IMAGE"), STOP_IMAGE_FAIL },
    { STR("IMAGE_OTHER"), STOP_IMAGE_FAIL },
    /* more would come in the answer to a further request; where none is made, this was a limit */
    { STR("CONTINUATION"), STOP_LENGTH },
    { STR("FINISH_REASON_UNSPECIFIED"), STOP_DONE },
    /* of a prompt alone */
    { STR("MODEL_ARMOR"), STOP_FILTER },
    { STR("JAILBREAK"), STOP_FILTER },
};
#define REASONS_BLOCK 20 /* from here on no finishReason */

enum stop_cause gemini_cause(struct str word, struct str *name)
{
    for (size_t i = 0; i < COUNT(reasons); i++)
        if (str_eq(reasons[i].word, word)) {
            *name = reasons[i].word;
            return reasons[i].cause;
        }
    *name = STR("");
    return STOP_OTHER;
}

struct str gemini_reason(enum stop_cause cause, struct str detail)
{
    switch (cause) {
    case STOP_NONE:
    case STOP_DONE:
    case STOP_SEQUENCE:
    case STOP_TOOL_USE:
    case STOP_PAUSE:
        return STR("STOP");
    case STOP_LENGTH:
    case STOP_CONTEXT_FULL:
        return STR("MAX_TOKENS");
    case STOP_FILTER:
    case STOP_RECITATION:
    case STOP_BAD_TOOL_CALL:
    case STOP_IMAGE_FAIL:
    case STOP_OTHER:
        for (size_t i = 0; i < REASONS_BLOCK; i++) /* the service's own word, when it is one */
            if (reasons[i].cause == cause && str_eq(reasons[i].word, detail))
                return reasons[i].word;
        for (size_t i = 0; i < COUNT(reasons); i++)
            if (reasons[i].cause == cause)
                return cause == STOP_OTHER ? STR("OTHER") : reasons[i].word;
        break;
    case STOP_REFUSAL:
        return STR("PROHIBITED_CONTENT");
    }
    return STR("OTHER");
}

/* --- places in a text ---------------------------------------------------------------------------
 */

#define WIDTH_POINTS_MAX ((1u << 29) - 1) /* of one run: far beyond any answer */

static void add_run(struct widths *w, uint32_t points, uint32_t width)
{
    struct width_run *last = w->count > 0 ? &w->runs[w->count - 1] : NULL;

    if (last != NULL && last->width == width && last->points < WIDTH_POINTS_MAX - points) {
        last->points = (last->points + points) & WIDTH_POINTS_MAX;
        return;
    }
    if (w->count == WIDTH_RUNS_MAX) {
        w->lost = true;
        return;
    }
    if (w->count == w->cap) {
        w->cap = w->cap == 0 ? 4 : w->cap * 2;
        w->runs = must_realloc(w->runs, w->cap * sizeof(w->runs[0]));
    }
    assert(w->runs != NULL);
    w->runs[w->count++] = (struct width_run){ points & WIDTH_POINTS_MAX, width & 7 };
}

static uint32_t hex_unit(struct str s)
{
    uint32_t unit = 0;

    for (size_t i = 0; i < 4 && i < s.len; i++) {
        char c = char_lower(s.at[i]);

        unit = unit << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return unit;
}

/* The character at the front, which is no plain one: bytes of it as UTF-8, and of its spelling. */
static uint32_t one_width(struct str s, size_t *used)
{
    unsigned char c = (unsigned char)s.at[0];

    if (c != '\\') {
        uint32_t width = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

        *used = width < s.len ? width : s.len;
        return width;
    }
    if (s.len < 6 || s.at[1] != 'u') {
        *used = s.len < 2 ? s.len : 2;
        return 1;
    }
    uint32_t unit = hex_unit(str_drop(s, 2));

    *used = 6;
    if (unit >= 0xd800 && unit < 0xdc00 && s.len >= 12) {
        *used = 12; /* decoders leave no half of a pair */
        return 4;
    }
    return unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
}

void widths_add(struct widths *w, struct str escaped)
{
    while (escaped.len > 0 && !w->lost) {
        size_t plain = json_plain_run(escaped), used;

        if (plain > 0)
            add_run(w, (uint32_t)plain & (WIDTH_POINTS_MAX >> 1), 1);
        escaped = str_drop(escaped, plain);
        if (escaped.len == 0)
            break;
        add_run(w, 1, one_width(escaped, &used));
        escaped = str_drop(escaped, used);
    }
}

void widths_clear(struct widths *w)
{
    free(w->runs);
    *w = (struct widths){ .count = 0 };
}

int64_t widths_points(const struct widths *w, int64_t bytes)
{
    int64_t points = 0;

    for (uint32_t i = 0; i < w->count && bytes >= 0; i++) {
        int64_t here = (int64_t)w->runs[i].points * w->runs[i].width;

        if (bytes <= here)
            return points + bytes / w->runs[i].width;
        bytes -= here;
        points += w->runs[i].points;
    }
    return bytes == 0 ? points : -1;
}

int64_t widths_bytes(const struct widths *w, int64_t points)
{
    int64_t bytes = 0;

    for (uint32_t i = 0; i < w->count && points >= 0; i++) {
        if (points <= w->runs[i].points)
            return bytes + points * w->runs[i].width;
        points -= w->runs[i].points;
        bytes += (int64_t)w->runs[i].points * w->runs[i].width;
    }
    return points == 0 ? bytes : -1;
}

int64_t widths_total(const struct widths *w)
{
    int64_t points = 0;

    for (uint32_t i = 0; i < w->count; i++)
        points += w->runs[i].points;
    return points;
}

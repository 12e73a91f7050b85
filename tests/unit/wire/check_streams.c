/* tests/unit/wire/check_streams.c - the judge of stream_grammar.h for whole programs' tests: they
 * hand it what their clients got from the real gateway.
 *
 * Standard input holds streams, each behind a line `PROTOCOL FLAGS NAME-BYTES BYTES`, then the name
 * of the test and the bytes of the body. FLAGS are letters, `-` for none:
 *     a  a JSON array in place of events       l  a text completion
 *     f  function_call of old was asked for    u  usage was asked for
 *     p  the bytes are the upstream's own      c  the client left, or the gateway was killed: a
 *                                                 beginning is enough
 * Each broken rule is a line `NAME: rule` and the end of the bytes that break it; the last line
 * counts. Exits with 1 when a rule is broken, 2 when the input is none. */
#include "stream_grammar.h"

#include <stdio.h>
#include <stdlib.h>

#define SHOWN 400 /* bytes of a broken stream */

static bool read_bytes(struct arena *a, size_t len, struct str *out)
{
    char *at = malloc(len + 1);

    if (at == NULL || fread(at, 1, len, stdin) != len) {
        free(at);
        return false;
    }
    *out = arena_copy(a, (struct str){ at, len });
    free(at);
    return true;
}

static bool find_protocol(const char *name, enum wire *out)
{
    for (enum wire w = 0; w < PROTOCOLS; w++)
        if (strcmp(wire_name(w).at, name) == 0) {
            *out = w;
            return true;
        }
    return false;
}

/* Of a stream that was cut, what is whole. */
static struct str whole_blocks(struct str bytes)
{
    while (bytes.len > 1 && memcmp(bytes.at + bytes.len - 2, "\n\n", 2) != 0)
        bytes.len--;
    return bytes.len > 1 ? bytes : STR("");
}

static const char *judge(const struct grammar_options *o, bool cut, struct str bytes,
                         struct arena *a)
{
    struct seen_stream seen;

    if (cut && o->json_array)
        return NULL; /* half of an array is no JSON */
    const char *broken = stream_breaks(o, cut ? whole_blocks(bytes) : bytes, a, &seen);

    if (broken == NULL && !cut && seen.end == SEEN_CUT)
        return "the stream ends neither with its legal end nor with an error";
    return broken;
}

int main(void)
{
    char protocol[32], flags[16];
    size_t name_bytes, bytes;
    unsigned streams = 0, cuts = 0, broken = 0;

    while (scanf("%31s %15s %zu %zu", protocol, flags, &name_bytes, &bytes) == 4) {
        struct arena a = { 0 };
        struct str name, body;
        struct grammar_options o = {
            .json_array = strchr(flags, 'a') != NULL,
            .legacy = strchr(flags, 'l') != NULL,
            .functions = strchr(flags, 'f') != NULL,
            .wants_usage = strchr(flags, 'u') != NULL,
            .passed = strchr(flags, 'p') != NULL,
        };
        bool cut = strchr(flags, 'c') != NULL;

        if (getchar() != '\n' || !find_protocol(protocol, &o.protocol) ||
            !read_bytes(&a, name_bytes, &name) || !read_bytes(&a, bytes, &body))
            return 2;
        const char *rule = judge(&o, cut, body, &a);

        streams++;
        cuts += cut;
        if (rule != NULL) {
            struct str end = str_drop(body, body.len > SHOWN ? body.len - SHOWN : 0);

            broken++;
            printf("%.*s: %s (%s, %zu bytes)\n    …%.*s\n", (int)name.len, name.at, rule, flags,
                   body.len, (int)end.len, end.at);
        }
        arena_free(&a);
    }
    if (!feof(stdin))
        return 2;
    printf("%u streams, %u of them cut, %u broken\n", streams, cuts, broken);
    return broken > 0 ? 1 : 0;
}

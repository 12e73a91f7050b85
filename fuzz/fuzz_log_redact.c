/* fuzz/fuzz_log_redact.c - what a provider said, made fit to show: within its bound, valid UTF-8,
 * one line, and without anything that still looks like a key or an address. */
#include "base/arena.h"
#include "base/utf8.h"
#include "provider/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_key_byte(char c)
{
    return (c >= '0' && c <= '9') || (char_lower(c) >= 'a' && char_lower(c) <= 'z');
}

/* A start of a key at the start of a word, and enough behind it. */
static bool holds_key(struct str s, struct str start)
{
    for (size_t i = 0; i + start.len + 8 <= s.len; i++) {
        size_t n = 0;

        if ((i > 0 && is_key_byte(s.at[i - 1])) || !str_starts(str_drop(s, i), start))
            continue;
        while (n < 8 && is_key_byte(s.at[i + start.len + n]))
            n++;
        if (n == 8)
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const starts[] = { "sk-", "AIza", "ghp_", "xai-" };
    struct arena a = { 0 };
    struct str in = { (const char *)data, size };

    const size_t max = size % 3 == 0 ? 1 + size % 64 : 512;
    struct str out = redact(&a, in, max);

    assert(out.len <= max);
    assert(utf8_valid(out) == out.len);
    for (size_t i = 0; i < out.len; i++)
        assert((unsigned char)out.at[i] >= ' ' && out.at[i] != 0x7f);
    for (size_t i = 0; i < COUNT(starts); i++)
        assert(!holds_key(out, str_c(starts[i])));
    arena_free(&a);
    return 0;
}

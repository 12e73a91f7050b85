#include "base64.h"

#define BAD 0xFF

static const char alphabets[2][65] = {
    [BASE64_STANDARD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

bool base64_put(struct buf *out, struct str bytes, enum base64_kind kind)
{
    const char *alphabet = alphabets[kind];
    size_t rest = bytes.len % 3;
    size_t tail = rest == 0 ? 0 : kind == BASE64_STANDARD ? 4 : rest + 1;
    size_t need;

    if (!mul_checked(bytes.len / 3, 4, &need) || !add_checked(need, tail, &need))
        return false;
    if (need == 0)
        return true;
    char *to = buf_reserve(out, need);

    if (to == NULL)
        return false;
    for (size_t at = 0; at < bytes.len; at += 3) {
        uint32_t bits = 0;
        size_t n = bytes.len - at < 3 ? bytes.len - at : 3;

        for (size_t i = 0; i < 3; i++)
            bits = bits << 8 | (i < n ? (uint8_t)bytes.at[at + i] : 0);
        for (size_t i = 0; i <= n; i++)
            *to++ = alphabet[bits >> (18 - 6 * i) & 63];
        for (size_t i = n; i < 3 && kind == BASE64_STANDARD; i++)
            *to++ = '=';
    }
    buf_commit(out, need);
    return true;
}

static uint8_t sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint8_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0' + 52);
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : BAD;
}

/* Takes the padding off; false when it does not fill the last four. */
static bool padding_drop(struct str *text)
{
    size_t n = 0;

    while (n < 2 && str_ends(*text, STR("="))) {
        *text = str_drop_last(*text, 1);
        n++;
    }
    return n == 0 || (text->len + n) % 4 == 0;
}

bool base64_get(struct buf *out, struct str text)
{
    if (!padding_drop(&text) || text.len % 4 == 1)
        return false;
    size_t need = text.len / 4 * 3 + (text.len % 4 * 3) / 4;

    if (need == 0)
        return text.len == 0;
    char *to = buf_reserve(out, need);
    uint32_t bits = 0;
    unsigned have = 0; /* bits not written yet */

    if (to == NULL)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t six = sextet(text.at[i]);

        if (six == BAD)
            return false;
        bits = bits << 6 | six;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *to++ = (char)(bits >> have & 0xFF);
        }
    }
    if ((bits & ((1u << have) - 1)) != 0)
        return false;
    buf_commit(out, need);
    return true;
}

bool hex_put(struct buf *out, struct str bytes)
{
    static const char digits[] = "0123456789abcdef";
    size_t need;

    if (!mul_checked(bytes.len, 2, &need))
        return false;
    if (need == 0)
        return true;
    char *to = buf_reserve(out, need);

    if (to == NULL)
        return false;
    for (size_t i = 0; i < bytes.len; i++) {
        *to++ = digits[(uint8_t)bytes.at[i] >> 4];
        *to++ = digits[(uint8_t)bytes.at[i] & 15];
    }
    buf_commit(out, need);
    return true;
}

static uint8_t hex_digit(char c)
{
    c = char_lower(c);
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0');
    return c >= 'a' && c <= 'f' ? (uint8_t)(c - 'a' + 10) : BAD;
}

bool hex_get(struct buf *out, struct str text)
{
    if (text.len == 0)
        return true;
    char *to = text.len % 2 == 0 ? buf_reserve(out, text.len / 2) : NULL;

    if (to == NULL)
        return false;
    for (size_t i = 0; i < text.len; i += 2) {
        uint8_t high = hex_digit(text.at[i]), low = hex_digit(text.at[i + 1]);

        if (high == BAD || low == BAD)
            return false;
        *to++ = (char)(high << 4 | low);
    }
    buf_commit(out, text.len / 2);
    return true;
}

#include "provider/redact.h"

#include "base/url.h"
#include "base/utf8.h"

#define READ_MAX ((size_t)4096)
#define MASK "\xe2\x80\xa6" /* … */
#define LONG_RUN 32         /* an unbroken run of mixed characters this long is taken for a key */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (char_lower(c) >= 'a' && char_lower(c) <= 'z');
}

/* What keys are made of; `*` because providers mask them by half themselves. */
static bool is_key_char(char c)
{
    return is_alnum(c) || c == '-' || c == '_' || c == '*' || c == '.' || c == '+' || c == '/' ||
           c == '=' || c == '~';
}

/* What bounds a word: blanks, quotes and brackets. */
static bool is_break(char c)
{
    return c <= ' ' || c == '"' || c == '\'' || c == '`' || c == '<' || c == '>' || c == '(' ||
           c == ')' || c == '[' || c == ']' || c == '{' || c == '}' || c == ',' || c == ';' ||
           c == '|';
}

static size_t run_of(struct str s, bool (*in)(char c))
{
    size_t n = 0;

    while (n < s.len && in(s.at[n]))
        n++;
    return n;
}

static bool is_word_char(char c)
{
    return !is_break(c);
}

/* A sentence's own end is not part of what stands before it. */
static size_t without_full_stop(struct str s, size_t n)
{
    while (n > 0 &&
           (s.at[n - 1] == '.' || s.at[n - 1] == ':' || s.at[n - 1] == '!' || s.at[n - 1] == '?'))
        n--;
    return n;
}

/* --- what is masked by its beginning ------------------------------------------------------------
 */

static const struct {
    struct str start;
    uint8_t rest_min; /* key characters that must follow … */
    bool digit;       /* … one of them a digit, for starts that are words too */
} starts[] = {
#define START(text, rest, digit)                \
    {                                           \
        { text, sizeof(text) - 1 }, rest, digit \
    }
    START("sk-", 6, false),   START("pk-", 6, true),          START("rk-", 6, true),
    START("AIza", 6, false),  START("ya29.", 6, false),       START("1//", 20, false),
    START("ghp_", 6, false),  START("gho_", 6, false),        START("ghu_", 6, false),
    START("ghs_", 6, false),  START("github_pat_", 6, false), START("GOCSPX-", 6, false),
    START("xai-", 6, false),  START("gsk_", 6, false),        START("hf_", 6, false),
    START("eyJ", 12, false),  START("AKIA", 12, false),       START("penstock-", 16, true),
    START("org-", 6, true),   START("proj_", 6, true),        START("user-", 12, true),
    START("acct_", 6, false), START("projects/", 4, true),
#undef START
};

static bool has_digit(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (is_digit(s.at[i]))
            return true;
    return false;
}

static size_t mask_by_start(struct str s, struct str *keep)
{
    for (size_t i = 0; i < COUNT(starts); i++) {
        struct str start = starts[i].start;

        if (!str_starts(s, start))
            continue;
        struct str rest = str_drop(s, start.len);

        rest.len = without_full_stop(rest, run_of(rest, is_key_char));
        if (rest.len < starts[i].rest_min || (starts[i].digit && !has_digit(rest)))
            continue;
        *keep = start;
        return start.len + rest.len;
    }
    return 0;
}

/* `Bearer <token>`, `Basic <token>`, `key=<value>`, `token: <value>` */
static size_t mask_by_label(struct str s, struct str *keep)
{
    static const char *const labels[] = {
        "bearer ", "basic ",  "api_key=",  "api-key: ",     "apikey=",     "key=",
        "token=",  "secret=", "password=", "access_token=", "x-api-key: ", "x-goog-api-key: "
    };

    for (size_t i = 0; i < COUNT(labels); i++) {
        struct str label = str_c(labels[i]);

        if (!str_istarts(s, label))
            continue;
        struct str value = str_drop(s, label.len);
        size_t len = without_full_stop(value, run_of(value, is_word_char));
        bool scheme = str_ends(label, STR(" ")) && !str_ends(label, STR(": "));

        if (len == 0 || (scheme && len < 20 && !has_digit(str_take(value, len))))
            continue; /* "bearer authentication", "basic plan" */
        *keep = str_take(s, label.len);
        return label.len + len;
    }
    return 0;
}

/* --- what is masked by its shape ----------------------------------------------------------------
 */

/* 8-4-4-4-12 hexadecimal digits: accounts and organisations are known by them. */
static size_t mask_uuid(struct str s)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    size_t len = sizeof(shape) - 1;

    if (s.len < len)
        return 0;
    for (size_t i = 0; i < len; i++) {
        char c = char_lower(s.at[i]);
        bool hex = is_digit(c) || (c >= 'a' && c <= 'f');

        if (shape[i] == 'x' ? !hex : c != '-')
            return 0;
    }
    return s.len > len && is_alnum(s.at[len]) ? 0 : len;
}

static bool is_run_char(char c)
{
    return is_alnum(c) || c == '_';
}

static size_t mask_long_run(struct str s)
{
    /* ids of the conversation itself, which the client made or has seen */
    static const char *const harmless[] = {
        "resp_", "msg_", "rs_", "fc_", "call_", "toolu_", "req_"
    };
    size_t len = run_of(s, is_run_char);
    size_t digits = 0, letters = 0;

    for (size_t i = 0; i < COUNT(harmless); i++)
        if (str_starts(s, str_c(harmless[i])))
            return 0;
    for (size_t i = 0; i < len; i++) {
        digits += is_digit(s.at[i]);
        letters += !is_digit(s.at[i]);
    }
    return len >= LONG_RUN && digits >= 4 && letters >= 4 ? len : 0;
}

static bool is_mail_char(char c)
{
    return is_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-' ||
           (unsigned char)c >= 0x80;
}

static size_t mask_mail(struct str s)
{
    size_t local = run_of(s, is_mail_char);

    if (local == 0 || local == s.len || s.at[local] != '@')
        return 0;
    struct str domain = str_drop(s, local + 1);
    size_t len = without_full_stop(domain, run_of(domain, is_mail_char));

    return len == 0 ? 0 : local + 1 + len;
}

static size_t mask_path(struct str s)
{
    static const char *const folders[] = { "/home/", "/root/",  "/usr/",      "/var/", "/opt/",
                                           "/etc/",  "/tmp/",   "/app/",      "/srv/", "/mnt/",
                                           "/proc/", "/Users/", "/workspace/" };

    for (size_t i = 0; i < COUNT(folders); i++)
        if (str_starts(s, str_c(folders[i])))
            return without_full_stop(s, run_of(s, is_word_char));
    if (s.len > 3 && is_alnum(s.at[0]) && !is_digit(s.at[0]) && s.at[1] == ':' && s.at[2] == '\\')
        return without_full_stop(s, run_of(s, is_word_char));
    return 0;
}

/* --- hosts and URLs ----------------------------------------------------------------------------
 */

static bool host_is_internal(struct str host)
{
    static const char *const networks[] = { "0.0.0.0/8",      "10.0.0.0/8",     "100.64.0.0/10",
                                            "127.0.0.0/8",    "169.254.0.0/16", "172.16.0.0/12",
                                            "192.168.0.0/16", "fc00::/7",       "fe80::/10",
                                            "::1/128" };
    static const char *const endings[] = { ".internal",    ".local",    ".lan",
                                           ".corp",        ".intranet", ".home",
                                           ".localdomain", ".svc",      ".cluster.local" };
    uint8_t ip[16];

    if (ip_read(host, ip, NULL)) {
        for (size_t i = 0; i < COUNT(networks); i++)
            if (ip_in_cidr(ip, str_c(networks[i])))
                return true;
        return false;
    }
    if (memchr(host.at, '.', host.len) == NULL)
        return true; /* a name without a dot is somebody's own */
    for (size_t i = 0; i < COUNT(endings); i++) {
        struct str ending = str_c(endings[i]);

        if (host.len > ending.len && str_ieq(str_drop(host, host.len - ending.len), ending))
            return true;
    }
    return false;
}

/* A URL keeps scheme, public host and path; login and query go, and all of it when the host is
 * internal or cannot be read. */
static size_t mask_url(struct str s, struct str *keep)
{
    size_t scheme = run_of(s, is_alnum);
    struct str mark = STR("://");

    if (scheme == 0 || !str_starts(str_drop(s, scheme), mark))
        return 0;
    size_t len = without_full_stop(s, run_of(s, is_word_char));
    size_t shown = scheme + mark.len;

    *keep = str_take(s, scheme + mark.len);
    if (len < shown)
        return shown;
    struct str authority, path, login, host, port;

    (void)str_cut(str_drop(str_take(s, len), shown), '/', &authority, &path);
    for (size_t i = 0; i < authority.len; i++) /* a query may follow the host at once */
        if (authority.at[i] == '?' || authority.at[i] == '#')
            authority.len = i;
    bool has_login = str_cut_last(authority, '@', &login, &host);

    if (!has_login)
        host = authority;
    if (!str_starts(host, STR("[")))
        (void)str_cut(host, ':', &host, &port);
    else
        host = str_drop_last(str_drop(host, 1), 1);
    if (has_login || host.len == 0 || host_is_internal(host))
        return len;
    shown += authority.len;
    while (shown < len && s.at[shown] != '?' && s.at[shown] != '#' && s.at[shown] != '@')
        shown++;
    *keep = str_take(s, shown);
    return len;
}

static bool is_host_char(char c)
{
    return is_alnum(c) || c == '.' || c == '-' || c == ':';
}

/* `10.1.2.3:8080`, `db.internal`, `localhost:5432` outside of URLs. A word without a dot is a word.
 */
static size_t mask_host(struct str s)
{
    size_t len = without_full_stop(s, run_of(s, is_host_char));
    struct str word = str_take(s, len), host, port;
    uint64_t number = 0;

    if (len == 0)
        return 0;
    if (ip_read(word, (uint8_t[16]){ 0 }, NULL))
        return host_is_internal(word) ? len : 0;
    if (!str_cut(word, ':', &host, &port) || !str_to_u64(port, &number))
        len = host.len;
    if (str_ieq(host, STR("localhost")))
        return len;
    if (memchr(host.at, '.', host.len) == NULL)
        return 0;
    return host_is_internal(host) ? len : 0;
}

/* --- all together ------------------------------------------------------------------------------
 */

/* How many bytes at the front are to be masked, 0 for none; `keep` of them are shown. */
static size_t mask_at(struct str s, struct str *keep)
{
    size_t len = 0;

    *keep = STR("");
    if ((len = mask_url(s, keep)) > 0 || (len = mask_by_label(s, keep)) > 0 ||
        (len = mask_by_start(s, keep)) > 0)
        return len;
    if ((len = mask_uuid(s)) > 0 || (len = mask_mail(s)) > 0 || (len = mask_path(s)) > 0 ||
        (len = mask_host(s)) > 0)
        return len;
    return mask_long_run(s);
}

static void put_masked(struct buf *out, struct str text)
{
    bool at_word = true; /* nothing is looked for in the middle of a word */

    while (text.len > 0 && out->max - out->len > 16) {
        struct str keep = STR("");
        size_t len = at_word ? mask_at(text, &keep) : 0;
        bool whole = len > 0 && keep.len == len; /* a URL with nothing to hide */

        if (len > 0) {
            if (!buf_add(out, keep) || (!whole && !buf_add(out, STR(MASK))))
                return;
            text = str_drop(text, len);
            at_word = true;
            continue;
        }
        char c = text.at[0];

        if (!buf_add_char(out, c))
            return;
        text = str_drop(text, 1);
        /* a key may follow a word of another script, but nothing begins inside a character */
        at_word = !is_alnum(c) && (text.len == 0 || ((unsigned char)text.at[0] & 0xc0) != 0x80);
    }
}

struct str redact(struct arena *a, struct str text, size_t max)
{
    struct buf clean = { .max = 3 * READ_MAX }, masked = { .max = 4 * READ_MAX };

    /* a cut in the middle of a key would hide what it is, so the last word read is given up */
    if (text.len > READ_MAX) {
        text = str_take(text, READ_MAX);
        while (text.len > 0 && !is_break(text.at[text.len - 1]))
            text = str_drop_last(text, 1);
    }
    bool fits = utf8_mend(&clean, str_trim(text));
    assert(fits); /* a byte becomes three at most */

    for (size_t i = 0; i < clean.len; i++)
        if ((unsigned char)clean.at[i] < ' ' || clean.at[i] == 0x7f)
            clean.at[i] = ' ';
    put_masked(&masked, buf_str(&clean));
    struct str out = arena_copy(a, utf8_clip(str_trim(buf_str(&masked)), max));

    buf_clear(&clean);
    buf_clear(&masked);
    return out;
}

/* app/settings_check.c - what texts among the settings may say. */
#include "app/settings_int.h"

#include "base/url.h"
#include "io/socket.h"

/* `localhost` means the same everywhere here: 127.0.0.1. Port 0 takes a free one. */
const char *check_listen(struct arena *a, struct str *text)
{
    struct address at;
    struct str host, port;

    if (str_cut(*text, ':', &host, &port) && str_ieq(host, STR("localhost")))
        *text = arena_printf(a, "127.0.0.1:%.*s", STR_ARG(port));
    return address_read(*text, &at) ? NULL
                                    : "is not HOST:PORT with a numeric host, as 127.0.0.1:8045";
}

const char *check_host(__attribute__((unused)) struct arena *a, struct str *text)
{
    for (size_t i = 0; i < text->len; i++) {
        char c = char_lower(text->at[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-_.:[]", c) != NULL))
            return "is no host name";
    }
    return text->len > 0 ? NULL : "is empty";
}

const char *check_network(__attribute__((unused)) struct arena *a, struct str *text)
{
    static const char wrong[] = "is neither an IP address nor a network such as 10.0.0.0/8";
    struct str address, prefix;
    uint8_t ip[16];
    uint64_t bits;
    bool is_v4;

    bool cut = str_cut(*text, '/', &address, &prefix);

    if (!ip_read(address, ip, &is_v4))
        return wrong;
    if (cut && (!str_to_u64(prefix, &bits) || bits > (is_v4 ? 32 : 128)))
        return wrong;
    return NULL;
}

/* Compared byte for byte with what a browser sends: no path, no default port, lower case. */
const char *check_web_origin(__attribute__((unused)) struct arena *a, struct str *text)
{
    struct url u;

    if (!url_read(*text, &u, NULL) || u.path.len > 0 || u.query.len > 0 || u.user.len > 0 ||
        u.password.len > 0 || !(str_eq(u.scheme, STR("http")) || str_eq(u.scheme, STR("https"))) ||
        str_ends(*text, STR("?")) || str_ends(*text, STR(":")))
        return "is no web origin, as https://app.example.com";
    for (size_t i = 0; i < text->len; i++)
        if (char_lower(text->at[i]) != text->at[i])
            return "is not in lower case, as browsers send it";
    if (u.port_given && u.port == (str_eq(u.scheme, STR("http")) ? 80 : 443))
        return "names the port that browsers leave out";
    return NULL;
}

const char *settings_wrong_proxy(struct str text)
{
    struct url u;

    if (text.len == 0 || str_eq(text, STR("direct")))
        return NULL;
    if (!url_read(text, &u, NULL))
        return "is neither `direct` nor a proxy URL, as http://10.0.0.1:3128 or socks5h://…";
    return NULL;
}

const char *check_proxy(__attribute__((unused)) struct arena *a, struct str *text)
{
    return settings_wrong_proxy(*text);
}

const char *check_base_url(__attribute__((unused)) struct arena *a, struct str *text)
{
    struct url u;

    if (!url_read(*text, &u, NULL) ||
        !(str_ieq(u.scheme, STR("http")) || str_ieq(u.scheme, STR("https"))))
        return "is no http or https URL";
    return NULL;
}

const char *check_variable_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = char_lower(name.at[i]);

        if (!((c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
            return "is no name of an environment variable";
    }
    return name.len > 0 && name.len <= 128 ? NULL : "is no name of an environment variable";
}

/* What manuals print where a key is to be put: as keys they would be known to everybody. */
static bool is_placeholder(struct str key)
{
    static const char *const known[] = {
        "any-value",    "anyvalue",  "sk-replace_me", "sk-replace-me", "replace_me",
        "replace-me",   "changeme",  "change-me",     "change_me",     "your-api-key",
        "your_api_key", "your-key",  "your_key",      "sk-your-key",   "sk-your-api-key",
        "sk-xxx",       "sk-xxxx",   "sk-...",        "sk-1234",       "sk-test",
        "sk-dummy",     "dummy",     "placeholder",   "secret",        "password",
        "api-key",      "api_key",   "apikey",        "test",          "none",
        "null",         "undefined", "example",       "sk-example",    "todo",
    };

    for (size_t i = 0; i < COUNT(known); i++)
        if (str_ieq(str_c(known[i]), key))
            return true;
    for (size_t i = str_istarts(key, STR("sk-")) ? 3 : 0; i < key.len; i++)
        if (char_lower(key.at[i]) != 'x' && key.at[i] != '*')
            return false;
    return true;
}

const char *check_client_key(struct str key)
{
    if (key.len == 0)
        return "is empty";
    if (key.len > 512)
        return "is longer than 512 bytes";
    for (size_t i = 0; i < key.len; i++)
        if (key.at[i] <= ' ' || key.at[i] >= 0x7f)
            return "holds a byte that no header can carry";
    if (is_placeholder(key))
        return "is a well-known placeholder: put a key of your own there";
    return NULL;
}

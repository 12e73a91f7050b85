#include "http/forwarded.h"

#include "base/url.h"

static bool is_trusted(const struct address *a, const struct str *trusted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ip_in_cidr(a->ip, trusted[i]))
            return true;
    return false;
}

/* `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`. */
static bool hop_read(struct str text, struct address *a)
{
    struct address with_port;

    if (ip_read(text, a->ip, &a->is_v4))
        return true;
    if (text.len > 2 && text.at[0] == '[' && text.at[text.len - 1] == ']')
        return ip_read(str_drop_last(str_drop(text, 1), 1), a->ip, &a->is_v4);
    if (!address_read(text, &with_port))
        return false;
    memcpy(a->ip, with_port.ip, sizeof(a->ip));
    a->is_v4 = with_port.is_v4;
    return true;
}

/* Goes on along one field, from its end. False: the way ends here. */
static bool walk_back(struct str list, const struct str *trusted, size_t count, struct address *a)
{
    struct str hop;
    bool more = true;

    while (more) {
        more = str_cut_last(list, ',', &list, &hop);
        if (!more)
            hop = list;
        if (!hop_read(str_trim(hop), a) || !is_trusted(a, trusted, count))
            return false;
    }
    return true;
}

struct address forwarded_client(const struct http_head *head, const struct str *trusted,
                                size_t count, const struct address *peer)
{
    struct address a = *peer;
    bool told = false;

    if (!is_trusted(peer, trusted, count))
        return a;
    for (uint32_t i = head->field_count; i > 0; i--) {
        const struct http_field *f = &head->fields[i - 1];

        if (!str_ieq(f->name, STR("x-forwarded-for")))
            continue;
        told = true;
        if (!walk_back(f->value, trusted, count, &a))
            break;
    }
    if (!told)
        (void)hop_read(http_field_value(head, STR("x-real-ip")), &a);
    return a;
}

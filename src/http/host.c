#include "http/host.h"

#include "http/parse.h"

static bool name_is_loopback(struct str name)
{
    return str_eq(name, STR("127.0.0.1")) || str_eq(name, STR("[::1]")) ||
           str_ieq(name, STR("localhost"));
}

static bool name_is_address(struct str name, const struct address *local)
{
    bool bracketed = name.len > 2 && name.at[0] == '[';
    struct address said;

    if (bracketed)
        name = (struct str){ name.at + 1, name.len - 2 };
    return bracketed != local->is_v4 && address_from_ip(name, local->port, &said) &&
           said.is_v4 == local->is_v4 && memcmp(said.ip, local->ip, sizeof(said.ip)) == 0;
}

static bool name_is_listed(struct str name, int port, struct str listed)
{
    struct str listed_name;
    int listed_port;

    return http_host_split(listed, &listed_name, &listed_port) && str_ieq(name, listed_name) &&
           (listed_port < 0 || listed_port == port);
}

bool host_allowed(struct str host, const struct address *local, const struct str *names,
                  size_t count)
{
    struct str name;
    int port;

    if (!http_host_split(host, &name, &port))
        return false;
    if ((port < 0 || port == local->port) &&
        (name_is_loopback(name) || name_is_address(name, local)))
        return true;
    for (size_t i = 0; i < count; i++)
        if (name_is_listed(name, port, names[i]))
            return true;
    return false;
}

bool origin_is_own(struct str origin, struct str host)
{
    return (str_istarts(origin, STR("http://")) && str_ieq(str_drop(origin, 7), host)) ||
           (str_istarts(origin, STR("https://")) && str_ieq(str_drop(origin, 8), host));
}

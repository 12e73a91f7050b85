/* io/address.c - IP addresses as values. */
#include "io/socket_int.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

/* As a whole: inet_pton() stops at a NUL, a slice does not. */
static bool ip_read(int family, struct str ip, void *out)
{
    char text[INET6_ADDRSTRLEN];

    if (ip.len == 0 || ip.len >= sizeof(text) || memchr(ip.at, '\0', ip.len) != NULL)
        return false;
    memcpy(text, ip.at, ip.len);
    text[ip.len] = '\0';
    return inet_pton(family, text, out) == 1;
}

bool address_from_ip(struct str ip, uint16_t port, struct address *a)
{
    struct address read = { .port = port };

    if (ip_read(AF_INET, ip, read.ip + sizeof(v4_mapped))) {
        memcpy(read.ip, v4_mapped, sizeof(v4_mapped));
        read.is_v4 = true;
    } else if (ip_read(AF_INET6, ip, read.ip)) {
        read.is_v4 = memcmp(read.ip, v4_mapped, sizeof(v4_mapped)) == 0;
    } else {
        return false;
    }
    *a = read;
    return true;
}

static bool port_read(struct str text, uint16_t *port)
{
    uint64_t number;

    if (text.len > 5 || !str_to_u64(text, &number) || number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

bool address_read(struct str text, struct address *a)
{
    struct str ip, port_text;
    struct address read;
    uint16_t port;

    if (!str_cut_last(text, ':', &ip, &port_text) || !port_read(port_text, &port))
        return false;

    bool bracketed = str_starts(ip, STR("[")) && str_ends(ip, STR("]"));

    if (bracketed)
        ip = str_drop_last(str_drop(ip, 1), 1);
    /* without brackets the last group of an IPv6 address would be taken for its port */
    if (bracketed != (memchr(ip.at, ':', ip.len) != NULL) || !address_from_ip(ip, port, &read))
        return false;
    *a = read;
    return true;
}

struct str address_text(const struct address *a, char out[ADDRESS_TEXT_MAX])
{
    char ip[INET6_ADDRSTRLEN];
    int len;

    if (a->is_v4) {
        inet_ntop(AF_INET, a->ip + sizeof(v4_mapped), ip, sizeof(ip));
        len = snprintf(out, ADDRESS_TEXT_MAX, "%s:%u", ip, a->port);
    } else {
        inet_ntop(AF_INET6, a->ip, ip, sizeof(ip));
        len = snprintf(out, ADDRESS_TEXT_MAX, "[%s]:%u", ip, a->port);
    }
    assert(len > 0 && len < ADDRESS_TEXT_MAX);
    return (struct str){ out, (size_t)len };
}

bool address_is_loopback(const struct address *a)
{
    static const uint8_t v6_loopback[16] = { [15] = 1 };

    return a->is_v4 ? a->ip[12] == 127 : memcmp(a->ip, v6_loopback, sizeof(v6_loopback)) == 0;
}

socklen_t address_to_system(const struct address *a, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (a->is_v4) {
        struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(a->port) };

        memcpy(&v4.sin_addr, a->ip + sizeof(v4_mapped), sizeof(v4.sin_addr));
        memcpy(out, &v4, sizeof(v4));
        return sizeof(v4);
    }

    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port) };

    memcpy(&v6.sin6_addr, a->ip, sizeof(v6.sin6_addr));
    memcpy(out, &v6, sizeof(v6));
    return sizeof(v6);
}

bool address_from_system(const struct sockaddr *from, struct address *a)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    switch (from->sa_family) {
    case AF_INET:
        memcpy(&v4, from, sizeof(v4));
        *a = (struct address){ .port = ntohs(v4.sin_port), .is_v4 = true };
        memcpy(a->ip, v4_mapped, sizeof(v4_mapped));
        memcpy(a->ip + sizeof(v4_mapped), &v4.sin_addr, sizeof(v4.sin_addr));
        return true;
    case AF_INET6:
        memcpy(&v6, from, sizeof(v6));
        *a = (struct address){ .port = ntohs(v6.sin6_port) };
        memcpy(a->ip, &v6.sin6_addr, sizeof(a->ip));
        a->is_v4 = memcmp(a->ip, v4_mapped, sizeof(v4_mapped)) == 0;
        return true;
    default:
        return false;
    }
}

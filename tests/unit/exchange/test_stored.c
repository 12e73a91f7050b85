#include "exchange/stored.h"

#include <stdio.h>

#include "test.h"

static struct str id_of(uint32_t n, char to[32])
{
    int len = snprintf(to, 32, "resp_%u", n);

    return (struct str){ to, (size_t)len };
}

static struct session_key session_of(uint32_t n)
{
    struct session_key key = { { 0 } };

    memcpy(key.digest, &n, sizeof(n));
    return key;
}

static bool knows(struct stored *s, uint32_t n, uint32_t session)
{
    struct session_key got, want = session_of(session);
    char id[32];

    return stored_find(s, id_of(n, id), &got) && memcmp(&got, &want, sizeof(got)) == 0;
}

static void add(struct stored *s, uint32_t n, uint32_t session)
{
    struct session_key key = session_of(session);
    char id[32];

    stored_add(s, id_of(n, id), &key);
}

TEST(a_response_tells_its_conversation_the_last_one_said)
{
    struct stored *s = stored_new();

    (void)t;
    CHECK(!knows(s, 1, 7));
    add(s, 1, 7);
    add(s, 2, 8);
    CHECK(knows(s, 1, 7) && knows(s, 2, 8));
    add(s, 1, 9);
    CHECK(knows(s, 1, 9) && knows(s, 2, 8));
    stored_free(s);
}

TEST(the_table_is_bounded_and_what_is_used_stays)
{
    struct stored *s = stored_new();
    uint32_t kept = 0, all = 4 * STORED_MAX;

    (void)t;
    for (uint32_t i = 0; i < all; i++) {
        add(s, i, i);
        CHECK(knows(s, 0, 0), "after %u", i);
    }
    CHECK(knows(s, all - 1, all - 1));
    for (uint32_t i = 0; i < all; i++)
        kept += knows(s, i, i);
    CHECK(kept > STORED_MAX / 2 && kept <= STORED_MAX, "%u", kept);
    stored_free(s);
}

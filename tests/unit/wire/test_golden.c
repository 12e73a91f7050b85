/* tests/unit/wire/test_golden.c - what maps to what, as files to be read: each request of
 * golden/<protocol>.jsonl over every wire in golden/<protocol>.requests, and each recorded answer
 * of streams/ for every protocol in golden/<protocol>.answers.
 *
 * A change of a mapping changes these files: `make golden-update` writes them anew, and the
 * difference is to be reviewed. */
#include "translation_rig.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

#define FOLDER "tests/unit/wire/golden"
#define STREAMS "tests/unit/wire/streams"

/* The file says this; or it is written so. */
static void compare(struct test *t, const char *name, struct str now)
{
    const char *path = test_path(t, name).at;

    if (getenv("PENSTOCK_GOLDEN_UPDATE") != NULL) {
        FILE *f = fopen(path, "w");

        if (!CHECK(f != NULL, "%s", path))
            return;
        CHECK_INT(fwrite(now.at, 1, now.len, f), now.len);
        fclose(f);
        return;
    }
    struct str want = test_file(t, name), one, two;

    for (uint32_t line = 1; want.len > 0 || now.len > 0; line++) {
        (void)str_cut(want, '\n', &one, &want);
        (void)str_cut(now, '\n', &two, &now);
        if (str_eq(one, two))
            continue;
        test_fail(t, __FILE__, __LINE__, "golden",
                  " %s, line %u (make golden-update writes it anew)\n  want %.*s\n  got  %.*s",
                  name, line, (int)one.len, one.at, (int)two.len, two.at);
        return;
    }
}

/* A request over one wire: the body, or why not; and what is lost. */
static void put_request(struct test *t, enum wire protocol, struct str body, enum wire wire,
                        struct buf *out)
{
    struct wire_target target = rig_target(wire, rig_model(wire));
    struct rig_request q;

    rig_write(protocol, body, &target, &t->arena, &q);
    (void)buf_printf(out, "%s: ", wire_name(wire).at);
    if (!q.written)
        (void)buf_printf(out, "400 %.*s: %.*s\n", STR_ARG(q.why.param), STR_ARG(q.why.message));
    else
        (void)(buf_add(out, q.body) && buf_add(out, STR("\n")));
    if (q.written && q.losses.len > 0)
        (void)(buf_add(out, STR("    dropped ")) && buf_add(out, q.losses) &&
               buf_add(out, STR("\n")));
}

TEST(every_request_over_every_wire_as_it_was_reviewed)
{
    for (enum wire protocol = 0; protocol < PROTOCOLS; protocol++) {
        const char *name = wire_name(protocol).at;
        struct str rest = test_file(t, arena_printf(&t->arena, FOLDER "/%s.jsonl", name).at), line;
        struct buf out = { .max = (size_t)4 << 20 };
        uint32_t count = 0;

        while (rest.len > 0) {
            struct json doc;

            (void)str_cut(rest, '\n', &line, &rest);
            if (!CHECK(json_parse(&doc, line, NULL, &t->arena, NULL), "%s: %.*s", name,
                       STR_ARG(line)))
                continue;
            struct str title = json_inside(&doc, json_member(&doc, 0, STR("name"), NULL));
            struct str body = json_raw(&doc, json_member(&doc, 0, STR("body"), NULL));

            (void)buf_printf(&out, "\n# %.*s\n", STR_ARG(title));
            for (enum wire wire = 0; wire < WIRES; wire++)
                put_request(t, protocol, body, wire, &out);
            count++;
        }
        CHECK(count >= 20, "%s: %u", name, count);
        compare(t, arena_printf(&t->arena, FOLDER "/%s.requests", name).at, buf_str(&out));
        buf_clear(&out);
    }
}

static int by_name(const void *one, const void *two)
{
    return str_cmp(*(const struct str *)one, *(const struct str *)two);
}

TEST(every_recorded_answer_for_every_protocol_as_it_was_reviewed)
{
    for (enum wire protocol = 0; protocol < PROTOCOLS; protocol++) {
        struct buf out = { .max = (size_t)4 << 20 };

        for (enum wire wire = 0; wire < WIRES; wire++) {
            const char *folder = arena_printf(&t->arena, STREAMS "/%s", wire_name(wire).at).at;
            DIR *d = opendir(test_path(t, folder).at);
            struct str names[64];
            size_t count = 0;
            struct dirent *file;

            if (!CHECK(d != NULL, "%s", folder))
                continue;
            while ((file = readdir(d)) != NULL && count < COUNT(names))
                if (str_ends(str_c(file->d_name), STR(".sse")))
                    names[count++] = arena_copy(&t->arena, str_c(file->d_name));
            closedir(d);
            qsort(names, count, sizeof(names[0]), by_name);
            for (size_t i = 0; i < count; i++) {
                struct str bytes =
                    test_file(t, arena_printf(&t->arena, "%s/%.*s", folder, STR_ARG(names[i])).at);
                struct rig_request asked;
                struct rig_answer answer;

                rig_read(protocol, rig_ask(protocol), &t->arena, &asked);
                struct rig_options o = { .wire = wire, .asked = &asked, .whole = true };

                rig_feed(&o, bytes, &t->arena, &answer);
                (void)buf_printf(&out, "\n# %s/%.*s\n", wire_name(wire).at, STR_ARG(names[i]));
                if (!answer.done)
                    (void)buf_add(&out, STR("an error\n"));
                else
                    (void)(buf_add(&out, answer.bytes) && buf_add(&out, STR("\n")));
            }
        }
        compare(t, arena_printf(&t->arena, FOLDER "/%s.answers", wire_name(protocol).at).at,
                buf_str(&out));
        buf_clear(&out);
    }
}

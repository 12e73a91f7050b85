/* The settings file: read, watched, kept when broken, written. */
#include <sys/stat.h>

#include "app/config_file.h"
#include "base/log.h"
#include "rig.h"

struct rig {
    const char *folder, *path;
    struct config_file *file;
    int changes;
    enum pool_mode mode; /* of the last change */
    struct buf log;
    struct loop *loop;
    struct timer end;
};

static void on_change(void *peer, struct settings *s)
{
    struct rig *r = peer;

    r->changes++;
    r->mode = s->scheduling.mode;
    if (r->loop != NULL)
        loop_stop(r->loop);
}

static void keep_line(void *peer, __attribute__((unused)) enum log_level level, struct str text)
{
    struct rig *r = peer;

    (void)buf_add(&r->log, text);
}

static void put(struct test *t, const struct rig *r, const char *text)
{
    struct error e = { .status = OK };

    CHECK_INT(file_write(r->path, str_c(text), false, &e), OK, "%s", e.text);
}

static struct str on_disk(struct test *t, const char *path)
{
    struct buf b = { .max = 1 << 20 };
    struct str text = STR("(absent)");

    if (file_read(path, &b, NULL) == OK)
        text = arena_copy(&t->arena, buf_str(&b));
    buf_clear(&b);
    return text;
}

static void rig_open(struct test *t, struct rig *r, const char *text)
{
    struct error e = { .status = OK };

    *r = (struct rig){ .folder = rig_folder(t), .log = { .max = 1 << 20 } };
    r->path = rig_path(t, r->folder, "gui_config.json");
    log_setup(&(struct log_options){ .write_line = keep_line, .peer = r });
    if (text != NULL)
        put(t, r, text);
    CHECK_INT(config_file_open(r->folder, NULL, &rig_sources, &r->file, NULL, &e), OK, "%s",
              e.text);
    config_file_on_change(r->file, on_change, r);
}

static void rig_close(struct test *t, struct rig *r)
{
    config_file_close(r->file);
    rig_remove(t, r->folder);
    log_setup(&(struct log_options){ .level = LOG_ERROR });
    buf_clear(&r->log);
}

static size_t logged(const struct rig *r, const char *what)
{
    struct str rest = buf_str(&r->log);
    size_t n = 0, at;

    while ((at = str_find(rest, str_c(what))) != SIZE_MAX) {
        n++;
        rest = str_drop(rest, at + 1);
    }
    return n;
}

TEST(without_a_file_the_defaults_hold_and_the_first_change_makes_it)
{
    struct rig r;
    struct error e = { .status = OK };
    struct stat st;

    rig_open(t, &r, NULL);
    CHECK_INT(config_file_revision(r.file), 1);
    CHECK_STR(on_disk(t, r.path), "(absent)");
    CHECK_INT(
        config_file_change(r.file, STR("proxy.scheduling.mode"), STR("\"CacheFirst\""), 0, &e), OK,
        "%s", e.text);
    CHECK_STR(on_disk(t, r.path), "{\n  \"proxy\": {\n    \"scheduling\": {\n      \"mode\": "
                                  "\"CacheFirst\"\n    }\n  }\n}\n");
    CHECK(stat(r.path, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK_INT(r.changes, 1);
    CHECK_INT(r.mode, MODE_CACHE_FIRST);
    CHECK_INT(config_file_revision(r.file), 2);
    CHECK_INT(config_file_settings(r.file)->scheduling.mode, MODE_CACHE_FIRST);
    rig_close(t, &r);
}

TEST(a_broken_file_at_start_is_an_error_with_its_place)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "{\n  \"workers\": 1,\n}", "gui_config.json:2:15: trailing comma" },
        { "{\n  \"proxy\": {\"scheduling\": {\"mode\": \"Fast\"}}\n}",
          "gui_config.json:2:36: proxy.scheduling.mode: \"Fast\" is none of Balance, CacheFirst, "
          "PerformanceFirst" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig r = { .folder = rig_folder(t) };
        struct error e = { .status = OK };

        r.path = rig_path(t, r.folder, "gui_config.json");
        put(t, &r, cases[i].text);
        CHECK_INT(config_file_open(r.folder, NULL, &rig_sources, &r.file, NULL, &e), E_SYNTAX);
        CHECK(str_find(str_c(e.text), str_c(cases[i].want)) != SIZE_MAX, "%s", e.text);
        CHECK_STR(on_disk(t, r.path), cases[i].text, "it was touched");
        rig_remove(t, r.folder);
    }
}

TEST(an_explicit_path_must_exist)
{
    struct config_file *f = NULL;
    struct error e = { .status = OK };
    const char *folder = rig_folder(t);

    CHECK_INT(config_file_open(folder, rig_path(t, folder, "own.json"), &rig_sources, &f, NULL, &e),
              E_ABSENT);
    CHECK(str_find(str_c(e.text), STR("own.json")) != SIZE_MAX, "%s", e.text);
    rig_remove(t, folder);
}

TEST(a_broken_edit_keeps_the_old_settings_and_is_logged_once)
{
    struct rig r;
    struct error e = { .status = OK };
    struct buf text = { .max = 1000 };

    rig_open(t, &r, "{\"proxy\":{\"scheduling\":{\"mode\":\"CacheFirst\"}}}");
    put(t, &r, "{\"proxy\":{\"scheduling\":{\"mode\":\n\"Fast\"}}}");
    for (int i = 0; i < 3; i++)
        CHECK_INT(config_file_reload(r.file, &e), E_SYNTAX);
    CHECK_INT(logged(&r, "cannot be used"), 1);
    CHECK_INT(logged(&r, "line=2"), 1, "%.*s", STR_ARG(buf_str(&r.log)));
    CHECK_INT(r.changes, 0);
    CHECK_INT(config_file_settings(r.file)->scheduling.mode, MODE_CACHE_FIRST);
    CHECK(config_file_fault(r.file) != NULL);
    config_file_describe(r.file, config_file_fault(r.file), &text);
    CHECK(str_find(buf_str(&text), STR("gui_config.json:2:1: proxy.scheduling.mode: ")) !=
          SIZE_MAX);
    CHECK_INT(config_file_change(r.file, STR("workers"), STR("1"), 0, &e), E_CONFLICT);
    CHECK(str_find(str_c(e.text), STR("put right first")) != SIZE_MAX, "%s", e.text);
    CHECK_STR(on_disk(t, r.path), "{\"proxy\":{\"scheduling\":{\"mode\":\n\"Fast\"}}}");
    /* put back as it was: good, and nothing new */
    put(t, &r, "{\"proxy\":{\"scheduling\":{\"mode\":\"CacheFirst\"}}}");
    CHECK_INT(config_file_reload(r.file, &e), OK);
    CHECK(config_file_fault(r.file) == NULL);
    CHECK_INT(r.changes, 0);
    CHECK_INT(config_file_revision(r.file), 1);
    buf_clear(&text);
    rig_close(t, &r);
}

TEST(a_change_builds_on_what_the_disk_says_now)
{
    struct rig r;
    struct error e = { .status = OK };

    rig_open(t, &r, "{\"workers\": 1}\n");
    put(t, &r, "{\"workers\": 2, \"mine\": 7}\n");
    CHECK_INT(config_file_change(r.file, STR("require_keys"), STR("true"), 0, &e), OK, "%s",
              e.text);
    CHECK_STR(on_disk(t, r.path), "{\"workers\": 2, \"mine\": 7, \"require_keys\": true}\n");
    CHECK_STR(on_disk(t, rig_path(t, r.folder, "gui_config.json.bak")),
              "{\"workers\": 2, \"mine\": 7}\n");
    CHECK_INT(r.changes, 2);
    CHECK_INT(config_file_settings(r.file)->workers, 2);
    /* what we wrote ourselves is no edit */
    CHECK_INT(config_file_reload(r.file, &e), OK);
    CHECK_INT(r.changes, 2);
    rig_close(t, &r);
}

TEST(a_change_from_an_old_view_is_a_conflict)
{
    struct rig r;
    struct error e = { .status = OK };

    rig_open(t, &r, "{\"workers\":1}");
    CHECK_INT(config_file_change(r.file, STR("workers"), STR("2"), 1, &e), OK, "%s", e.text);
    CHECK_INT(config_file_change(r.file, STR("workers"), STR("3"), 1, &e), E_CONFLICT);
    put(t, &r, "{\"workers\":5}");
    CHECK_INT(config_file_change(r.file, STR("workers"), STR("3"), 2, &e), E_CONFLICT);
    CHECK_STR(on_disk(t, r.path), "{\"workers\":5}");
    CHECK_INT(config_file_settings(r.file)->workers, 5);
    rig_close(t, &r);
}

TEST(a_change_that_is_wrong_changes_nothing)
{
    struct rig r;
    struct error e = { .status = OK };

    rig_open(t, &r, "{\"workers\":1}");
    CHECK_INT(config_file_change(r.file, STR("workers"), STR("99"), 0, &e), E_SYNTAX);
    CHECK(str_find(str_c(e.text), STR("workers: is 99, must be from 0 to 64")) != SIZE_MAX, "%s",
          e.text);
    CHECK_INT(config_file_change(r.file, STR("nothing"), STR("1"), 0, &e), E_ABSENT);
    CHECK_STR(on_disk(t, r.path), "{\"workers\":1}");
    CHECK_INT(config_file_revision(r.file), 1);
    rig_close(t, &r);
}

TEST(a_change_brings_no_member_that_is_not_known)
{
    static const struct {
        const char *path, *raw, *named; /* NULL: good */
    } rows[] = {
        { "routing.flows", "{\"a\":{\"entries\":[],\"own\":2},\"b\":{\"entries\":[]}}", NULL },
        { "routing.flows",
          "{\"b\":{\"entries\":[{\"model\":\"m\"},{\"model\":\"m\",\"acount\":\"w\"}]}}",
          "routing.flows.b.entries[1].acount: is not known here" },
        { "routing.flows", "{\"b\":{\"entrys\":[]}}", "routing.flows.b.entrys: is not known" },
        { "routing.accounts", "{\"m\":{\"entries\":[{\"account\":\"w\",\"tier\":1}]}}",
          "routing.accounts.m.entries[0].tier: is not known" },
        { "client_keys", "[{\"name\":\"b\",\"key\":\"k2\",\"team\":\"x\"}]", NULL }, /* was [1] */
        { "client_keys", "[{\"name\":\"b\",\"key\":\"k2\",\"teams\":\"x\"}]",
          "client_keys[0].teams: is not known" },
        { "routing.flows", "{\"b\":{\"entries\":[{\"model\":\"m\",\"comment\":\"mine\"}]}}", NULL },
    };
    struct rig r;

    rig_open(t, &r,
             "{\"routing\":{\"flows\":{\"a\":{\"entries\":[],\"own\":1}}},"
             "\"client_keys\":[{\"name\":\"a\",\"key\":\"k1\"},"
             "{\"name\":\"b\",\"key\":\"k2\",\"team\":\"x\"}]}");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct error e = { .status = OK };
        uint64_t before = config_file_revision(r.file);
        enum status st = config_file_change(r.file, str_c(rows[i].path), str_c(rows[i].raw), 0, &e);

        CHECK_INT(st, rows[i].named == NULL ? OK : E_SYNTAX, "%zu: %s", i, e.text);
        CHECK(rows[i].named == NULL || str_starts(str_c(e.text), str_c(rows[i].named)), "%zu: %s",
              i, e.text);
        CHECK_INT(config_file_revision(r.file) - before, rows[i].named == NULL);
    }
    rig_close(t, &r);
}

TEST(several_changes_are_made_all_or_none)
{
    const struct settings_change good[] = { { STR("workers"), STR("2") },
                                            { STR("proxy.scheduling.mode"),
                                              STR("\"CacheFirst\"") } },
                                 bad[] = { { STR("workers"), STR("3") },
                                           { STR("proxy.scheduling.mode"), STR("\"Fast\"") } };
    struct rig r;
    struct error e = { .status = OK };

    rig_open(t, &r, "{\"workers\":1}");
    CHECK_INT(config_file_change_all(r.file, bad, COUNT(bad), 0, &e), E_SYNTAX);
    CHECK_STR(on_disk(t, r.path), "{\"workers\":1}");
    CHECK_INT(config_file_settings(r.file)->workers, 1);
    CHECK_INT(config_file_change_all(r.file, good, COUNT(good), 1, &e), OK, "%s", e.text);
    CHECK_STR(on_disk(t, r.path),
              "{\"workers\":2,\"proxy\":{\"scheduling\":{\"mode\":\"CacheFirst\"}}}");
    CHECK_INT(config_file_revision(r.file), 2, "one version of the file");
    rig_close(t, &r);
}

TEST(a_read_only_file_is_changed_for_this_run_only)
{
    struct rig r;
    struct error e = { .status = OK };

    rig_open(t, &r, "{\"workers\":1}");
    CHECK_INT(chmod(r.path, 0400), 0);
    CHECK_INT(config_file_change(r.file, STR("workers"), STR("2"), 0, &e), E_IO);
    CHECK(str_find(str_c(e.text), STR("for this run only")) != SIZE_MAX &&
              str_find(str_c(e.text), STR("read-only")) != SIZE_MAX,
          "%s", e.text);
    CHECK_STR(on_disk(t, r.path), "{\"workers\":1}");
    CHECK_INT(config_file_settings(r.file)->workers, 2);
    CHECK_INT(config_file_reload(r.file, &e), OK, "the file is as it was: no edit");
    CHECK_INT(config_file_settings(r.file)->workers, 2);
    /* writable again: the next change writes all */
    CHECK_INT(chmod(r.path, 0600), 0);
    CHECK_INT(config_file_change(r.file, STR("require_keys"), STR("true"), 0, &e), OK, "%s",
              e.text);
    CHECK_STR(on_disk(t, r.path), "{\"workers\":2,\"require_keys\":true}");
    rig_close(t, &r);
}

TEST(a_folder_that_is_gone_lets_changes_hold_for_this_run)
{
    struct rig r;
    struct error e = { .status = OK };

    rig_open(t, &r, NULL);
    rig_remove(t, r.folder);
    CHECK_INT(config_file_change(r.file, STR("workers"), STR("2"), 0, &e), E_IO);
    CHECK(str_find(str_c(e.text), STR("for this run only")) != SIZE_MAX, "%s", e.text);
    CHECK_INT(config_file_settings(r.file)->workers, 2);
    rig_close(t, &r);
}

TEST(a_file_that_vanishes_is_no_wish_for_the_defaults)
{
    struct rig r;
    struct error e = { .status = OK };

    rig_open(t, &r, "{\"workers\":3}");
    CHECK_INT(unlink(r.path), 0);
    CHECK_INT(config_file_reload(r.file, &e), OK);
    CHECK_INT(config_file_settings(r.file)->workers, 3);
    CHECK_INT(config_file_change(r.file, STR("require_keys"), STR("true"), 0, &e), OK, "%s",
              e.text);
    CHECK_STR(on_disk(t, r.path), "{\"workers\":3,\"require_keys\":true}");
    rig_close(t, &r);
}

TEST(unknown_keys_are_named_once_and_keys_in_clear_at_start)
{
    struct rig r;
    struct error e = { .status = OK };

    rig_open(t, &r,
             "{\"lisen\":1,\"accounts\":[{\"label\":\"w\",\"provider\":\"openai\","
             "\"api_key\":\"sk-planted-value\"}]}");
    CHECK_INT(logged(&r, "not known here"), 1);
    CHECK_INT(logged(&r, "key=\"lisen\""), 1, "%.*s", STR_ARG(buf_str(&r.log)));
    CHECK_INT(logged(&r, "accounts[0].api_key"), 1);
    CHECK_INT(logged(&r, "planted"), 0);
    put(t, &r, "{\"lisen\":2,\"other\":1}");
    CHECK_INT(config_file_reload(r.file, &e), OK);
    CHECK_INT(logged(&r, "not known here"), 2);
    CHECK_INT(logged(&r, "key=\"lisen\""), 1);
    rig_close(t, &r);
}

TEST(snapshots_live_as_long_as_somebody_holds_them)
{
    struct rig r;
    struct error e = { .status = OK };

    rig_open(t, &r, "{\"workers\":3}");
    struct settings *old = settings_ref(config_file_settings(r.file));

    CHECK_INT(config_file_change(r.file, STR("workers"), STR("4"), 0, &e), OK, "%s", e.text);
    rig_close(t, &r);
    CHECK_INT(old->workers, 3);
    settings_unref(old);
}

static void too_late(void *peer, __attribute__((unused)) int64_t now_ms)
{
    loop_stop(peer);
}

static void edit_later(void *peer)
{
    struct rig *r = peer;
    struct error e;

    (void)!file_write(r->path, STR("{\"proxy\":{\"scheduling\":{\"mode\":\"PerformanceFirst\"}}}"),
                      false, &e);
}

TEST(an_edit_of_the_watched_file_takes_effect)
{
    struct rig r;

    rig_open(t, &r, "{}");
    r.loop = loop_new();
    timer_init(&r.end, r.loop, too_late, r.loop);
    timer_start(&r.end, 20000);
    CHECK(config_file_watch(r.file, r.loop));
    loop_later(r.loop, edit_later, &r);
    loop_run(r.loop);
    CHECK_INT(r.changes, 1);
    CHECK_INT(r.mode, MODE_PERFORMANCE_FIRST);
    timer_stop(&r.end);
    config_file_close(r.file);
    r.file = NULL;
    loop_free(r.loop);
    rig_close(t, &r);
}

/* tests/unit/store/test_store_file.c - penstock.db as a file: who may read it, what stands in it,
 * damage, a full disk, several processes, a process that is killed. */
#include "store_rig.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool contains(struct str text, const char *part)
{
    return str_find(text, str_c(part)) != SIZE_MAX;
}

TEST(the_database_is_for_its_owner_only_whatever_the_umask)
{
    static const mode_t masks[] = { 0, 022, 0777 };
    static const char *const names[] = { "penstock.db", "penstock.db-wal", "penstock.db-shm" };

    for (size_t i = 0; i < COUNT(masks); i++) {
        struct rig r;
        mode_t before;

        rig_start(t, &r);
        before = umask(masks[i]);
        if (rig_open(t, &r) && rig_add(t, &r, "ada", "key") > 0)
            for (size_t k = 0; k < COUNT(names); k++)
                CHECK_INT(rig_mode(t, &r, names[k]), 0600, "%s, umask %03o", names[k], masks[i]);
        umask(before);
        rig_end(&r);
    }
}

TEST(a_database_that_others_could_read_is_tightened)
{
    struct rig r;

    rig_start(t, &r);
    if (rig_open(t, &r)) {
        rig_close(&r);
        CHECK_INT(chmod(rig_path(t, &r, "penstock.db"), 0644), 0);
        if (rig_open(t, &r))
            CHECK_INT(rig_mode(t, &r, "penstock.db"), 0600);
    }
    rig_end(&r);
}

TEST(the_journal_is_a_write_ahead_log)
{
    struct rig r;

    rig_start(t, &r);
    if (rig_open(t, &r))
        CHECK_STR(rig_ask(t, &r, "PRAGMA journal_mode"), "wal");
    rig_end(&r);
}

/* --- secrets */

static void check_bytes(struct test *t, const struct rig *r, const char *when)
{
    static const char *const names[] = { "penstock.db", "penstock.db-wal" };
    static const char *const markers[] = { "MARKER-KEY-7f3a", "MARKER-HEADER-7f3a",
                                           "MARKER-PROXY-7f3a" };
    bool label_seen = false;

    for (size_t i = 0; i < COUNT(names); i++) {
        struct str bytes = rig_bytes(t, r, names[i]);

        label_seen = label_seen || contains(bytes, "label that is no secret");
        for (size_t k = 0; k < COUNT(markers); k++)
            CHECK(!contains(bytes, markers[k]), "%s stands in %s, %s", markers[k], names[i], when);
    }
    CHECK(label_seen, "the search finds what is there, %s", when);
}

TEST(no_secret_stands_in_the_files_in_clear)
{
    static struct header_pair headers[] = { { { "authorization", 13 },
                                              { "Bearer MARKER-HEADER-7f3a", 25 } } };
    struct rig r;
    struct error e = { 0 };
    struct account_spec *spec = rig_spec("label that is no secret", "sk-MARKER-KEY-7f3a");

    spec->headers = headers;
    spec->header_count = 1;
    spec->proxy = STR("http://user:MARKER-PROXY-7f3a@127.0.0.1:8080");
    rig_start(t, &r);
    if (rig_open(t, &r)) {
        CHECK_INT(store_account_add(r.store, spec, 1, &e), OK, "%s", e.text);
        CHECK_INT(rig_flags(r.store, spec->id, true, true, STR("off"), &e), OK);
        check_bytes(t, &r, "while it is open");
        rig_close(&r);
        check_bytes(t, &r, "when it is closed");
    }
    account_spec_free(spec);
    rig_end(&r);
}

/* --- damage */

#define PAGE 4096

/* A closed database of several pages, and its bytes. */
static struct str database_of_many(struct test *t, struct rig *r)
{
    char label[24];

    if (!rig_open(t, r))
        return STR("");
    for (int i = 0; i < 60; i++) {
        snprintf(label, sizeof(label), "account %d", i);
        if (rig_add(t, r, label, "sk-0123456789012345678901234567890123456789") == 0)
            break;
    }
    rig_close(r);
    return rig_bytes(t, r, "penstock.db");
}

static void fill(struct str bytes, size_t from, size_t to)
{
    char *at = (char *)(uintptr_t)bytes.at; /* the test's own copy */

    assert(to <= bytes.len);
    memset(at + from, 0xa5, to - from);
}

TEST(a_damaged_database_is_refused_with_the_way_to_restore_it_and_left_as_it_is)
{
    static const struct {
        const char *name;
        size_t page, count; /* overwritten from page, 0: all that follow */
        size_t cut;         /* pages that are left; 0: all */
    } cases[] = {
        { "the first page", 0, 1, 0 },     { "all but the first page", 1, 0, 0 },
        { "the second page", 1, 1, 0 },    { "the last half", 4, 0, 0 },
        { "cut to half", 0, 0, 4 },        { "cut to one page", 0, 0, 1 },
        { "all of it is noise", 0, 0, 0 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig r;
        struct error e = { 0 };
        struct str bytes;

        rig_start(t, &r);
        bytes = database_of_many(t, &r);
        if (CHECK(bytes.len >= (size_t)8 * PAGE, "%zu bytes", bytes.len)) {
            if (cases[i].cut > 0)
                bytes = str_take(bytes, cases[i].cut * PAGE);
            else
                fill(bytes, cases[i].page * PAGE,
                     cases[i].count > 0 ? (cases[i].page + cases[i].count) * PAGE : bytes.len);
            rig_overwrite(t, &r, "penstock.db", bytes);
            CHECK_INT(store_open(r.folder, &r.key, &r.store, &e), E_STORE, "%s", cases[i].name);
            CHECK(r.store == NULL, "%s", cases[i].name);
            CHECK(contains(str_c(e.text), "penstock.db"), "%s: %s", cases[i].name, e.text);
            CHECK(contains(str_c(e.text), "damaged"), "%s: %s", cases[i].name, e.text);
            CHECK(contains(str_c(e.text), "backup"), "%s: %s", cases[i].name, e.text);
            CHECK(str_eq(rig_bytes(t, &r, "penstock.db"), bytes), "%s: it was changed",
                  cases[i].name);
        }
        rig_end(&r);
    }
}

TEST(a_backup_put_in_its_place_is_what_restores_it)
{
    struct rig r;
    struct error e = { 0 };
    struct str good, bad;

    rig_start(t, &r);
    good = database_of_many(t, &r);
    bad = arena_copy(&t->arena, good);
    fill(bad, PAGE, bad.len);
    rig_overwrite(t, &r, "penstock.db", bad);
    CHECK_INT(store_open(r.folder, &r.key, &r.store, &e), E_STORE);
    rig_overwrite(t, &r, "penstock.db", good);
    (void)unlink(rig_path(t, &r, "penstock.db-wal"));
    (void)unlink(rig_path(t, &r, "penstock.db-shm"));
    if (rig_open(t, &r) && rig_take(t, &r))
        CHECK_INT(r.taken_count, 60);
    rig_end(&r);
}

TEST(a_database_of_a_newer_version_is_refused_and_left_as_it_is)
{
    struct rig r;
    struct error e = { 0 };

    rig_start(t, &r);
    if (rig_open(t, &r) && rig_add(t, &r, "ada", "key") > 0) {
        rig_close(&r);
        rig_sql(t, &r, "UPDATE meta SET value = value + 1 WHERE name = 'schema_version'");

        struct str before = rig_bytes(t, &r, "penstock.db");

        CHECK_INT(store_open(r.folder, &r.key, &r.store, &e), E_STORE);
        CHECK(contains(str_c(e.text), "newer"), "%s", e.text);
        CHECK(str_eq(rig_bytes(t, &r, "penstock.db"), before));
        rig_sql(t, &r, "UPDATE meta SET value = value - 1 WHERE name = 'schema_version'");
        if (rig_open(t, &r) && rig_take(t, &r))
            CHECK_INT(r.taken_count, 1);
    }
    rig_end(&r);
}

TEST(a_database_of_the_first_version_is_brought_forward_with_all_it_holds)
{
    struct rig r;
    struct error e = { 0 };
    struct account_spec *spec = rig_spec("of the file", "key");

    spec->id = -7;
    rig_start(t, &r);
    if (rig_open(t, &r) && rig_add(t, &r, "ada", "key") > 0) {
        rig_close(&r);
        /* as 0.1.0 made it */
        rig_sql(
            t, &r,
            "ALTER TABLE account DROP COLUMN project; ALTER TABLE account DROP COLUMN grant;"
            "ALTER TABLE account DROP COLUMN grant_lost;"
            "DROP TABLE client_key; DROP TABLE account_fact;"
            "DROP TABLE account_override; CREATE TABLE "
            "account_override(id INTEGER PRIMARY KEY,"
            " disabled INTEGER NOT NULL, proxy_disabled INTEGER NOT NULL, reason TEXT NOT NULL);"
            "INSERT INTO account_override VALUES(-7, 1, 0, 'off');"
            "UPDATE meta SET value = 1 WHERE name = 'schema_version'");
        if (rig_open(t, &r) && rig_take(t, &r)) {
            CHECK_INT(r.taken_count, 1);
            CHECK_STR(secret_reveal(&r.taken[0]->api_key), "key");
            CHECK_INT(store_account_override(r.store, spec, &e), OK, "%s", e.text);
            CHECK(spec->disabled && !spec->proxy_disabled);
            CHECK_STR(spec->disabled_reason, "off");
        }
        rig_close(&r);
        CHECK_STR(rig_ask(t, &r, "SELECT value FROM meta WHERE name = 'schema_version'"), "7");
    }
    account_spec_free(spec);
    rig_end(&r);
}

TEST(that_a_grant_is_lost_was_told_by_its_reason_once)
{
    static const struct {
        const char *label, *reason;
        bool disabled, lost;
    } cases[] = {
        { "lost", "sign in again: the provider does not renew its grant any more", true, true },
        { "off", "switched off by the operator", true, false },
        { "back", "sign in again: long ago", false, false },
    };
    struct rig r;

    rig_start(t, &r);
    if (rig_open(t, &r)) {
        for (size_t i = 0; i < COUNT(cases); i++) {
            char sql[256];

            (void)rig_add(t, &r, cases[i].label, "key");
            snprintf(sql, sizeof(sql),
                     "UPDATE account SET disabled = %d, reason = '%s' WHERE label = '%s'",
                     cases[i].disabled, cases[i].reason, cases[i].label);
            rig_sql(t, &r, sql);
        }
        rig_close(&r);
        rig_sql(t, &r,
                "ALTER TABLE account DROP COLUMN grant_lost;"
                "ALTER TABLE account_override DROP COLUMN grant_lost;"
                "UPDATE meta SET value = 6 WHERE name = 'schema_version'");
        if (rig_open(t, &r) && rig_take(t, &r) && CHECK_INT(r.taken_count, COUNT(cases)))
            for (size_t i = 0; i < COUNT(cases); i++) {
                CHECK_INT(r.taken[i]->grant.lost, cases[i].lost, "%s", cases[i].label);
                CHECK_INT(r.taken[i]->disabled, cases[i].disabled, "%s", cases[i].label);
                CHECK_STR(r.taken[i]->disabled_reason, cases[i].reason, "%s", cases[i].label);
            }
    }
    rig_end(&r);
}

TEST(a_database_that_is_a_symbolic_link_or_in_no_folder_is_refused)
{
    struct rig r;
    struct error e = { 0 };

    rig_start(t, &r);
    rig_overwrite(t, &r, "elsewhere", STR(""));
    CHECK_INT(symlink("elsewhere", rig_path(t, &r, "penstock.db")), 0);
    CHECK_INT(store_open(r.folder, &r.key, &r.store, &e), E_REFUSED, "%s", e.text);
    CHECK(store_open(rig_path(t, &r, "nowhere"), &r.key, &r.store, &e) != OK);
    CHECK(r.store == NULL);
    rig_end(&r);
}

/* --- writes that fail */

TEST(a_database_kept_busy_gives_an_error_and_works_afterwards)
{
    struct rig r;
    struct error e = { 0 };
    sqlite3 *db = NULL;
    struct account_spec *spec = rig_spec("ben", "key");

    rig_start(t, &r);
    if (rig_open(t, &r) && rig_add(t, &r, "ada", "key") > 0 &&
        CHECK_INT(sqlite3_open(rig_path(t, &r, "penstock.db"), &db), SQLITE_OK)) {
        CHECK_INT(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        CHECK_INT(store_account_add(r.store, spec, 1, &e), E_STORE, "after the busy timeout");
        if (rig_take(t, &r))
            CHECK_INT(r.taken_count, 1, "reading goes on");
        CHECK_INT(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
        CHECK_INT(store_account_add(r.store, spec, 1, &e), OK, "%s", e.text);
    }
    sqlite3_close(db);
    account_spec_free(spec);
    rig_end(&r);
}

TEST(a_full_disk_fails_the_change_alone_and_is_recovered_from_without_a_restart)
{
    struct rig r;
    struct rlimit before, tight;
    void (*signal_before)(int) = signal(SIGXFSZ, SIG_IGN);

    rig_start(t, &r);
    CHECK_INT(getrlimit(RLIMIT_FSIZE, &before), 0);
    if (rig_open(t, &r) && rig_add(t, &r, "ada", "key") > 0) {
        struct account_spec *spec = rig_spec("ben", "key");
        struct error e = { 0 };

        tight = before;
        tight.rlim_cur = rig_bytes(t, &r, "penstock.db-wal").len;
        CHECK_INT(setrlimit(RLIMIT_FSIZE, &tight), 0);

        enum status st = store_account_add(r.store, spec, 1, &e);

        CHECK_INT(setrlimit(RLIMIT_FSIZE, &before), 0);
        CHECK_INT(st, E_STORE, "%s", e.text);
        if (rig_take(t, &r))
            CHECK_INT(r.taken_count, 1, "nothing of it is there");
        CHECK_INT(store_account_add(r.store, spec, 1, &e), OK, "%s", e.text);
        account_spec_free(spec);
        rig_close(&r);
        if (rig_open(t, &r) && rig_take(t, &r))
            CHECK_INT(r.taken_count, 2);
    }
    (void)signal(SIGXFSZ, signal_before);
    rig_end(&r);
}

/* --- several processes */

#define STARTERS 6

/* Each process does what a command at the very first start does. */
static int start_and_add(const struct rig *r, int number)
{
    struct master_key key;
    struct store *s = NULL;
    struct error e = { 0 };
    char label[16];
    enum status st = master_key_load(r->folder, STR(""), &key, &e);

    if (st == OK)
        st = store_open(r->folder, &key, &s, &e);
    if (st == OK) {
        snprintf(label, sizeof(label), "starter %d", number);

        struct account_spec *spec = rig_spec(label, "sk-starter");

        st = store_account_add(s, spec, 1, &e);
        account_spec_free(spec);
    }
    store_close(s);
    if (st != OK)
        fprintf(stderr, "starter %d: %s\n", number, e.text);
    return st == OK ? 0 : 1;
}

TEST(processes_that_meet_at_the_first_start_share_one_key_and_one_database)
{
    for (int round = 0; round < 5; round++) {
        struct rig r;
        pid_t children[STARTERS];

        rig_start(t, &r);
        for (int i = 0; i < STARTERS; i++) {
            children[i] = fork();
            if (children[i] == 0)
                _exit(start_and_add(&r, i));
        }
        for (int i = 0; i < STARTERS; i++) {
            int ended = -1;

            CHECK(waitpid(children[i], &ended, 0) == children[i] && ended == 0,
                  "round %d, process %d", round, i);
        }

        struct error e = { 0 };

        CHECK_INT(master_key_load(r.folder, STR(""), &r.key, &e), OK, "%s", e.text);
        if (rig_open(t, &r) && rig_take(t, &r) &&
            CHECK_INT(r.taken_count, STARTERS, "round %d", round))
            for (size_t i = 0; i < r.taken_count; i++)
                CHECK_STR(secret_reveal(&r.taken[i]->api_key), "sk-starter", "round %d: %.*s",
                          round, STR_ARG(r.taken[i]->disabled_reason));
        rig_end(&r);
    }
}

TEST(the_version_tells_of_what_another_process_changed)
{
    struct rig r;
    struct error e = { 0 };
    int64_t before = 0, after = 0;
    int ended = -1;

    rig_start(t, &r);
    CHECK_INT(master_key_load(r.folder, STR(""), &r.key, &e), OK, "%s", e.text);

    int gate[2];

    CHECK_INT(pipe(gate), 0);

    pid_t child = fork(); /* before anything is open: SQLite may not be carried across */

    if (child == 0) {
        char go;

        close(gate[1]);
        _exit(read(gate[0], &go, 1) == 1 ? start_and_add(&r, 0) : 1);
    }
    close(gate[0]);
    if (rig_open(t, &r)) {
        CHECK_INT(store_version(r.store, &before, &e), OK, "%s", e.text);
        CHECK_INT(write(gate[1], "g", 1), 1);
        CHECK(waitpid(child, &ended, 0) == child && ended == 0);
        CHECK_INT(store_version(r.store, &after, &e), OK, "%s", e.text);
        CHECK(after > before);
        if (rig_take(t, &r))
            CHECK_INT(r.taken_count, 1);
    }
    close(gate[1]);
    rig_end(&r);
}

/* --- killed */

/* Adds accounts for ever and tells of each one that was acknowledged. */
__attribute__((noreturn)) static void add_until_killed(const struct rig *r, int first, int tell)
{
    struct store *s = NULL;
    char label[24];

    if (store_open(r->folder, &r->key, &s, NULL) != OK)
        _exit(1);
    for (int i = first;; i++) {
        snprintf(label, sizeof(label), "row %d", i);

        struct account_spec *spec = rig_spec(label, label);

        if (store_account_add(s, spec, i, NULL) != OK || write(tell, &i, sizeof(i)) != sizeof(i))
            _exit(1);
        account_spec_free(spec);
    }
}

/* The number of rows that are known to be there; `wanted` of them were waited for. */
static int kill_after(struct test *t, const struct rig *r, int first, int wanted)
{
    int ends[2], row = first - 1, ended = 0;

    CHECK_INT(pipe(ends), 0);

    pid_t child = fork();

    if (child == 0) {
        close(ends[0]);
        add_until_killed(r, first, ends[1]);
    }
    close(ends[1]);
    for (int i = 0; i < wanted; i++)
        if (read(ends[0], &row, sizeof(row)) != sizeof(row))
            break;
    CHECK_INT(kill(child, SIGKILL), 0);
    CHECK(waitpid(child, &ended, 0) == child && WIFSIGNALED(ended), "it ran until it was killed");
    while (read(ends[0], &row, sizeof(row)) == sizeof(row))
        ; /* acknowledged while we were about to kill */
    close(ends[0]);
    return row + 1;
}

TEST(what_was_acknowledged_is_there_after_kill_9)
{
    struct rig r;
    int rows = 0;

    rig_start(t, &r);
    for (int round = 0; round < 20; round++) {
        int acknowledged = kill_after(t, &r, rows, (int)test_below(t, 4));

        if (!rig_open(t, &r) || !rig_take(t, &r))
            break;
        /* at most one more: committed, but killed before it was told */
        CHECK((int)r.taken_count == acknowledged || (int)r.taken_count == acknowledged + 1,
              "round %d: %zu rows, %d acknowledged", round, r.taken_count, acknowledged);
        for (size_t i = 0; i < r.taken_count; i++) {
            CHECK_STRS(secret_reveal(&r.taken[i]->api_key), r.taken[i]->label, "round %d", round);
            CHECK_INT(r.taken[i]->created_unix_ms, i, "round %d", round);
        }
        rows = (int)r.taken_count;
        CHECK_STR(rig_ask(t, &r, "PRAGMA integrity_check"), "ok", "round %d", round);
        rig_close(&r);
    }
    rig_end(&r);
}

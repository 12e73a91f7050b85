/* tests/unit/io/test_file.c - whole reads, atomic writes, modes, the lock, the watch. Everything
 * happens in a folder of its own that is removed afterwards. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/file.h"

static char folder[64];

static const char *in_folder(struct test *t, const char *name)
{
    return arena_printf(&t->arena, "%s/%s", folder, name).at;
}

static void folder_start(struct test *t)
{
    snprintf(folder, sizeof(folder), "/tmp/penstock-file-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
}

static int remove_one(const char *path, __attribute__((unused)) const struct stat *st,
                      __attribute__((unused)) int kind, __attribute__((unused)) struct FTW *at)
{
    return remove(path);
}

static void folder_end(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static unsigned mode_of(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 ? st.st_mode & 07777 : 0xffff;
}

static size_t files_in_folder(void)
{
    DIR *d = opendir(folder);
    size_t count = 0;

    while (readdir(d) != NULL)
        count++;
    closedir(d);
    return count - 2;
}

static void check_content(struct test *t, const char *path, const char *want)
{
    struct buf b;
    struct error e = { 0 };

    buf_init(&b, 4096);
    if (CHECK_INT(file_read(path, &b, &e), OK, "%s", e.text))
        CHECK_STR(buf_str(&b), want, "%s", path);
    buf_clear(&b);
}

TEST(what_was_written_is_read_back_and_the_version_before_is_kept)
{
    struct error e = { 0 };

    folder_start(t);

    const char *path = in_folder(t, "config.json"), *bak = in_folder(t, "config.json.bak");

    CHECK_INT(file_write(path, STR("one"), true, &e), OK, "%s", e.text);
    CHECK_INT(mode_of(bak), 0xffff, "there was no version before");
    CHECK_INT(file_write(path, STR("two"), true, &e), OK, "%s", e.text);
    check_content(t, path, "two");
    check_content(t, bak, "one");
    CHECK_INT(file_write(path, STR("three"), true, &e), OK, "%s", e.text);
    check_content(t, bak, "two");
    CHECK_INT(file_write(path, STR(""), false, &e), OK, "%s", e.text);
    check_content(t, path, "");
    check_content(t, bak, "two");
    CHECK_INT(files_in_folder(), 2, "no temporaries stay");
    folder_end();
}

TEST(a_backup_that_is_the_same_file_already_is_replaced_and_leaves_nothing_behind)
{
    struct error e = { 0 };

    folder_start(t);

    const char *path = in_folder(t, "a"), *bak = in_folder(t, "a.bak");

    CHECK_INT(file_write(path, STR("one"), false, &e), OK);
    CHECK(link(path, bak) == 0); /* as a crash between the two renames leaves it */
    CHECK_INT(file_write(path, STR("two"), true, &e), OK, "%s", e.text);
    check_content(t, path, "two");
    check_content(t, bak, "one");
    CHECK_INT(files_in_folder(), 2);
    folder_end();
}

TEST(reading_stops_at_the_limit)
{
    static const struct {
        size_t max;
        enum status want;
    } cases[] = { { 9, E_LIMIT }, { 10, OK }, { 11, OK }, { 0, E_LIMIT } };
    struct error e;

    folder_start(t);

    const char *path = in_folder(t, "ten");

    CHECK_INT(file_write(path, STR("0123456789"), false, &e), OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf b;

        buf_init(&b, cases[i].max);
        CHECK_INT(file_read(path, &b, &e), cases[i].want, "max %zu", cases[i].max);
        CHECK_INT(b.len, cases[i].want == OK ? 10 : 0, "max %zu", cases[i].max);
        buf_clear(&b);
    }
    folder_end();
}

TEST(what_cannot_be_read_says_why)
{
    struct buf b;
    struct error e;

    folder_start(t);
    buf_init(&b, 100);
    CHECK_INT(file_read(in_folder(t, "none"), &b, &e), E_ABSENT);
    CHECK(str_find(str_c(e.text), STR("none")) != SIZE_MAX, "%s", e.text);
    CHECK_INT(file_read(folder, &b, &e), E_IO);
    CHECK(mkfifo(in_folder(t, "pipe"), 0600) == 0);
    CHECK_INT(file_read(in_folder(t, "pipe"), &b, &e), E_IO);
    CHECK_INT(file_write(in_folder(t, "real"), STR("x"), false, &e), OK);
    CHECK(symlink("real", in_folder(t, "link")) == 0);
    CHECK_INT(file_read(in_folder(t, "link"), &b, &e), E_REFUSED);
    CHECK(str_find(str_c(e.text), STR("symbolic link")) != SIZE_MAX, "%s", e.text);
    folder_end();
}

TEST(a_write_that_fails_leaves_everything_as_it_was)
{
    struct error e;
    char long_name[300];

    folder_start(t);
    memset(long_name, 'n', sizeof(long_name));
    long_name[256] = '\0';
    CHECK_INT(file_write(in_folder(t, "real"), STR("x"), false, &e), OK);
    CHECK(symlink("real", in_folder(t, "link")) == 0);
    CHECK(mkdir(in_folder(t, "sub"), 0700) == 0);

    CHECK_INT(file_write(in_folder(t, "no/such"), STR("y"), true, &e), E_ABSENT);
    CHECK_INT(file_write(in_folder(t, "real/below"), STR("y"), true, &e), E_IO);
    CHECK_INT(file_write(in_folder(t, "sub"), STR("y"), true, &e), E_IO);
    CHECK_INT(file_write(in_folder(t, "link"), STR("y"), true, &e), E_REFUSED);
    CHECK_INT(file_write(in_folder(t, long_name), STR("y"), true, &e), E_SYNTAX);
    CHECK_INT(file_write(in_folder(t, ""), STR("y"), true, &e), E_SYNTAX);
    check_content(t, in_folder(t, "real"), "x");

    /* the last steps: the backup's place, then the file's, is taken by a folder */
    CHECK(mkdir(in_folder(t, "real.bak"), 0700) == 0);
    CHECK_INT(file_write(in_folder(t, "real"), STR("y"), true, &e), E_IO);
    check_content(t, in_folder(t, "real"), "x");
    CHECK_INT(files_in_folder(), 4, "real, link, sub, real.bak");
    folder_end();
}

TEST(modes_do_not_depend_on_the_umask)
{
    static const mode_t masks[] = { 0, 022, 077, 0777 };

    for (size_t i = 0; i < COUNT(masks); i++) {
        struct error e = { 0 };
        struct file_append *f = NULL;
        struct file_lock *lock = NULL;

        folder_start(t);

        mode_t before = umask(masks[i]);

        CHECK_INT(folder_prepare(in_folder(t, "a/b"), &e), OK, "umask %o: %s", masks[i], e.text);
        CHECK_INT(file_write(in_folder(t, "a/b/f"), STR("x"), true, &e), OK, "umask %o", masks[i]);
        CHECK_INT(file_append_open(in_folder(t, "a/b/log"), &f, &e), OK, "umask %o", masks[i]);
        CHECK_INT(file_lock_take(in_folder(t, "a/b/lock"), &lock, &e), OK, "umask %o", masks[i]);
        umask(before);
        CHECK_INT(mode_of(in_folder(t, "a")), 0700, "umask %o", masks[i]);
        CHECK_INT(mode_of(in_folder(t, "a/b")), 0700, "umask %o", masks[i]);
        CHECK_INT(mode_of(in_folder(t, "a/b/f")), 0600, "umask %o", masks[i]);
        CHECK_INT(mode_of(in_folder(t, "a/b/log")), 0600, "umask %o", masks[i]);
        CHECK_INT(mode_of(in_folder(t, "a/b/lock")), 0600, "umask %o", masks[i]);
        file_append_close(f);
        file_lock_drop(lock);
        folder_end();
    }
}

TEST(what_is_open_to_others_is_tightened)
{
    struct error e = { 0 };

    folder_start(t);

    const char *path = in_folder(t, "f");

    CHECK_INT(file_tighten(path, &e), OK, "there is none");
    CHECK_INT(file_write(path, STR("x"), false, &e), OK);
    CHECK(chmod(path, 0644) == 0 && chmod(folder, 0755) == 0);
    CHECK_INT(file_tighten(path, &e), OK, "%s", e.text);
    CHECK_INT(mode_of(path), 0600);
    CHECK_INT(folder_prepare(folder, &e), OK, "%s", e.text);
    CHECK_INT(mode_of(folder), 0700);
    CHECK(chmod(path, 0400) == 0);
    CHECK_INT(file_tighten(path, &e), OK);
    CHECK_INT(mode_of(path), 0400, "narrower is left alone");
    CHECK(symlink("f", in_folder(t, "link")) == 0);
    CHECK_INT(file_tighten(in_folder(t, "link"), &e), E_REFUSED);
    CHECK_INT(folder_prepare(path, &e), E_IO, "a file is no folder");
    folder_end();
}

TEST(a_folder_of_another_user_is_refused)
{
    struct error e = { 0 };

    if (geteuid() != 0) /* nobody else can give a folder away */
        return;
    folder_start(t);
    CHECK(mkdir(in_folder(t, "theirs"), 0700) == 0);
    CHECK(chown(in_folder(t, "theirs"), 12345, 12345) == 0);
    CHECK_INT(folder_prepare(in_folder(t, "theirs"), &e), E_REFUSED);
    CHECK(str_find(str_c(e.text), STR("12345")) != SIZE_MAX, "%s", e.text);
    folder_end();
}

TEST(orphans_of_a_write_are_removed_and_nothing_else)
{
    static const struct {
        const char *name;
        bool stays;
    } cases[] = {
        { "f.tmp.0123456789abcdef", false }, { "f.bak.tmp.0123456789abcdef", false },
        { "f.tmp.0123456789abcde", true },   { "f.tmp.0123456789abcdefg", true },
        { "f.tmp.0123456789ABCDEF", true },  { "f.tmp.", true },
        { ".tmp.0123456789abcdef", true },   { "f.json", true },
    };
    struct error e = { 0 };

    folder_start(t);
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(file_write(in_folder(t, cases[i].name), STR("x"), false, &e), OK, "%s", e.text);
    CHECK_INT(folder_prepare(folder, &e), OK, "%s", e.text);
    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_INT(access(in_folder(t, cases[i].name), F_OK) == 0, cases[i].stays, "%s",
                  cases[i].name);
    folder_end();
}

/* In a process of its own, since a lock does not keep out its holder's kin. 0: it was as wanted. */
static int try_lock_elsewhere(const char *path, long holder)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        struct file_lock *lock = NULL;
        struct error e = { 0 };
        char want[32];
        enum status st = file_lock_take(path, &lock, &e);

        snprintf(want, sizeof(want), "process %ld", holder);
        if (holder == 0)
            _exit(st == OK ? 0 : 1);
        _exit(st != E_CONFLICT ? 2 : str_find(str_c(e.text), str_c(want)) == SIZE_MAX ? 3 : 0);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(a_lock_is_had_once_and_the_other_is_told_by_whom)
{
    struct file_lock *lock = NULL, *second = NULL;
    struct error e = { 0 };

    folder_start(t);

    const char *path = in_folder(t, "lock");

    CHECK_INT(file_lock_take(path, &lock, &e), OK, "%s", e.text);
    CHECK_INT(try_lock_elsewhere(path, (long)getpid()), 0);
    CHECK_INT(file_lock_take(path, &second, &e), E_CONFLICT);
    file_lock_drop(lock);
    CHECK_INT(try_lock_elsewhere(path, 0), 0);
    CHECK_INT(file_lock_take(path, &lock, &e), OK, "the child has died: %s", e.text);
    file_lock_drop(lock);
    folder_end();
}

TEST(appended_bytes_follow_what_was_there)
{
    struct file_append *f = NULL;
    struct error e = { 0 };

    folder_start(t);

    const char *path = in_folder(t, "log");

    for (int i = 0; i < 2; i++) {
        CHECK_INT(file_append_open(path, &f, &e), OK, "%s", e.text);
        CHECK_INT(file_append_bytes(f, STR("a line\n"), &e), OK, "%s", e.text);
        file_append_close(f);
    }
    check_content(t, path, "a line\na line\n");
    CHECK_INT(file_append_open(folder, &f, &e), E_IO);
    folder_end();
}

/* --- the watch */

struct watcher {
    struct test *t;
    struct loop *loop;
    struct timer step;
    int steps, calls;
};

static void changed(void *peer)
{
    struct watcher *w = peer;

    w->calls++;
    loop_stop(w->loop);
}

static void write_it(void *peer, __attribute__((unused)) int64_t now_ms)
{
    struct watcher *w = peer;
    struct test *t = w->t;
    struct error e;

    /* what lies beside it says nothing; several changes at once are one */
    CHECK_INT(file_write(in_folder(t, "beside"), STR("x"), false, &e), OK);
    for (int i = 0; i < 5; i++)
        CHECK_INT(file_write(in_folder(t, "config"), STR("x"), true, &e), OK);
}

static void touch_beside(void *peer, __attribute__((unused)) int64_t now_ms)
{
    struct watcher *w = peer;
    struct test *t = w->t;
    struct error e;

    CHECK_INT(file_write(in_folder(t, "beside"), STR("y"), false, &e), OK);
    if (++w->steps == 3)
        loop_stop(w->loop);
    else
        timer_start(&w->step, 60);
}

TEST(a_watch_tells_of_a_file_renamed_over_and_only_of_it)
{
    struct watcher w = { .t = t, .loop = loop_new() };

    folder_start(t);

    struct file_watch *watch = file_watch_new(w.loop, in_folder(t, "config"), changed, &w);

    CHECK(watch != NULL);
    CHECK(file_watch_new(w.loop, in_folder(t, "no/config"), changed, &w) == NULL);
    timer_init(&w.step, w.loop, write_it, &w);
    timer_start(&w.step, 1);
    loop_run(w.loop);
    CHECK_INT(w.calls, 1);

    timer_init(&w.step, w.loop, touch_beside, &w);
    timer_start(&w.step, 1);
    loop_run(w.loop);
    CHECK_INT(w.calls, 1);
    file_watch_free(watch);
    loop_free(w.loop);
    folder_end();
}

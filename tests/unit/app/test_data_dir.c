/* The data directory: which one, the admin token, finding the gateway that runs. */
#include <sys/stat.h>

#include "app/data_dir.h"
#include "base/log.h"
#include "rig.h"

static void environment(const struct variable *set)
{
    static const char *const all[] = { "PENSTOCK_DATA_DIR", "ANTI_API_DATA_DIR", "ABV_DATA_DIR",
                                       "HOME", "PENSTOCK_ADMIN_TOKEN" };

    for (size_t i = 0; i < COUNT(all); i++)
        unsetenv(all[i]);
    for (; set != NULL && set->name != NULL; set++)
        setenv(set->name, set->value, 1);
}

TEST(the_first_that_names_a_folder_decides)
{
    static const struct {
        const char *option;
        struct variable set[5];
        const char *want;
    } cases[] = {
        { "/opt/", { { "PENSTOCK_DATA_DIR", "/p" } }, "/opt" },
        { NULL,
          { { "PENSTOCK_DATA_DIR", "/p//" }, { "ANTI_API_DATA_DIR", "/a" }, { "HOME", "/h" } },
          "/p" },
        { NULL, { { "ANTI_API_DATA_DIR", "/a" }, { "ABV_DATA_DIR", "/b" } }, "/a/penstock" },
        { NULL, { { "ABV_DATA_DIR", "/b/" }, { "HOME", "/h" } }, "/b/penstock" },
        { NULL, { { "HOME", "/h" } }, "/h/.penstock" },
        { NULL, { { "PENSTOCK_DATA_DIR", "" }, { "HOME", "/h" } }, "/h/.penstock" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char folder[DATA_DIR_MAX];
        struct error e = { .status = OK };

        environment(cases[i].set);
        CHECK_INT(data_dir_find(cases[i].option, folder, &e), OK, "%s", cases[i].want);
        CHECK_STR(str_c(folder), cases[i].want);
    }
    char folder[DATA_DIR_MAX];

    environment(NULL);
    CHECK_INT(data_dir_find(NULL, folder, NULL), E_ABSENT);
    CHECK_INT(data_dir_find("", folder, NULL), E_SYNTAX);
}

TEST(a_path_that_is_too_long_is_refused)
{
    char path[DATA_DIR_MAX + 2], folder[DATA_DIR_MAX];

    memset(path, 'a', sizeof(path));
    path[0] = '/';
    for (size_t len = DATA_DIR_MAX - 2; len <= DATA_DIR_MAX; len++) {
        path[len] = '\0';
        CHECK_INT(data_dir_find(path, folder, NULL), len < DATA_DIR_MAX ? OK : E_LIMIT, "%zu", len);
        path[len] = 'a';
    }
}

TEST(the_admin_token_is_made_once_and_kept)
{
    const char *folder = rig_folder(t), *path = rig_path(t, folder, "admin.token");
    struct secret first = { 0 }, second = { 0 };
    struct error e = { .status = OK };
    struct stat st;

    environment(NULL);
    CHECK_INT(data_dir_admin_token(folder, &first, &e), OK, "%s", e.text);
    CHECK_INT(secret_reveal(&first).len, 64);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK_INT(data_dir_admin_token(folder, &second, &e), OK, "%s", e.text);
    CHECK_STRS(secret_reveal(&second), secret_reveal(&first));
    secret_clear(&first);
    secret_clear(&second);
    CHECK_INT(file_write(path, STR("short\n"), false, &e), OK);
    CHECK_INT(data_dir_admin_token(folder, &first, &e), E_SYNTAX);
    CHECK(str_find(str_c(e.text), STR("admin.token is shorter")) != SIZE_MAX, "%s", e.text);
    CHECK(str_find(str_c(e.text), STR("short\n")) == SIZE_MAX);
    environment((const struct variable[]){ { "PENSTOCK_ADMIN_TOKEN", " admin-of-the-test " },
                                           { NULL, NULL } });
    CHECK_INT(data_dir_admin_token(folder, &first, &e), OK, "%s", e.text);
    CHECK_STR(secret_reveal(&first), "admin-of-the-test");
    secret_clear(&first);
    environment(
        (const struct variable[]){ { "PENSTOCK_ADMIN_TOKEN", "123456789012345" }, { NULL, NULL } });
    CHECK_INT(data_dir_admin_token(folder, &first, &e), E_SYNTAX);
    environment(NULL);
    rig_remove(t, folder);
}

TEST(a_running_gateway_is_found_while_it_holds_the_lock)
{
    const char *top = rig_folder(t), *folder = rig_path(t, top, "data");
    struct file_lock *lock = NULL, *other = NULL;
    struct error e = { .status = OK };
    struct buf url = { .max = 200 };
    struct stat st;

    CHECK(!data_dir_running(folder, &url), "there is not even a folder");
    CHECK_INT(data_dir_open(folder, &lock, &e), OK, "%s", e.text);
    CHECK(stat(folder, &st) == 0 && (st.st_mode & 0777) == 0700);
    CHECK(data_dir_running(folder, &url));
    CHECK_STR(buf_str(&url), "", "not announced yet");
    data_dir_announce(folder, STR("127.0.0.1:8045"));
    CHECK(data_dir_running(folder, &url));
    CHECK_STR(buf_str(&url), "http://127.0.0.1:8045");
    CHECK_INT(data_dir_open(folder, &other, &e), E_CONFLICT);
    CHECK(str_find(str_c(e.text), arena_printf(&t->arena, "held by process %d", (int)getpid())) !=
              SIZE_MAX,
          "%s", e.text);
    file_lock_drop(lock);
    url.len = 0;
    CHECK(!data_dir_running(folder, &url));
    CHECK_STR(buf_str(&url), "");
    CHECK_INT(data_dir_open(folder, &lock, &e), OK, "again: %s", e.text);
    CHECK(data_dir_running(folder, &url));
    CHECK_STR(buf_str(&url), "", "the old address is gone");
    file_lock_drop(lock);
    buf_clear(&url);
    rig_remove(t, top);
}

TEST(wide_modes_of_our_files_are_tightened)
{
    const char *folder = rig_folder(t), *path = rig_path(t, folder, "master.key");
    struct file_lock *lock = NULL;
    struct error e = { .status = OK };
    struct stat st;

    log_setup(&(struct log_options){ .level = LOG_ERROR });
    CHECK_INT(file_write(path, STR("x"), false, &e), OK);
    CHECK_INT(chmod(path, 0644), 0);
    CHECK_INT(data_dir_open(folder, &lock, &e), OK, "%s", e.text);
    CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    file_lock_drop(lock);
    rig_remove(t, folder);
}

/* tests/unit/app/rig.h - an environment of the tests' own, and folders that go away. */
#ifndef PENSTOCK_TEST_APP_RIG_H
#define PENSTOCK_TEST_APP_RIG_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/settings.h"
#include "test.h"

struct variable {
    const char *name, *value;
};

static const struct variable *rig_variables; /* ends with a NULL name; NULL: none */

static inline struct str rig_environment(const char *name)
{
    for (const struct variable *v = rig_variables; v != NULL && v->name != NULL; v++)
        if (strcmp(v->name, name) == 0)
            return str_c(v->value);
    return STR("");
}

static const struct settings_sources rig_sources = { rig_environment };

static inline const char *rig_folder(struct test *t)
{
    struct str path = arena_printf(&t->arena, "/tmp/penstock-test-XXXXXX");

    return CHECK(mkdtemp((char *)(uintptr_t)path.at) != NULL) ? path.at : "/nonexistent";
}

static inline const char *rig_path(struct test *t, const char *folder, const char *name)
{
    return arena_printf(&t->arena, "%s/%s", folder, name).at;
}

/* Files only, and one level of folders. */
static inline void rig_remove(struct test *t, const char *folder)
{
    DIR *d = opendir(folder);

    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        const char *path = rig_path(t, folder, e->d_name);

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlink(path) != 0)
            rig_remove(t, path);
    }
    if (d != NULL)
        closedir(d);
    rmdir(folder);
}

#endif

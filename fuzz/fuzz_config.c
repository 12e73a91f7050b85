/* fuzz/fuzz_config.c - what must hold for any bytes that claim to be the settings file.
 *
 * A text that is refused has a reason and a place inside of it. A text that is taken gives JSON for
 * every key, and what it gives for keys without secrets reads as the same again. Each edit of it is
 * taken, gives the value, changes nothing when repeated, and leaves a text whose beginning and end
 * are the old one's. */
#include <stdlib.h>

#include "app/settings_int.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition) ((condition) ? (void)0 : abort())

static struct str environment(const char *name)
{
    if (strcmp(name, "SET") == 0)
        return STR("sk-of-the-environment");
    return STR("");
}

static const struct settings_sources sources = { environment };

static void no_line(__attribute__((unused)) void *peer,
                    __attribute__((unused)) enum log_level level,
                    __attribute__((unused)) struct str line)
{
}

static void fault_holds(const struct settings_fault *f, size_t size)
{
    HOLDS(f->text[0] != '\0');
    HOLDS(f->line <= size + 1 && f->col <= size + 1);
    for (const char *c = f->text; *c != '\0'; c++)
        HOLDS((unsigned char)*c >= ' ');
    for (const char *c = f->path; *c != '\0'; c++)
        HOLDS((unsigned char)*c >= ' ');
}

static void get(const struct settings *s, struct str path, struct buf *out)
{
    struct arena a = { 0 };
    struct json doc;

    out->len = 0;
    HOLDS(settings_get(s, path, out));
    HOLDS(json_parse(&doc, buf_str(out), NULL, &a, NULL));
    arena_free(&a);
}

/* The objects that hold secrets, or what only the file knows, are not given back whole. */
static bool comes_back(const char *path)
{
    static const char *const hidden[] = { "accounts", "client_keys", "providers",
                                          "proxy.upstream_proxy" };

    for (size_t i = 0; i < COUNT(hidden); i++)
        if (strcmp(path, hidden[i]) == 0)
            return false;
    return true;
}

static void values_hold(struct settings *s, struct str text)
{
    struct buf value = { .max = SIZE_MAX / 2 }, again = { .max = SIZE_MAX / 2 },
               edited = { .max = SETTINGS_BYTES_MAX };
    struct settings_fault fault;
    const struct key_row *row;

    get(s, STR(""), &value);
    for (size_t i = 0; (row = settings_row(i)) != NULL; i++) {
        struct settings *second = NULL;
        struct str path = str_c(row->path);

        get(s, path, &value);
        edited.len = 0;
        if (!comes_back(row->path) ||
            settings_edit(text, path, buf_str(&value), &edited, &fault) != OK)
            continue; /* too large, or marks that exclude each other once they are written down */
        HOLDS(settings_read(buf_str(&edited), &sources, &second, &fault));
        get(second, path, &again);
        HOLDS(str_eq(buf_str(&value), buf_str(&again)));
        settings_unref(second);
    }
    buf_clear(&value);
    buf_clear(&again);
    buf_clear(&edited);
}

static void edit_holds(struct str text, const char *path, const char *raw)
{
    struct buf once = { .max = SETTINGS_BYTES_MAX }, twice = { .max = SETTINGS_BYTES_MAX },
               value = { .max = 4096 };
    struct settings_fault fault;
    struct settings *s = NULL;

    HOLDS(settings_edit(text, str_c(path), str_c(raw), &once, &fault) == OK);
    HOLDS(settings_read(buf_str(&once), &sources, &s, &fault));
    get(s, str_c(path), &value);
    HOLDS(str_eq(buf_str(&value), str_c(raw)));
    HOLDS(settings_edit(buf_str(&once), str_c(path), str_c(raw), &twice, &fault) == OK);
    HOLDS(str_eq(buf_str(&once), buf_str(&twice)));

    size_t front = 0, back = 0, len = once.len < text.len ? once.len : text.len;

    while (front < len && once.at[front] == text.at[front])
        front++;
    while (back < len - front && once.at[once.len - 1 - back] == text.at[text.len - 1 - back])
        back++;
    if (once.len > text.len) /* added, or a longer value: little of the old text went */
        HOLDS(text.len - front - back <= strlen(raw) + text.len / 2 + 4096);
    settings_unref(s);
    buf_clear(&once);
    buf_clear(&twice);
    buf_clear(&value);
}

static void note(void *peer, __attribute__((unused)) enum settings_oddity kind, struct str path)
{
    size_t *seen = peer;

    HOLDS(path.len > 0);
    (*seen)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { size > 0 ? (const char *)data : "", size };
    struct settings_fault fault = { .line = 0 };
    struct settings *s = NULL;
    size_t odd = 0;

    log_setup(&(struct log_options){ .level = LOG_ERROR, .write_line = no_line });
    if (!settings_read(text, &sources, &s, &fault)) {
        fault_holds(&fault, size);
        HOLDS(s == NULL);
        return 0;
    }
    values_hold(s, text);
    settings_survey(text, note, &odd);
    settings_unref(s);
    edit_holds(text, "proxy.scheduling.mode", "\"CacheFirst\"");
    edit_holds(text, "workers", "7");
    edit_holds(text, "logs.format", "\"json\"");
    return 0;
}

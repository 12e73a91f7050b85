#include "app/options.h"

#include <stdio.h>
#include <string.h>

#include "app/command.h"

int options_wrong(const struct options *o, const char *what, const char *which)
{
    fprintf(stderr, "%s: %s%s%s\n\n%s", o->command, what, which[0] == '\0' ? "" : " ", which,
            o->help);
    return EXIT_USAGE;
}

/* The row of `text`, which may go on with `=VALUE`. */
static const struct option *option_find(const struct options *o, const char *text)
{
    for (size_t i = 0; i < o->count; i++) {
        size_t len = strlen(o->table[i].name);

        if (strncmp(text, o->table[i].name, len) == 0 && (text[len] == '\0' || text[len] == '='))
            return &o->table[i];
    }
    return NULL;
}

int options_read(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *text = argv[i];

        if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
            fputs(o->help, stdout);
            return EXIT_DONE;
        }
        if (strncmp(text, "--", 2) != 0) {
            if (o->word_count == o->word_max)
                return options_wrong(o, "there is a word too many:", text);
            o->words[o->word_count++] = text;
            continue;
        }
        const struct option *row = option_find(o, text);
        const char *inside = strchr(text, '=');

        if (row == NULL)
            return options_wrong(o, "there is no option", text);
        if (row->flag != NULL) {
            if (inside != NULL)
                return options_wrong(o, "no value is taken by", row->name);
            *row->flag = true;
            continue;
        }
        if (inside == NULL && i + 1 == argc)
            return options_wrong(o, "a value is missing behind", row->name);
        *row->value = inside != NULL ? inside + 1 : argv[++i];
    }
    return -1;
}

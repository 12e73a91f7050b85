/* app/commands.c - the table of all commands: the rows of every file, in the order of the manual.
 */
#include "app/command.h"

#include <string.h>

#include "pool/pool.h"
#include "provider/provider.h"
#include "wire/protocol.h"

/* clang-format off: a line each, which changes apart from the others */
static const struct command *const command_sets[] = {
    serve_commands,         open_commands,
    password_commands,      status_commands,
    serving_commands,       connect_commands,
    doctor_commands,        accounts_commands,
    accounts_live_commands, accounts_export_commands,
    import_commands,        scheduling_commands,
    lockouts_commands,      logs_commands,
    capture_commands,       why_commands,
    keys_commands,          master_key_commands,
    usage_commands,         prices_commands,
    replay_commands,        route_commands,
    simulate_commands,      completion_commands,
    help_commands,
};
/* clang-format on */

static const struct command_option shared_options[] = {
    { "--json", NULL, "answer as JSON" },
    { "--data-dir", "D", "data directory (PENSTOCK_DATA_DIR, else ~/.penstock)", IS(FOLDER) },
    { "--help", NULL, "print this", .letter = 'h' },
};

const char *choice_mode(size_t i)
{
    static const enum pool_mode modes[] = { MODE_CACHE_FIRST, MODE_BALANCE,
                                            MODE_PERFORMANCE_FIRST };

    return i < COUNT(modes) ? pool_mode_word(modes[i]) : NULL;
}

const char *choice_provider(size_t i)
{
    return provider_word(i);
}

const char *choice_tier(size_t i)
{
    static const enum tier tiers[] = { TIER_ULTRA, TIER_PRO, TIER_FREE };

    return i < COUNT(tiers) ? tier_word(tiers[i]) : NULL;
}

const char *choice_wire(size_t i)
{
    return i < WIRES ? wire_name((enum wire)i).at : NULL;
}

const struct command *command_at(size_t i)
{
    for (size_t set = 0; set < COUNT(command_sets); set++)
        for (const struct command *c = command_sets[set]; c->path != NULL; c++)
            if (i-- == 0)
                return c;
    return NULL;
}

/* How many of the words the path takes; 0: it is another one. */
static size_t path_fits(const char *path, char *const *words, size_t count)
{
    struct str rest = str_c(path), one;
    size_t n = 0;

    while (rest.len > 0) {
        (void)str_cut(rest, ' ', &one, &rest);
        if (n == count || !str_eq(str_c(words[n]), one))
            return 0;
        n++;
    }
    return n;
}

const struct command *command_find(char *const *words, size_t count, size_t *used)
{
    const struct command *best = NULL, *c;

    *used = 0;
    for (size_t i = 0; (c = command_at(i)) != NULL; i++) {
        size_t n = path_fits(c->path, words, count);

        if (n > *used) {
            *used = n;
            best = c;
        }
    }
    return best;
}

bool command_is_below(const struct command *c, const struct command *group)
{
    struct str rest = str_c(c->path);

    if (group != NULL) {
        struct str before = str_c(group->path);

        if (!str_starts(rest, before) || rest.len < before.len + 2 || rest.at[before.len] != ' ')
            return false;
        rest = str_drop(rest, before.len + 1);
    }
    return memchr(rest.at, ' ', rest.len) == NULL;
}

const struct command_option *command_option_at(const struct command *c, size_t i)
{
    static const unsigned wanted[COUNT(shared_options)] = { TAKES_JSON, TAKES_DATA_DIR, 0 };

    for (const struct command_option *o = c->options; o != NULL && o->name != NULL; o++)
        if (i-- == 0)
            return o;
    for (size_t s = 0; s < COUNT(shared_options); s++)
        if ((wanted[s] & ~c->takes) == 0 && i-- == 0)
            return &shared_options[s];
    return NULL;
}

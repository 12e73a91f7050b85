/* app/simulate.c - `penstock simulate`: the provider simulator as a program of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "base/log.h"
#include "io/file.h"
#include "io/signals.h"
#include "simulator/simulator.h"

static const char help[] =
    "usage: penstock simulate [--listen HOST:PORT] [--script FILE] [--seed N] [--no-control]\n\n"
    "A stand-in for all providers: point an account's base_url at it. Steered by words in the "
    "prompt, by a\n"
    "script file and by its control API under /_sim/ (docs/simulator.md).\n\n"
    "  --listen HOST:PORT  where to listen (127.0.0.1:8090); port 0 takes a free one\n"
    "  --script FILE       rules, one a line\n"
    "  --seed N            another seed gives other ids and words (1)\n"
    "  --no-control        without the control API\n";

static void on_stop(void *peer)
{
    loop_stop(peer);
}

static void on_reload(void *peer)
{
    (void)peer; /* nothing is read again */
}

static int usage(const char *what, const char *which)
{
    fprintf(stderr, "penstock simulate: %s %s\n\n%s", what, which, help);
    return EXIT_USAGE;
}

int command_simulate(int argc, char **argv)
{
    struct simulator_options options = { .seed = 1, .control = true };
    struct simulator *simulator;
    struct error e = { 0 };
    struct buf script;
    char text[ADDRESS_TEXT_MAX];

    process_prepare(false);
    buf_init(&script, (size_t)1 << 20);
    (void)address_read(STR("127.0.0.1:8090"), &options.listen);
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--help") == 0) {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (strcmp(argv[i], "--no-control") == 0) {
            options.control = false;
            continue;
        }
        if (value == NULL)
            return usage("a value is missing behind, or it does not know,", argv[i]);
        if (strcmp(argv[i], "--listen") == 0) {
            if (!address_read(str_c(value), &options.listen))
                return usage("--listen wants HOST:PORT with a numeric host, not", value);
        } else if (strcmp(argv[i], "--seed") == 0) {
            if (!str_to_u64(str_c(value), &options.seed))
                return usage("--seed wants a number, not", value);
        } else if (strcmp(argv[i], "--script") == 0) {
            if (file_read(value, &script, &e) != OK) {
                fprintf(stderr, "penstock simulate: %s\n", e.text);
                return EXIT_FAILED;
            }
            options.script = buf_str(&script);
        } else {
            return usage("no option", argv[i]);
        }
        i++;
    }
    log_setup(&(struct log_options){ .level = LOG_INFO, .unix_ms = clock_unix_ms });
    (void)descriptor_limit();
    options.loop = loop_new();
    struct signals *signals = signals_new(options.loop, on_stop, on_reload, options.loop);
    if (simulator_new(&options, &simulator, &e) != OK) {
        fprintf(stderr, "penstock simulate: %s\n", e.text);
        return EXIT_FAILED;
    }
    struct address at = simulator_address(simulator);
    struct str where = address_text(&at, text);
    printf("penstock simulator listening on http://%.*s\n", STR_ARG(where));
    fflush(stdout);
    loop_run(options.loop);
    simulator_free(simulator);
    signals_free(signals);
    loop_free(options.loop);
    buf_clear(&script);
    return EXIT_DONE;
}

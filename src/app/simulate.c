/* app/simulate.c - `penstock simulate`: the provider simulator as a program of its own. */
#include <stdio.h>

#include "app/command.h"
#include "base/log.h"
#include "io/file.h"
#include "io/signals.h"
#include "simulator/simulator.h"

static void on_stop(void *peer)
{
    loop_stop(peer);
}

static void on_reload(void *peer)
{
    (void)peer; /* nothing is read again */
}

static int command_simulate(const struct command_line *line)
{
    struct simulator_options options = { .seed = (uint64_t)line_number(line, "--seed", 1),
                                         .control = !line_flag(line, "--no-control") };
    const char *listen = line_text(line, "--listen", "127.0.0.1:8090");
    const char *file = line_text(line, "--script", NULL);
    struct simulator *simulator;
    struct error e = { 0 };
    struct buf script;
    char text[ADDRESS_TEXT_MAX];

    if (!address_read(str_c(listen), &options.listen))
        return line_wrong(line, "--listen wants HOST:PORT with a numeric host, not `%s`", listen);
    process_prepare(false);
    buf_init(&script, (size_t)1 << 20);
    if (file != NULL && file_read(file, &script, &e) != OK)
        return line_failed(line, "%s", e.text);
    options.script = buf_str(&script);
    log_setup(&(struct log_options){ .level = LOG_INFO, .unix_ms = clock_unix_ms });
    (void)descriptor_limit();
    options.loop = loop_new();
    struct signals *signals = signals_new(options.loop, on_stop, on_reload, options.loop);
    if (simulator_new(&options, &simulator, &e) != OK)
        return line_failed(line, "%s", e.text);
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

static const struct command_option simulate_options[] = {
    { "--listen", "HOST:PORT", "where to listen (127.0.0.1:8090); port 0 takes a free one" },
    { "--script", "FILE", "rules, one a line", IS(FILE) },
    { "--seed", "N", "another seed gives other ids and words (1)", IS_NUMBER(0, INT64_MAX) },
    { "--no-control", NULL, "without the control API" },
    { NULL },
};
static const char *const simulate_examples[] = {
    "penstock simulate --listen 127.0.0.1:8090 --script bad-day.txt",
    NULL,
};

const struct command simulate_commands[] = {
    { .path = "simulate",
      .brief = "start the provider simulator",
      .about = "A stand-in for all providers: point an account's base_url at it. Steered by words "
               "in the prompt, by a script file and by its control API under /_sim/ "
               "(docs/simulator.md).",
      .options = simulate_options,
      .examples = simulate_examples,
      .run = command_simulate },
    { NULL },
};

/* app/main.c - `penstock COMMAND …`. */
#include <stdio.h>
#include <string.h>

#include "app/command.h"

static const struct {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "serve", "start the gateway", command_serve },
    { "simulate", "start the provider simulator", command_simulate },
    { "accounts", "add, list and remove accounts", command_accounts },
    { "status", "what the running gateway does", command_status },
    { "mode", "how accounts are chosen, and to change it", command_mode },
    { "fixed", "set and clear the fixed account", command_fixed },
    { "bindings", "list and clear which conversation is bound to which account", command_bindings },
    { "lockouts", "list and clear what keeps accounts from being asked", command_lockouts },
    { "why", "how a request was decided", command_why },
    { "replay", "run a journal or made-up requests through any mode", command_replay },
    { "version", "print the version", command_version },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

int command_version(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--json") == 0)
        printf("{\"name\":\"penstock\",\"version\":\"" PENSTOCK_VERSION "\"}\n");
    else
        printf("penstock " PENSTOCK_VERSION "\n");
    return EXIT_DONE;
}

static void print_help(FILE *to)
{
    fprintf(to, "Penstock, an AI gateway: one address for every AI client, a pool of accounts "
                "behind it.\n\n"
                "usage: penstock COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
    fprintf(to, "\n`penstock COMMAND --help` tells more.\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0)
        return command_version(1, argv);
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "penstock: no command `%s`; see `penstock --help`\n", argv[1]);
    return EXIT_USAGE;
}

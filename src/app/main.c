/* app/main.c - `penstock COMMAND …`: the table of commands (command.h) does the rest. */
#include "app/command.h"

int main(int argc, char **argv)
{
    return command_run(argc, argv);
}

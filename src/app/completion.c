/* app/completion.c - words for a shell: `penstock completion bash|zsh|fish` prints a short script
 * that asks `penstock __complete` what could come next. So all shells complete the same, from the
 * table of commands, and what only the running gateway knows (labels of accounts, names of client
 * keys) it is asked for, for at most a second.
 *
 * An answer is a candidate a line, behind a TAB what it means; `:files` or `:folders` alone leaves
 * it to the shell. */
#include <stdio.h>
#include <string.h>

#include "app/command_line.h"
#include "app/remote.h"
#include "base/log.h"
#include "io/signals.h"

#define ASK_MS 1000
#define WORDS_MAX LINE_OPERANDS_MAX
#define CANDIDATES_MAX ((size_t)1 << 20)

/* --- what could come next ----------------------------------------------------------------------
 */

struct completing {
    char **words; /* those before the one to complete */
    size_t count;
    struct str part;    /* the one to complete, as far as it is there */
    struct str before;  /* of `part`, what stands before the value: `--mode=` */
    const char *folder; /* --data-dir among the words */
    struct buf out;
};

static void offer(struct completing *c, struct str word, const char *meaning)
{
    if (!str_starts(word, c->part) || memchr(word.at, '\n', word.len) != NULL)
        return;
    (void)(buf_add(&c->out, c->before) && buf_add(&c->out, word));
    if (meaning != NULL)
        (void)buf_printf(&c->out, "\t%s", meaning);
    (void)buf_add_char(&c->out, '\n');
}

/* Names that the running gateway knows; nothing when it cannot be asked. */
static void offer_names(struct completing *c, const char *path, const char *list, const char *name)
{
    struct remote r = { .loop = NULL };
    struct remote_answer answer = { .status = 0 };
    struct error e;

    process_prepare(false);
    log_setup(&(struct log_options){ .level = LOG_ERROR, .unix_ms = clock_unix_ms });
    if (remote_open(&r, c->folder, &e) == OK) {
        r.call_ms = ASK_MS;
        if (remote_call(&r, "GET", str_c(path), STR(""), &answer, &e) == OK) {
            uint32_t all = answer_member(&answer, 0, list);

            for (uint32_t i = all == JSON_NONE ? JSON_NONE : json_first(&answer.doc, all);
                 i != JSON_NONE; i = json_after(&answer.doc, all, i)) {
                struct str text = answer_text(&answer, i, name);

                if (text.len > 0)
                    offer(c, text, NULL);
            }
        }
        remote_answer_clear(&answer);
    }
    remote_close(&r);
}

static void offer_below(struct completing *c, const struct command *group)
{
    const struct command *one;
    size_t skip = group == NULL ? 0 : strlen(group->path) + 1;

    for (size_t i = 0; (one = command_at(i)) != NULL; i++)
        if (!one->hidden && command_is_below(one, group))
            offer(c, str_c(one->path + skip), one->brief);
}

/* `help` is the only command that takes a command: its words begin behind it. */
static void offer_value(struct completing *c, const struct value_rule *rule)
{
    switch (rule->kind) {
    case VALUE_CHOICE:
        for (size_t i = 0; rule->choice(i) != NULL; i++)
            offer(c, str_c(rule->choice(i)), NULL);
        break;
    case VALUE_FILE:
        (void)buf_add(&c->out, STR(":files\n"));
        break;
    case VALUE_FOLDER:
        (void)buf_add(&c->out, STR(":folders\n"));
        break;
    case VALUE_ACCOUNT:
        offer_names(c, "/api/accounts", "accounts", "label");
        break;
    case VALUE_CLIENT_KEY:
        offer_names(c, "/api/keys", "keys", "name");
        break;
    case VALUE_COMMAND: {
        size_t used;

        offer_below(c, c->count > 1 ? command_find(c->words + 1, c->count - 1, &used) : NULL);
        break;
    }
    case VALUE_TEXT:
    case VALUE_NUMBER:
    case VALUE_SECONDS:
        break; /* nobody but the user knows */
    }
}

static void offer_options(struct completing *c, const struct command *row)
{
    const struct command_option *o;

    for (size_t i = 0; (o = command_option_at(row, i)) != NULL; i++)
        offer(c, str_c(o->name), o->help);
}

/* The option whose value is to be completed, or NULL; `operands` gets how many words before are
 * none of options. A shell that splits at `=` gives it as a word of its own. */
static const struct command_option *option_open(struct completing *c, const struct command *row,
                                                size_t from, size_t *operands)
{
    const struct command_option *open = NULL;
    const char *inside;

    *operands = 0;
    for (size_t i = from; i < c->count; i++) {
        if (open != NULL && strcmp(c->words[i], "=") == 0)
            continue;
        if (open != NULL) {
            if (strcmp(open->name, "--data-dir") == 0)
                c->folder = c->words[i];
            open = NULL;
            continue;
        }
        if (c->words[i][0] != '-') {
            ++*operands;
            continue;
        }
        open = line_option_find(row, c->words[i], &inside);
        if (open != NULL && inside != NULL && strcmp(open->name, "--data-dir") == 0)
            c->folder = inside;
        if (open != NULL && (open->value == NULL || inside != NULL))
            open = NULL;
    }
    return open;
}

static void complete_command(struct completing *c, const struct command *row, size_t used)
{
    size_t operands;
    const struct command_option *open = option_open(c, row, used, &operands);
    const struct command_operand *operand = command_operand_at(row, operands);
    struct str name, value;

    if (open != NULL && str_eq(c->part, STR("=")))
        c->part = STR("");
    if (open == NULL && str_starts(c->part, STR("--")) && str_cut(c->part, '=', &name, &value)) {
        const struct command_option *o;

        for (size_t i = 0; (o = command_option_at(row, i)) != NULL && open == NULL; i++)
            if (o->value != NULL && str_eq(str_c(o->name), name))
                open = o;
        c->before = (struct str){ c->part.at, name.len + 1 };
        c->part = value;
        if (open == NULL)
            return;
    }
    if (open != NULL) {
        offer_value(c, &open->rule);
    } else if (operand != NULL && !str_starts(c->part, STR("-"))) {
        offer_value(c, &operand->rule);
        if (c->out.len == 0 && c->part.len == 0 && operand->optional)
            offer_options(c, row);
    } else if (c->part.len == 0 || str_starts(c->part, STR("-"))) {
        offer_options(c, row);
    }
}

static void complete(struct completing *c)
{
    size_t used = 0;
    const struct command *row = command_find(c->words, c->count, &used);

    if (c->count == 0)
        offer_below(c, NULL);
    else if (row != NULL && row->run == NULL && used == c->count)
        offer_below(c, row);
    else if (row != NULL && row->run != NULL)
        complete_command(c, row, used);
}

/* --- a line of bash ----------------------------------------------------------------------------
 */

/* Bash splits words where it likes (`@`, `:`, `=`), so it gives the whole line, which is split here
 * as a shell would; the words are written over it. The last word is the one to complete. */
static size_t split(char *line, char **words, size_t max)
{
    size_t count = 0;
    char *to = line;
    char quote = '\0';
    bool inside = false;

    for (char *at = line; *at != '\0' && count < max; at++) {
        char ch = *at;

        if (quote == '\0' && (ch == ' ' || ch == '\t')) {
            if (inside)
                *to++ = '\0';
            inside = false;
            continue;
        }
        if (!inside) {
            words[count++] = to;
            inside = true;
        }
        if (quote == '\0' && (ch == '\'' || ch == '"'))
            quote = ch;
        else if (ch == quote)
            quote = '\0';
        else if (ch == '\\' && quote != '\'' && at[1] != '\0')
            *to++ = *++at;
        else
            *to++ = ch;
    }
    if (!inside && count < max)
        words[count++] = to;
    *to = '\0';
    return count;
}

/* Bash puts a candidate in place of what stands behind the last of these. */
static size_t kept_by_bash(struct str part, const char *breaks)
{
    size_t n = part.len;

    while (n > 0 && strchr(breaks, part.at[n - 1]) == NULL)
        n--;
    return n;
}

static void print_candidates(const struct buf *out, size_t drop)
{
    struct str rest = buf_str(out), one;

    while (rest.len > 0) {
        (void)str_cut(rest, '\n', &one, &rest);
        one = str_drop(one, one.at[0] == ':' ? 0 : drop);
        printf("%.*s\n", (int)one.len, one.at);
    }
}

static int command_complete(const struct command_line *line)
{
    char *words[WORDS_MAX + 1], *text = NULL;
    const char *given = line_text(line, "--line", NULL), *breaks = line_text(line, "--breaks", "");
    struct completing c = { .words = words, .out = { .max = CANDIDATES_MAX } };
    size_t count = 0;

    if (given != NULL) {
        struct arena a = { 0 };

        text = (char *)(uintptr_t)arena_copy(&a, str_c(given)).at;
        count = split(text, words, COUNT(words));
        if (count > 0) { /* the program's own name */
            count--;
            memmove(words, words + 1, count * sizeof(words[0]));
        }
        if (count > 0) {
            c.count = count - 1;
            c.part = str_c(words[count - 1]);
            size_t kept = kept_by_bash(c.part, breaks);

            complete(&c);
            print_candidates(&c.out, kept);
        }
        arena_free(&a);
    } else {
        for (; count < WORDS_MAX && line_operand(line, count) != NULL; count++)
            words[count] = (char *)(uintptr_t)line_operand(line, count);
        c.count = count > 0 ? count - 1 : 0;
        c.part = count > 0 ? str_c(words[count - 1]) : STR("");
        complete(&c);
        print_candidates(&c.out, 0);
    }
    buf_clear(&c.out);
    return EXIT_DONE;
}

/* --- the scripts -------------------------------------------------------------------------------
 */

static const char bash_script[] =
    "# bash completion for penstock: source it, or put it into\n"
    "# ~/.local/share/bash-completion/completions/penstock\n"
    "_penstock() {\n"
    "    local candidate\n"
    "    COMPREPLY=()\n"
    "    while IFS=$'\\t' read -r candidate _; do\n"
    "        case $candidate in\n"
    "        :files) compopt -o default; return ;;\n"
    "        :folders) compopt -o dirnames; return ;;\n"
    "        esac\n"
    "        COMPREPLY+=(\"$(printf '%q' \"$candidate\")\")\n"
    "    done < <(\"$1\" __complete --breaks \"$COMP_WORDBREAKS\" --line "
    "\"${COMP_LINE:0:COMP_POINT}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _penstock penstock\n";

static const char zsh_script[] =
    "#compdef penstock\n"
    "# zsh completion for penstock: put it as `_penstock` into a folder of $fpath,\n"
    "# or evaluate it behind `compinit`.\n"
    "_penstock() {\n"
    "    local line\n"
    "    local -a candidates\n"
    "    while IFS= read -r line; do\n"
    "        case $line in\n"
    "        :files) _files; return ;;\n"
    "        :folders) _files -/; return ;;\n"
    "        esac\n"
    "        line=${line//:/\\\\:}\n"
    "        candidates+=(\"${line/$'\\t'/:}\")\n"
    "    done < <(\"${words[1]}\" __complete -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
    "    _describe -t penstock penstock candidates\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _penstock ]; then\n"
    "    _penstock \"$@\"\n"
    "else\n"
    "    compdef _penstock penstock\n"
    "fi\n";

static const char fish_script[] =
    "# fish completion for penstock: put it as `penstock.fish` into\n"
    "# ~/.config/fish/completions\n"
    "function __penstock_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l part (commandline -ct)\n"
    "    set -l lines ($words[1] __complete -- $words[2..-1] \"$part\" 2>/dev/null)\n"
    "    switch \"$lines[1]\"\n"
    "        case :files\n"
    "            __fish_complete_path \"$part\"\n"
    "        case :folders\n"
    "            __fish_complete_directories \"$part\"\n"
    "        case '*'\n"
    "            printf '%s\\n' $lines\n"
    "    end\n"
    "end\n"
    "complete -c penstock -f -a '(__penstock_complete)'\n";

static const struct {
    const char *name, *script;
} shells[] = { { "bash", bash_script }, { "zsh", zsh_script }, { "fish", fish_script } };

static const char *shell_at(size_t i)
{
    return i < COUNT(shells) ? shells[i].name : NULL;
}

static int command_completion(const struct command_line *line)
{
    for (size_t i = 0; i < COUNT(shells); i++)
        if (strcmp(shells[i].name, line_operand(line, 0)) == 0)
            fputs(shells[i].script, stdout);
    return EXIT_DONE;
}

/* --- rows --------------------------------------------------------------------------------------
 */

static const struct command_operand completion_operands[] = {
    { "SHELL", "for which shell", IS_CHOICE(shell_at) },
    { NULL },
};
static const char *const completion_examples[] = {
    "source <(penstock completion bash)",
    "penstock completion zsh >~/.zfunc/_penstock",
    "penstock completion fish >~/.config/fish/completions/penstock.fish",
    NULL,
};
static const struct command_option complete_options[] = {
    { "--line", "L", "the whole line up to the cursor, which is split as bash would" },
    { "--breaks", "B", "bash puts candidates behind the last of these" },
    { NULL },
};
static const struct command_operand complete_operands[] = {
    { "WORD", "the words up to the cursor", .optional = true, .repeats = true },
    { NULL },
};

const struct command completion_commands[] = {
    { .path = "completion",
      .brief = "print a script that completes words in a shell",
      .about = "Prints a script for a shell, which then completes commands, options, their values, "
               "labels of accounts and names of client keys (it asks the running gateway for "
               "them).",
      .operands = completion_operands,
      .examples = completion_examples,
      .run = command_completion },
    { .path = "__complete",
      .brief = "what could come next",
      .about = "For the scripts of `penstock completion`.",
      .options = complete_options,
      .operands = complete_operands,
      .run = command_complete,
      .hidden = true },
    { NULL },
};

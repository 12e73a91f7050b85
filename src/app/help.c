#include "app/help.h"

#include <string.h>

#include "app/terminal.h"
#include "base/buf.h"
#include "base/json_write.h"

#define TEXT_MAX ((size_t)1 << 20)
#define WIDTH 80 /* of help; the longest line of a usage */

static const char *const usual_exits[] = { "0 done", "1 failed, with a sentence on stderr",
                                           "2 wrong usage", NULL };

/* --- pieces ------------------------------------------------------------------------------------
 */

/* `text` in lines of at most WIDTH, those after the first indented by `indent`; `at` is where the
 * first begins. */
static void put_wrapped(struct buf *b, struct str text, size_t at, size_t indent)
{
    struct str rest = text, word;
    bool first = true;

    while (rest.len > 0) {
        (void)str_cut(rest, ' ', &word, &rest);
        if (!first && at + 1 + word.len > WIDTH) {
            (void)buf_printf(b, "\n%*s", (int)indent, "");
            at = indent;
            first = true;
        }
        if (!first) {
            (void)buf_add_char(b, ' ');
            at++;
        }
        (void)buf_add(b, word);
        at += word.len;
        first = false;
    }
    (void)buf_add_char(b, '\n');
}

/* Paragraphs of a row's text. */
static bool paragraph_take(struct str *rest, struct str *one)
{
    size_t end = str_find(*rest, STR("\n\n"));

    if (rest->len == 0)
        return false;
    *one = end == SIZE_MAX ? *rest : str_take(*rest, end);
    *rest = end == SIZE_MAX ? STR("") : str_drop(*rest, end + 2);
    return true;
}

/* `--max-wait S`, `-v, --verbose` */
static void put_option_name(struct buf *b, const struct command_option *o)
{
    if (o->letter != '\0')
        (void)buf_printf(b, "-%c, ", o->letter);
    (void)buf_printf(b, "%s%s%s", o->name, o->value != NULL ? " " : "",
                     o->value != NULL ? o->value : "");
}

/* What its value may be, when that is not in the help already. */
static void put_choices(struct buf *b, const struct value_rule *rule)
{
    if (rule->kind != VALUE_CHOICE)
        return;
    for (size_t i = 0; rule->choice(i) != NULL; i++)
        (void)buf_printf(b, "%s%s", i == 0 ? ": " : ", ", rule->choice(i));
}

static void put_optional(struct buf *b, const char *text, bool optional, bool repeats)
{
    (void)buf_printf(b, " %s%s%s%s", optional ? "[" : "", text, repeats ? "..." : "",
                     optional ? "]" : "");
}

static bool is_help(const struct command_option *o)
{
    return strcmp(o->name, "--help") == 0;
}

/* Required options by name; the others too, or all in one word. */
static void put_usage_options(struct buf *b, const struct command *c, bool each)
{
    const struct command_option *o;
    bool others = false;

    for (size_t i = 0; (o = command_option_at(c, i)) != NULL; i++) {
        struct buf name = { .max = 256 };

        if (is_help(o))
            continue;
        others = others || !o->required;
        (void)buf_printf(&name, "%s%s%s", o->name, o->value != NULL ? " " : "",
                         o->value != NULL ? o->value : "");
        (void)buf_add_char(&name, '\0');
        if (o->required || each)
            put_optional(b, name.at, !o->required, o->repeats);
        buf_clear(&name);
    }
    if (others && !each)
        (void)buf_add(b, STR(" [OPTIONS]"));
}

/* `penstock mode [M] [--max-wait S] …` */
static void put_usage(struct buf *b, const struct command *c)
{
    struct buf line = { .max = 4096 };
    size_t operands_end;

    (void)buf_printf(&line, "penstock %s", c->path);
    if (c->run == NULL)
        (void)buf_add(&line, STR(" COMMAND"));
    for (const struct command_operand *p = c->operands; p != NULL && p->name != NULL; p++)
        put_optional(&line, p->name, p->optional, p->repeats);
    operands_end = line.len;
    if (c->run != NULL) {
        put_usage_options(&line, c, true);
        if (line.len > WIDTH - strlen("usage: ")) {
            line.len = operands_end;
            put_usage_options(&line, c, false);
        }
    }
    (void)buf_add(b, buf_str(&line));
    buf_clear(&line);
}

static void give(FILE *to, struct buf *b)
{
    fwrite(buf_str(b).at, 1, b->len, to);
    buf_clear(b);
}

/* --- help for people ---------------------------------------------------------------------------
 */

#define NAME_WIDTH_MAX 24

static void put_heading(struct buf *b, bool paints, const char *text)
{
    (void)buf_printf(b, "\n%s%s:%s\n", paint_on(paints, PAINT_BOLD), text, paint_off(paints));
}

/* A name and what it means, the meanings in one column. */
static void put_entry(struct buf *b, struct str name, size_t width, const char *help,
                      const struct value_rule *rule)
{
    struct buf text = { .max = 8192 };

    (void)buf_add(&text, str_c(help));
    if (rule != NULL)
        put_choices(&text, rule);
    (void)buf_printf(b, "  %-*.*s", (int)width, (int)name.len, name.at);
    if (name.len > width)
        (void)buf_printf(b, "\n%*s", (int)width + 2, "");
    (void)buf_add(b, STR("  "));
    put_wrapped(b, buf_str(&text), width + 4, width + 4);
    buf_clear(&text);
}

static size_t width_of(size_t longest)
{
    return longest < NAME_WIDTH_MAX ? longest : NAME_WIDTH_MAX;
}

static void put_below(struct buf *b, const struct command *group, bool paints)
{
    const struct command *c;
    size_t skip = group == NULL ? 0 : strlen(group->path) + 1, longest = 0;

    for (size_t i = 0; (c = command_at(i)) != NULL; i++)
        if (!c->hidden && command_is_below(c, group) && strlen(c->path) - skip > longest)
            longest = strlen(c->path) - skip;
    put_heading(b, paints, "Commands");
    for (size_t i = 0; (c = command_at(i)) != NULL; i++)
        if (!c->hidden && command_is_below(c, group))
            put_entry(b, str_c(c->path + skip), width_of(longest), c->brief, NULL);
}

static size_t widest(const struct command *c)
{
    const struct command_option *o;
    size_t longest = 0;

    for (const struct command_operand *p = c->operands; p != NULL && p->name != NULL; p++)
        longest = strlen(p->name) > longest ? strlen(p->name) : longest;
    for (size_t i = 0; (o = command_option_at(c, i)) != NULL; i++) {
        struct buf name = { .max = 256 };

        put_option_name(&name, o);
        longest = name.len > longest ? name.len : longest;
        buf_clear(&name);
    }
    return width_of(longest);
}

static void put_options(struct buf *b, const struct command *c, bool paints)
{
    const struct command_option *o;
    size_t own = 0;
    bool sections = false;

    for (; c->options != NULL && c->options[own].name != NULL; own++)
        sections = sections || c->options[own].section != NULL;
    for (size_t i = 0; (o = command_option_at(c, i)) != NULL; i++) {
        struct buf name = { .max = 256 };

        if (o->section != NULL)
            put_heading(b, paints, o->section);
        else if (i == 0 || (sections && i == own)) /* the shared ones come last */
            put_heading(b, paints, "Options");
        put_option_name(&name, o);
        put_entry(b, buf_str(&name), widest(c), o->help, &o->rule);
        buf_clear(&name);
    }
}

static void put_exits(struct buf *b, const struct command *c)
{
    struct buf text = { .max = 4096 };

    (void)buf_add(&text, STR("Exit codes: "));
    for (size_t i = 0; usual_exits[i] != NULL; i++)
        (void)buf_printf(&text, "%s%s", i > 0 ? "; " : "", usual_exits[i]);
    for (size_t i = 0; c->exits != NULL && c->exits[i] != NULL; i++)
        (void)buf_printf(&text, "; %s", c->exits[i]);
    (void)buf_add_char(&text, '.');
    (void)buf_add_char(b, '\n');
    put_wrapped(b, buf_str(&text), 0, 0);
    buf_clear(&text);
}

static void put_command(struct buf *b, const struct command *c, bool paints)
{
    struct str rest = str_c(c->about), one;

    (void)buf_add(b, STR("usage: "));
    put_usage(b, c);
    (void)buf_add_char(b, '\n');
    while (paragraph_take(&rest, &one)) {
        (void)buf_add_char(b, '\n');
        put_wrapped(b, one, 0, 0);
    }
    if (c->run == NULL) {
        put_below(b, c, paints);
        (void)buf_printf(b, "\n`penstock %s COMMAND --help` tells more.\n", c->path);
        return;
    }
    for (const struct command_operand *p = c->operands; p != NULL && p->name != NULL; p++) {
        if (p == c->operands)
            (void)buf_add_char(b, '\n');
        put_entry(b, str_c(p->name), widest(c), p->help, &p->rule);
    }
    put_options(b, c, paints);
    for (size_t i = 0; c->examples != NULL && c->examples[i] != NULL; i++) {
        if (i == 0)
            put_heading(b, paints, "Examples");
        (void)buf_printf(b, "  %s\n", c->examples[i]);
    }
    put_exits(b, c);
}

void help_put(FILE *to, const struct command *c)
{
    struct buf b = { .max = TEXT_MAX };
    bool paints = terminal_paints(to);

    if (c != NULL) {
        put_command(&b, c, paints);
    } else {
        (void)buf_add(&b, STR("Penstock, an AI gateway: one address for every AI client, a pool of "
                              "accounts\nbehind it.\n\nusage: penstock COMMAND [OPTIONS]\n"));
        put_below(&b, NULL, paints);
        (void)buf_add(&b, STR("\n`penstock COMMAND --help` tells more.\n"));
    }
    give(to, &b);
}

void help_put_usage(FILE *to, const struct command *c)
{
    struct buf b = { .max = TEXT_MAX };

    (void)buf_add(&b, STR("usage: "));
    put_usage(&b, c);
    (void)buf_printf(&b, "\n`penstock %s --help` tells more.\n", c->path);
    give(to, &b);
}

/* --- the man page ------------------------------------------------------------------------------
 */

/* Text that troff shall not understand. */
static void man_put(struct buf *b, struct str text)
{
    bool begins = b->len == 0 || b->at[b->len - 1] == '\n';

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (begins && (c == '.' || c == '\''))
            (void)buf_add(b, STR("\\&"));
        if (c == '-')
            (void)buf_add(b, STR("\\-"));
        else if (c == '\\')
            (void)buf_add(b, STR("\\e"));
        else
            (void)buf_add_char(b, c);
        begins = c == '\n';
    }
}

static void man_paragraphs(struct buf *b, const char *text)
{
    struct str rest = str_c(text), one;

    while (paragraph_take(&rest, &one)) {
        (void)buf_add(b, STR(".PP\n"));
        man_put(b, one);
        (void)buf_add_char(b, '\n');
    }
}

static void man_entry(struct buf *b, struct str name, const char *help,
                      const struct value_rule *rule)
{
    struct buf text = { .max = 8192 };

    (void)buf_add(&text, str_c(help));
    put_choices(&text, rule);
    (void)buf_add(b, STR(".TP\n.B "));
    man_put(b, name);
    (void)buf_add_char(b, '\n');
    man_put(b, buf_str(&text));
    (void)buf_add_char(b, '\n');
    buf_clear(&text);
}

static void man_command(struct buf *b, const struct command *c)
{
    const struct command_option *o;
    struct buf usage = { .max = 4096 };

    (void)buf_add(b, STR(".SS \""));
    man_put(b, str_c(c->path));
    (void)buf_add(b, STR("\"\n.B "));
    put_usage(&usage, c);
    man_put(b, buf_str(&usage));
    (void)buf_add_char(b, '\n');
    buf_clear(&usage);
    man_paragraphs(b, c->about);
    for (const struct command_operand *p = c->operands; p != NULL && p->name != NULL; p++)
        man_entry(b, str_c(p->name), p->help, &p->rule);
    for (size_t i = 0; c->run != NULL && (o = command_option_at(c, i)) != NULL; i++) {
        struct buf name = { .max = 256 };

        if (is_help(o))
            continue;
        put_option_name(&name, o);
        man_entry(b, buf_str(&name), o->help, &o->rule);
        buf_clear(&name);
    }
    for (size_t i = 0; c->examples != NULL && c->examples[i] != NULL; i++) {
        if (i == 0)
            (void)buf_add(b, STR(".PP\nExamples:\n.PP\n.nf\n.RS\n"));
        man_put(b, str_c(c->examples[i]));
        (void)buf_add_char(b, '\n');
        if (c->examples[i + 1] == NULL)
            (void)buf_add(b, STR(".RE\n.fi\n"));
    }
    for (size_t i = 0; c->exits != NULL && c->exits[i] != NULL; i++) {
        (void)buf_add(b, i == 0 ? STR(".PP\nExit codes of its own: ") : STR("; "));
        man_put(b, str_c(c->exits[i]));
        (void)buf_add(b, c->exits[i + 1] == NULL ? STR(".\n") : STR(""));
    }
}

static void man_page(struct buf *b)
{
    const struct command *c;

    (void)buf_add(b, STR(".\\\" made by `penstock help --man` from the table of commands\n"
                         ".TH PENSTOCK 1 \"\" \"penstock " PENSTOCK_VERSION "\" \"Penstock\"\n"
                         ".SH NAME\npenstock \\- an AI gateway: one address for every AI client, a "
                         "pool of accounts behind it\n"
                         ".SH SYNOPSIS\n.B penstock\n.I COMMAND\n.RI [ OPTIONS ]\n"
                         ".SH DESCRIPTION\nSpeaks OpenAI Chat, OpenAI Responses, Anthropic "
                         "Messages and Gemini to clients, and sends what they ask to one of your "
                         "accounts at several providers.\n"
                         ".SH COMMANDS\n"));
    for (size_t i = 0; (c = command_at(i)) != NULL; i++)
        if (!c->hidden)
            man_command(b, c);
    (void)buf_add(b, STR(".SH \"EXIT STATUS\"\n"));
    for (size_t i = 0; usual_exits[i] != NULL; i++) {
        (void)buf_add(b, STR(".TP\n.B "));
        man_put(b, str_take(str_c(usual_exits[i]), 1));
        (void)buf_add_char(b, '\n');
        man_put(b, str_c(usual_exits[i] + 2));
        (void)buf_add_char(b, '\n');
    }
    (void)buf_add(b, STR(".TP\n.B 3\nthe gateway or object asked for is not there\n"
                         ".SH ENVIRONMENT\n"
                         ".TP\n.B PENSTOCK_DATA_DIR\nthe data directory, when \\-\\-data\\-dir "
                         "does not say it\n"
                         ".TP\n.B PENSTOCK_ADMIN_TOKEN\nopens the gateway's admin API, in place of "
                         "the file admin.token\n"
                         ".TP\n.B PENSTOCK_MASTER_KEY\nseals what is secret, in place of the file "
                         "master.key\n"
                         ".TP\n.B PENSTOCK_VERBOSE\ndebug messages too\n"
                         ".TP\n.B NO_COLOR\nno colours, on a terminal either\n"
                         ".SH FILES\n.TP\n.B ~/.penstock\nsettings (gui_config.json), databases, "
                         "keys, lock\n"));
}

/* --- docs/cli.md -------------------------------------------------------------------------------
 */

/* A cell of a table. */
static void markdown_put(struct buf *b, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '|' || text.at[i] == '<')
            (void)buf_add_char(b, '\\');
        (void)buf_add_char(b, text.at[i]);
    }
}

static void markdown_entry(struct buf *b, struct str name, const char *help,
                           const struct value_rule *rule)
{
    (void)buf_printf(b, "| `%.*s` | ", (int)name.len, name.at);
    markdown_put(b, str_c(help));
    if (rule->kind == VALUE_CHOICE)
        for (size_t i = 0; rule->choice(i) != NULL; i++)
            (void)buf_printf(b, "%s`%s`", i == 0 ? ": " : ", ", rule->choice(i));
    (void)buf_add(b, STR(" |\n"));
}

static void markdown_command(struct buf *b, const struct command *c)
{
    const struct command_option *o;
    bool headed = false;

    (void)buf_printf(b, "\n## %s\n\n```\n", c->path);
    put_usage(b, c);
    (void)buf_printf(b, "\n```\n\n%s\n", c->about);
    if (c->run == NULL)
        return;
    for (const struct command_operand *p = c->operands; p != NULL && p->name != NULL; p++) {
        if (!headed)
            (void)buf_add(b, STR("\n| Word | Means |\n| --- | --- |\n"));
        headed = true;
        markdown_entry(b, str_c(p->name), p->help, &p->rule);
    }
    for (size_t i = 0; (o = command_option_at(c, i)) != NULL; i++) {
        struct buf name = { .max = 256 };

        if (is_help(o))
            continue;
        if (!headed)
            (void)buf_add(b, STR("\n| Word | Means |\n| --- | --- |\n"));
        headed = true;
        put_option_name(&name, o);
        markdown_entry(b, buf_str(&name), o->help, &o->rule);
        buf_clear(&name);
    }
    for (size_t i = 0; c->examples != NULL && c->examples[i] != NULL; i++)
        (void)buf_printf(b, "%s%s\n%s", i == 0 ? "\n```sh\n" : "", c->examples[i],
                         c->examples[i + 1] == NULL ? "```\n" : "");
    for (size_t i = 0; c->exits != NULL && c->exits[i] != NULL; i++)
        (void)buf_printf(b, "%s%s%s", i == 0 ? "\nExit codes of its own: " : "; ", c->exits[i],
                         c->exits[i + 1] == NULL ? ".\n" : "");
}

static void markdown_page(struct buf *b)
{
    const struct command *c;

    (void)buf_add(b, STR("# Command line\n\nMade by `penstock help --markdown` from the table of "
                         "commands; a test compares the two. `penstock help --man` is the man "
                         "page ([penstock.1](penstock.1)), `penstock completion SHELL` completes "
                         "words in bash, zsh and fish.\n\nExit codes: 0 done; 1 failed, with a "
                         "sentence on stderr; 2 wrong usage; 3 the gateway or object asked for is "
                         "not there.\n"));
    for (size_t i = 0; (c = command_at(i)) != NULL; i++)
        if (!c->hidden)
            markdown_command(b, c);
}

/* --- for programs ------------------------------------------------------------------------------
 */

static void json_word(struct json_writer *w, const char *name, const char *help, bool repeats,
                      const struct value_rule *rule)
{
    json_put_member(w, "name", str_c(name));
    json_put_member(w, "help", str_c(help));
    json_put_member_bool(w, "repeats", repeats);
    if (rule->kind != VALUE_CHOICE)
        return;
    json_put_key(w, STR("choices"));
    json_put_array(w);
    for (size_t i = 0; rule->choice(i) != NULL; i++)
        json_put_str(w, str_c(rule->choice(i)));
    json_put_end(w);
}

static void json_texts(struct json_writer *w, struct str name, const char *const *texts)
{
    json_put_key(w, name);
    json_put_array(w);
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++)
        json_put_str(w, str_c(texts[i]));
    json_put_end(w);
}

static void json_command(struct json_writer *w, const struct command *c)
{
    const struct command_option *o;

    json_put_object(w);
    json_put_member(w, "path", str_c(c->path));
    json_put_member(w, "brief", str_c(c->brief));
    json_put_member(w, "about", str_c(c->about));
    json_put_member_bool(w, "runs", c->run != NULL);
    json_put_key(w, STR("operands"));
    json_put_array(w);
    for (const struct command_operand *p = c->operands; p != NULL && p->name != NULL; p++) {
        json_put_object(w);
        json_word(w, p->name, p->help, p->repeats, &p->rule);
        json_put_member_bool(w, "optional", p->optional);
        json_put_end(w);
    }
    json_put_end(w);
    json_put_key(w, STR("options"));
    json_put_array(w);
    for (size_t i = 0; c->run != NULL && (o = command_option_at(c, i)) != NULL; i++) {
        json_put_object(w);
        json_word(w, o->name, o->help, o->repeats, &o->rule);
        json_put_member_or_null(w, "value", str_c(o->value));
        json_put_member_or_null(w, "letter",
                                o->letter != '\0' ? (struct str){ &o->letter, 1 } : STR(""));
        json_put_member_bool(w, "required", o->required);
        json_put_end(w);
    }
    json_put_end(w);
    json_texts(w, STR("examples"), c->examples);
    json_texts(w, STR("exits"), c->exits);
    json_put_end(w);
}

/* All commands, or `only` with what is below it. */
static void json_page(struct buf *b, const struct command *only)
{
    struct json_writer w = json_writer(b);
    const struct command *c;

    json_put_object(&w);
    json_texts(&w, STR("exits"), usual_exits);
    json_put_key(&w, STR("commands"));
    json_put_array(&w);
    for (size_t i = 0; (c = command_at(i)) != NULL; i++)
        if (!c->hidden && (only == NULL || c == only || command_is_below(c, only)))
            json_command(&w, c);
    json_put_end(&w);
    json_put_end(&w);
    (void)buf_add_char(b, '\n');
}

/* --- the commands ------------------------------------------------------------------------------
 */

static int command_help(const struct command_line *line)
{
    struct buf b = { .max = TEXT_MAX };
    char *words[8];
    size_t count = 0, used = 0;
    const struct command *c = NULL;

    if (line_flag(line, "--man") + line_flag(line, "--markdown") + line_json(line) > 1)
        return line_wrong(line, "one of --man, --markdown and --json");
    if (line_flag(line, "--man") || line_flag(line, "--markdown")) {
        line_flag(line, "--man") ? man_page(&b) : markdown_page(&b);
        give(stdout, &b);
        return EXIT_DONE;
    }
    for (; count < COUNT(words) && line_operand(line, count) != NULL; count++)
        words[count] = (char *)(uintptr_t)line_operand(line, count);
    if (count > 0)
        c = command_find(words, count, &used);
    if (count > 0 && (c == NULL || used != count))
        return line_wrong(line, "there is no command `%s`", words[used]);
    if (line_json(line)) {
        json_page(&b, c);
        give(stdout, &b);
        return EXIT_DONE;
    }
    help_put(stdout, c);
    return EXIT_DONE;
}

static int command_version(const struct command_line *line)
{
    if (line_json(line))
        printf("{\"name\":\"penstock\",\"version\":\"" PENSTOCK_VERSION "\"}\n");
    else
        printf("penstock " PENSTOCK_VERSION "\n");
    return EXIT_DONE;
}

static const struct command_option help_options[] = {
    { "--man", NULL, "the man page of all commands (troff), for `man -l -`" },
    { "--markdown", NULL, "the manual of all commands, as in docs/cli.md" },
    { NULL },
};
static const struct command_operand help_operands[] = {
    { "COMMAND", "which one", IS(COMMAND), .optional = true, .repeats = true },
    { NULL },
};
static const char *const help_examples[] = {
    "penstock help bindings list",
    "penstock help --man >/usr/local/share/man/man1/penstock.1",
    NULL,
};

const struct command help_commands[] = {
    { .path = "help",
      .brief = "tell about a command, or print the manual",
      .about = "Tells about one command, or lists all of them; or prints the whole manual. As "
               "JSON: the table of commands, for programs.",
      .options = help_options,
      .operands = help_operands,
      .examples = help_examples,
      .takes = TAKES_JSON,
      .run = command_help },
    { .path = "version",
      .brief = "print the version",
      .about = "Prints name and version.",
      .takes = TAKES_JSON,
      .run = command_version },
    { NULL },
};

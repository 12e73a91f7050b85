/* app/prices.c - `penstock prices`: what tokens cost, seen and changed. */
#include <stdio.h>

#include "app/remote.h"
#include "app/terminal.h"
#include "base/json_write.h"
#include "provider/price.h"

static struct str money(struct remote_answer *answer, uint32_t row, const char *name)
{
    uint32_t node = answer_member(answer, row, name);

    return node != JSON_NONE ? json_raw(&answer->doc, node) : STR("-");
}

static void print_prices(struct remote_answer *answer)
{
    uint32_t prices = answer_member(answer, 0, "prices");

    printf("US dollars for a million tokens. Built in is what providers publish; yours come "
           "first.\n%-32s %-12s %10s %10s %11s %11s  %s\n",
           "MODEL", "PROVIDER", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "FROM");
    for (uint32_t i = prices == JSON_NONE ? JSON_NONE : json_first(&answer->doc, prices);
         i != JSON_NONE; i = json_after(&answer->doc, prices, i)) {
        struct str model = answer_text(answer, i, "model");
        struct str provider = answer_text(answer, i, "provider");
        struct str from = answer_text(answer, i, "declared_in");
        struct str in = money(answer, i, "input"), out = money(answer, i, "output");
        struct str read = money(answer, i, "cache_read"), write = money(answer, i, "cache_write");

        printf("%-*.*s %-12.*s %10.*s %10.*s %11.*s %11.*s  %s\n", TERMINAL_CELL(model, 32),
               STR_ARG(provider.len > 0 ? provider : STR("any")), STR_ARG(in), STR_ARG(out),
               STR_ARG(read), STR_ARG(write), str_eq(from, STR("file")) ? "settings" : "built in");
    }
}

static int command_list(const struct command_line *line)
{
    return remote_fulfil(&(struct remote_wish){
        .line = line, .method = "GET", .path = STR("/api/prices"), .print = print_prices });
}

static bool put_price(struct json_writer *w, const struct command_line *line, const char *option,
                      const char *name)
{
    const char *text = line_text(line, option, NULL);
    int64_t micros;

    if (text == NULL)
        return true;
    if (!price_read(str_c(text), &micros))
        return false;
    json_put_member_raw(w, name, str_c(text));
    return true;
}

static int command_set(const struct command_line *line)
{
    const char *provider = line_text(line, "--provider", NULL);
    struct buf body = { .max = 4096 };
    struct json_writer w = json_writer(&body);
    struct arena a = { 0 };
    int code;

    json_put_object(&w);
    bool good = put_price(&w, line, "--input", "input") &&
                put_price(&w, line, "--output", "output") &&
                put_price(&w, line, "--cache-read", "cache_read") &&
                put_price(&w, line, "--cache-write", "cache_write");

    if (provider != NULL)
        json_put_member(&w, "provider", str_c(provider));
    json_put_end(&w);
    if (good)
        code = remote_fulfil(&(struct remote_wish){
            .line = line,
            .method = "PUT",
            .path = remote_path(&a, "/api/prices/", line_operand(line, 0), ""),
            .body = buf_str(&body),
            .print = print_prices });
    else
        code = line_wrong(line, "prices are dollars, from 0 to 1000000 with at most six places");
    buf_clear(&body);
    arena_free(&a);
    return code;
}

static int command_remove(const struct command_line *line)
{
    struct arena a = { 0 };
    int code = remote_fulfil(
        &(struct remote_wish){ .line = line,
                               .method = "DELETE",
                               .path = remote_path(&a, "/api/prices/", line_operand(line, 0), ""),
                               .print = print_prices });

    arena_free(&a);
    return code;
}

/* --- rows ------------------------------------------------------------------------------------ */

static const struct command_operand model_operands[] = {
    { "MODEL", "the provider's model, `*` allowed" },
    { NULL },
};
static const struct command_option set_options[] = {
    { "--input", "D", "a million prompt tokens", .required = true },
    { "--output", "D", "a million generated tokens, reasoning included", .required = true },
    { "--cache-read", "D", "a million prompt tokens read from a cache (as --input)" },
    { "--cache-write", "D", "a million prompt tokens written to a cache (as --input)" },
    { "--provider", "P", "only for accounts of this provider (all)", IS_CHOICE(choice_provider) },
    { NULL },
};
static const char *const set_examples[] = {
    "penstock prices set 'gpt-5*' --input 1.25 --output 10 --cache-read 0.125", NULL
};
static const char *const price_exits[] = { "3 no gateway runs", NULL };
static const char *const remove_exits[] = { "3 no gateway runs, or no such price of yours", NULL };

const struct command prices_commands[] = {
    { .path = "prices",
      .brief = "what tokens cost",
      .about = "The price table that costs in `usage` come from. What has no price has no cost: it "
               "is unknown, never 0. Changes are written to the settings file and hold for "
               "requests from then on." },
    { .path = "prices list",
      .brief = "your prices and those built in",
      .about = "Lists the prices. Of those that fit a model, yours come first, then the exact "
               "name, then the longest literal part.",
      .exits = price_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_list },
    { .path = "prices set",
      .brief = "set the price of a model",
      .about = "Sets the price of a model or pattern, in US dollars for a million tokens.",
      .options = set_options,
      .operands = model_operands,
      .examples = set_examples,
      .exits = price_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_set },
    { .path = "prices remove",
      .brief = "remove a price of yours",
      .about = "Removes a price from the settings; what is built in counts again.",
      .operands = model_operands,
      .exits = remove_exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_remove },
    { NULL },
};

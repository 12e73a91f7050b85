/* app/settings_reference.c - docs/settings.md, from the table. */
#include "app/settings_int.h"

const struct member_doc environment_docs[] = {
    { "PENSTOCK_DATA_DIR", "ANTI_API_DATA_DIR, ABV_DATA_DIR (their subfolder `penstock`)",
      "The data directory, in place of `~/.penstock`." },
    { "PENSTOCK_LISTEN", "", "In place of `listen`: addresses with commas between them." },
    { "PENSTOCK_API_KEY", "ABV_API_KEY", "One more client key, named `environment`." },
    { "PENSTOCK_ADMIN_TOKEN", "", "In place of the file `admin.token`." },
    { "PENSTOCK_MASTER_KEY", "",
      "In place of the file `master.key`: 64 hex digits, or a "
      "passphrase of at least 8 bytes." },
    { "PENSTOCK_NO_OPEN", "ANTI_API_NO_OPEN", "Do not open the dashboard at start." },
    { "PENSTOCK_OAUTH_NO_OPEN", "ANTI_API_OAUTH_NO_OPEN", "Do not open a browser to sign in." },
    { "PENSTOCK_OAUTH_REDIRECT_URL", "ANTI_API_OAUTH_REDIRECT_URL",
      "Where a provider sends the browser after signing in, when this is another machine." },
    { "PENSTOCK_ANTIGRAVITY_CLIENT_ID, PENSTOCK_ANTIGRAVITY_CLIENT_SECRET",
      "likewise CODEX and COPILOT", "The OAuth client to sign in to a provider with." },
    { "PENSTOCK_CONTAINER", "",
      "Set by a container image that serves everywhere: the first start makes a client key, and "
      "prints it." },
    { "PENSTOCK_VERBOSE", "ANTI_API_VERBOSE", "1: debug messages in the log." },
    { "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY", "the same in lower case, which goes first",
      "Proxies to upstreams, when neither account nor `proxy.upstream_proxy` names one." },
    { NULL, NULL, NULL },
};

static struct str no_environment(__attribute__((unused)) const char *name)
{
    return STR("");
}

static void put_words(const struct key_row *row, struct buf *out)
{
    for (size_t i = 0; row->words[i] != NULL; i++)
        (void)buf_printf(out, "%s`%s`", i > 0 ? ", " : "", row->words[i]);
}

static void put_kind(const struct key_row *row, struct buf *out)
{
    if (row->words != NULL)
        put_words(row, out);
    else
        (void)buf_add(out, str_c(row->kind->word));
    if (row->size > 0 && row->scale > 0)
        (void)buf_printf(out, ", %lld to %lld%s", (long long)row->min, (long long)row->max,
                         row->ceiling ? " (ceiling)" : "");
}

static void put_row(const struct key_row *row, const struct settings *standard, struct buf *out)
{
    bool known;

    (void)buf_printf(out, "| `%s` | ", row->path);
    put_kind(row, out);
    (void)buf_add(out, STR(" | `"));
    known = settings_get(standard, str_c(row->path), out);
    assert(known);
    (void)buf_printf(out, "` | %s |\n", row->meaning);
}

static void put_members(const char *title, const char *intro, const char *columns,
                        const struct member_doc *docs, struct buf *out)
{
    (void)buf_printf(out, "\n## %s\n\n%s\n\n%s\n| --- | --- | --- |\n", title, intro, columns);
    for (size_t i = 0; docs[i].name != NULL; i++)
        (void)buf_printf(out, "| `%s` | %s | %s |\n", docs[i].name,
                         docs[i].type[0] != '\0' ? docs[i].type : "–", docs[i].meaning);
}

void settings_reference(struct buf *out)
{
    static const char columns[] = "| Member | Value | Meaning |";
    const struct settings_sources sources = { no_environment };
    struct settings *standard = NULL;
    struct settings_fault fault;
    const struct key_row *row;
    bool good = settings_read(STR("{}"), &sources, &standard, &fault);

    assert(good);
    (void)buf_add(
        out,
        STR("# Settings\n\n"
            "<!-- Written by the program itself from its table of keys; a test compares them. "
            "-->\n\n"
            "All settings are in `gui_config.json` in the data directory (`~/.penstock`, or where\n"
            "`PENSTOCK_DATA_DIR` says), one JSON object. A key that is missing has its default; "
            "the\n"
            "file itself may be missing. It is watched: an edit takes effect without a restart, "
            "but\n"
            "for `limits` and what is marked \"read at start\". An edit that cannot be read leaves "
            "the "
            "settings\n"
            "before it in force, and the log says where the mistake is. Unknown keys are kept and\n"
            "named once in the log.\n\n"
            "Below, `proxy.scheduling.mode` means the member `mode` of the object `scheduling` in\n"
            "the object `proxy`. Lowering a limit is always allowed within the range given; a\n"
            "ceiling cannot be passed.\n\n"
            "## Keys\n\n| Key | Value | Default | Meaning |\n| --- | --- | --- | --- |\n"));
    for (size_t i = 0; (row = settings_row(i)) != NULL; i++)
        put_row(row, standard, out);
    put_members("Members of `accounts[]`", "One object for each account.", columns, account_docs,
                out);
    put_members("Members of `client_keys[]`",
                "One object for each key, with `key_env`, `hash` or `key`.", columns,
                client_key_docs, out);
    put_members(
        "Members of `usage.prices.<model>`",
        "For example `{\"gpt-5*\": {\"input\": 1.25, \"output\": 10, \"cache_read\": 0.125}}`.",
        columns, price_docs, out);
    put_members("Members of `providers.<name>`", "For all accounts of a provider.", columns,
                provider_docs, out);
    put_members("Members of `providers.<name>.oauth`",
                "For `antigravity`, `codex` and `copilot`, whose accounts sign in "
                "([providers](providers)).",
                columns, oauth_docs, out);
    put_members("Members of `routing.flows.<name>`", "See [routing](routing.md).", columns,
                route_flow_docs, out);
    put_members("Members of `routing.accounts.<model>`", "See [routing](routing.md).", columns,
                route_account_docs, out);
    put_members("Members of `when`", "Conditions of an entry.", columns, route_when_docs, out);
    put_members("Members of `routing.background`", "See [routing](routing.md).", columns,
                route_background_docs, out);
    put_members("Environment", "These stand above the file.", "| Variable | Also as | Meaning |",
                environment_docs, out);
    settings_unref(standard);
}

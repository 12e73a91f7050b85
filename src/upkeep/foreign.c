#include "upkeep/foreign.h"

#include "base/json_secret.h"
#include "provider/signin.h"

struct reading {
    struct json doc;
    struct arena *a;
    struct foreign_account *out;
};

static uint32_t member(const struct reading *r, uint32_t object, const char *name)
{
    return json_member(&r->doc, object, str_c(name), NULL);
}

static struct str text(const struct reading *r, uint32_t object, const char *name)
{
    uint32_t node = member(r, object, name);
    struct str value = STR("");

    return node != JSON_NONE && json_text(&r->doc, node, r->a, &value) ? arena_copy(r->a, value)
                                                                       : STR("");
}

static struct secret secret_text(const struct reading *r, uint32_t object, const char *name)
{
    return json_secret(&r->doc, member(r, object, name));
}

static int64_t number(const struct reading *r, uint32_t object, const char *name)
{
    uint32_t node = member(r, object, name);
    int64_t n = 0;

    return node != JSON_NONE && json_i64(&r->doc, node, &n) && n > 0 ? n : 0;
}

static bool flag(const struct reading *r, uint32_t object, const char *name)
{
    uint32_t node = member(r, object, name);

    return node != JSON_NONE && json_is_true(&r->doc, node);
}

static bool is_object(const struct reading *r, uint32_t node)
{
    return node != JSON_NONE && json_type(&r->doc, node) == JSON_OBJECT;
}

static void take_tokens(struct reading *r, uint32_t object)
{
    struct account_grant *g = &r->out->grant;

    g->access = secret_text(r, object, "access_token");
    g->refresh = secret_text(r, object, "refresh_token");
}

static void take_claims(struct reading *r, uint32_t object)
{
    struct account_grant *g = &r->out->grant;
    struct token_answer claims = { .lifetime_ms = 0 };

    if (!id_token_read(text(r, object, "id_token"), r->a, &claims))
        return;
    if (g->email.len == 0)
        g->email = claims.email;
    if (g->account.len == 0)
        g->account = claims.account;
    g->plan = claims.plan;
}

/* --- the programs ---------------------------------------------------------------------------- */

static const char *antigravity_manager(struct reading *r)
{
    struct account_grant *g = &r->out->grant;
    uint32_t token = member(r, 0, "token");

    if (!is_object(r, token))
        return "it holds no token";
    take_tokens(r, token);
    g->email = text(r, 0, "email");
    g->expires_unix_ms = number(r, token, "expiry_timestamp") * 1000;
    r->out->provider = STR("antigravity");
    r->out->label = text(r, 0, "custom_label");
    r->out->project = text(r, token, "project_id");
    r->out->disabled = flag(r, 0, "disabled");
    return NULL;
}

static const char *anti_api(struct reading *r)
{
    static const struct {
        const char *type, *provider;
    } types[] = { { "antigravity", "antigravity" },
                  { "codex", "codex" },
                  { "github-copilot", "copilot" },
                  { "copilot", "copilot" } };
    struct account_grant *g = &r->out->grant;
    struct str type = text(r, 0, "type");

    for (size_t i = 0; i < COUNT(types); i++)
        if (str_eq(type, str_c(types[i].type)))
            r->out->provider = str_c(types[i].provider);
    if (r->out->provider.len == 0)
        return "Penstock has no provider of this type";
    take_tokens(r, 0);
    g->email = text(r, 0, "email");
    if (g->email.len == 0)
        g->email = text(r, 0, "login");
    g->expires_unix_ms = number(r, 0, "expires_at");
    r->out->label = text(r, 0, "label");
    r->out->project = text(r, 0, "project_id");
    if (str_eq(r->out->provider, STR("copilot"))) { /* GitHub's token is what renews */
        if (secret_is_empty(&g->refresh)) {
            g->refresh = g->access;
            g->access = (struct secret){ 0 };
        }
        g->expires_unix_ms = 0;
    }
    return NULL;
}

static const char *codex(struct reading *r)
{
    struct account_grant *g = &r->out->grant;
    uint32_t tokens = member(r, 0, "tokens");

    if (!is_object(r, tokens))
        return text(r, 0, "OPENAI_API_KEY").len > 0
                   ? "it holds an API key and no sign-in: add that as an account of openai"
                   : "nobody is signed in there";
    take_tokens(r, tokens);
    g->account = text(r, tokens, "account_id");
    take_claims(r, tokens);
    g->expires_unix_ms = token_expires_unix_ms(secret_reveal(&g->access));
    r->out->provider = STR("codex");
    return NULL;
}

static const char *gemini_cli(struct reading *r)
{
    struct account_grant *g = &r->out->grant;

    take_tokens(r, 0);
    take_claims(r, 0);
    g->scopes = text(r, 0, "scope");
    g->expires_unix_ms = number(r, 0, "expiry_date");
    r->out->provider = STR("antigravity");
    return NULL;
}

const char *foreign_read(enum foreign_program program, struct str bytes, struct arena *a,
                         struct foreign_account *out)
{
    static const char *(*const readers[])(struct reading * r) = {
        [FOREIGN_ANTIGRAVITY_MANAGER] = antigravity_manager,
        [FOREIGN_ANTI_API] = anti_api,
        [FOREIGN_CODEX] = codex,
        [FOREIGN_GEMINI_CLI] = gemini_cli,
    };
    struct reading r = { .a = a, .out = out };
    const char *why;

    *out = (struct foreign_account){ .provider = STR("") };
    if (!json_parse(&r.doc, bytes, &(struct json_limits){ .depth_max = 32 }, a, NULL) ||
        json_type(&r.doc, 0) != JSON_OBJECT)
        return "it is no JSON object";
    why = readers[program](&r);
    if (why == NULL && secret_is_empty(&out->grant.access) && secret_is_empty(&out->grant.refresh))
        why = "it holds no token";
    if (why != NULL)
        grant_clear(&out->grant);
    return why;
}

bool foreign_is_followed(enum foreign_program program)
{
    return program == FOREIGN_CODEX || program == FOREIGN_GEMINI_CLI;
}

#include "admin/connect.h"

#include "admin/admin_int.h"

const char *connect_kind_word(enum connect_kind kind)
{
    static const char *const words[] = {
        [CONNECT_SHELL] = "shell",
        [CONNECT_FILE] = "file",
        [CONNECT_CODE] = "code",
    };

    return words[kind];
}

static const struct connect_client clients[] = {
    { .name = "claude-code",
      .title = "Claude Code",
      .protocol = WIRE_ANTHROPIC,
      .about = "Reads the gateway's address from its environment, or from its settings file for "
               "every start.",
      .steps = { { CONNECT_SHELL, "For one start", NULL, "sh",
                   "ANTHROPIC_BASE_URL={base} ANTHROPIC_AUTH_TOKEN={key} claude\n" },
                 { CONNECT_FILE, "For every start: these members", "~/.claude/settings.json",
                   "json",
                   "{\n"
                   "  \"env\": {\n"
                   "    \"ANTHROPIC_BASE_URL\": \"{base}\",\n"
                   "    \"ANTHROPIC_AUTH_TOKEN\": \"{key}\"\n"
                   "  }\n"
                   "}\n" } } },
    { .name = "codex",
      .title = "Codex",
      .protocol = WIRE_OPENAI_RESPONSES,
      .about = "Has providers of its own naming; the key comes from an environment variable.",
      .steps = { { CONNECT_FILE, "A provider, and that it is used", "~/.codex/config.toml", "toml",
                   "model_provider = \"penstock\"\n"
                   "\n"
                   "[model_providers.penstock]\n"
                   "name = \"penstock\"\n"
                   "base_url = \"{base}/v1\"\n"
                   "env_key = \"PENSTOCK_CLIENT_KEY\"\n"
                   "wire_api = \"responses\"\n" },
                 { CONNECT_SHELL, "The key", NULL, "sh", "export PENSTOCK_CLIENT_KEY={key}\n" } } },
    { .name = "gemini-cli",
      .title = "Gemini CLI",
      .protocol = WIRE_GEMINI,
      .about = "Reads the gateway's address from its environment; it must sign in by API key.",
      .steps = { { CONNECT_SHELL, "For one start", NULL, "sh",
                   "GOOGLE_GEMINI_BASE_URL={base} GEMINI_API_KEY={key} gemini\n" },
                 { CONNECT_FILE, "How it signs in: these members", "~/.gemini/settings.json",
                   "json",
                   "{\n"
                   "  \"security\": { \"auth\": { \"selectedType\": \"gemini-api-key\" } }\n"
                   "}\n" } } },
    { .name = "opencode",
      .title = "opencode",
      .protocol = WIRE_OPENAI_CHAT,
      .about = "Takes the gateway as a provider of its own; name the models you want to see.",
      .steps = { { CONNECT_FILE, "A provider: these members", "~/.config/opencode/opencode.json",
                   "json",
                   "{\n"
                   "  \"provider\": {\n"
                   "    \"penstock\": {\n"
                   "      \"npm\": \"@ai-sdk/openai-compatible\",\n"
                   "      \"name\": \"Penstock\",\n"
                   "      \"options\": { \"baseURL\": \"{base}/v1\", \"apiKey\": \"{key}\" },\n"
                   "      \"models\": { \"claude-sonnet-4-5\": {}, \"gpt-5\": {} }\n"
                   "    }\n"
                   "  }\n"
                   "}\n" } } },
    { .name = "openai-sdk",
      .title = "OpenAI SDKs",
      .protocol = WIRE_OPENAI_CHAT,
      .about = "Chat completions and Responses; most programs built on them read these variables.",
      .steps = { { CONNECT_SHELL, "Environment", NULL, "sh",
                   "export OPENAI_BASE_URL={base}/v1\nexport OPENAI_API_KEY={key}\n" },
                 { CONNECT_CODE, "Python", NULL, "python",
                   "from openai import OpenAI\n"
                   "client = OpenAI(base_url=\"{base}/v1\", api_key=\"{key}\")\n" },
                 { CONNECT_CODE, "JavaScript", NULL, "js",
                   "import OpenAI from 'openai';\n"
                   "const client = new OpenAI({ baseURL: '{base}/v1', apiKey: '{key}' });\n" } } },
    { .name = "anthropic-sdk",
      .title = "Anthropic SDKs",
      .protocol = WIRE_ANTHROPIC,
      .about = "Most programs built on them read these variables.",
      .steps = { { CONNECT_SHELL, "Environment", NULL, "sh",
                   "export ANTHROPIC_BASE_URL={base}\nexport ANTHROPIC_API_KEY={key}\n" },
                 { CONNECT_CODE, "Python", NULL, "python",
                   "from anthropic import Anthropic\n"
                   "client = Anthropic(base_url=\"{base}\", api_key=\"{key}\")\n" },
                 { CONNECT_CODE, "JavaScript", NULL, "js",
                   "import Anthropic from '@anthropic-ai/sdk';\n"
                   "const client = new Anthropic({ baseURL: '{base}', apiKey: '{key}' });\n" } } },
    { .name = "google-genai",
      .title = "Google Gen AI SDKs",
      .protocol = WIRE_GEMINI,
      .about = "The address is an option of the client.",
      .steps = { { CONNECT_CODE, "Python", NULL, "python",
                   "from google import genai\n"
                   "client = genai.Client(api_key=\"{key}\", http_options={\"base_url\": "
                   "\"{base}\"})\n" },
                 { CONNECT_CODE, "JavaScript", NULL, "js",
                   "import { GoogleGenAI } from '@google/genai';\n"
                   "const client = new GoogleGenAI({ apiKey: '{key}', httpOptions: { baseUrl: "
                   "'{base}' } });\n" } } },
    { .name = "curl",
      .title = "curl",
      .protocol = WIRE_OPENAI_CHAT,
      .about = "To see that it answers.",
      .steps = { { CONNECT_SHELL, "One question", NULL, "sh",
                   "curl -s {base}/v1/chat/completions -H 'Content-Type: application/json' \\\n"
                   "  -H 'Authorization: Bearer {key}' \\\n"
                   "  -d "
                   "'{\"model\":\"gpt-5\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}"
                   "'\n" } } },
};

const struct connect_client *connect_client_at(size_t i)
{
    return i < COUNT(clients) ? &clients[i] : NULL;
}

const struct connect_client *connect_client_find(struct str name)
{
    for (size_t i = 0; i < COUNT(clients); i++)
        if (str_eq(str_c(clients[i].name), name))
            return &clients[i];
    return NULL;
}

bool connect_put(struct buf *out, const char *text, struct str base, struct str key)
{
    struct str rest = str_c(text);

    while (rest.len > 0) {
        bool is_base = str_starts(rest, STR("{base}")), is_key = str_starts(rest, STR("{key}"));

        if (!buf_add(out, is_base ? base : is_key ? key : str_take(rest, 1)))
            return false;
        rest = str_drop(rest, is_base ? 6 : is_key ? 5 : 1);
    }
    return true;
}

/* --- GET /api/connect */

/* A key that was made is shown once: here stands what is to be replaced by it. */
#define KEY_ANY "any-value"
#define KEY_OWN "YOUR-CLIENT-KEY"

static void put_step(struct json_writer *w, const struct connect_step *s, struct str base,
                     struct str key)
{
    struct buf text = { .max = 16384 };

    (void)connect_put(&text, s->text, base, key);
    json_put_object(w);
    json_put_member(w, "kind", str_c(connect_kind_word(s->kind)));
    json_put_member(w, "title", str_c(s->title));
    if (s->path != NULL)
        json_put_member(w, "path", str_c(s->path));
    json_put_member(w, "language", str_c(s->language));
    json_put_member(w, "content", buf_str(&text));
    json_put_end(w);
    buf_clear(&text);
}

static void put_client(struct json_writer *w, const struct connect_client *c, struct str base,
                       struct str key)
{
    json_put_object(w);
    json_put_member(w, "client", str_c(c->name));
    json_put_member(w, "title", str_c(c->title));
    json_put_member(w, "protocol", wire_name(c->protocol));
    json_put_member(w, "about", str_c(c->about));
    json_put_key(w, STR("steps"));
    json_put_array(w);
    for (size_t i = 0; i < CONNECT_STEPS_MAX && c->steps[i].text != NULL; i++)
        put_step(w, &c->steps[i], base, key);
    json_put_end(w);
    json_put_end(w);
}

/* The address is the one by which the page was called: it works from there. */
void connect_get(const struct admin_ask *a)
{
    struct str base = arena_printf(&a->r->arena, "http://%.*s", STR_ARG(a->r->head->host));
    bool needed = admin_key_needed(a->admin) || !address_is_loopback(&a->r->local);
    struct str key = needed ? STR(KEY_OWN) : STR(KEY_ANY);
    struct buf b;

    buf_init(&b, ADMIN_ANSWER_MAX);
    struct json_writer w = json_writer(&b);

    json_put_object(&w);
    json_put_member(&w, "base_url", base);
    json_put_member_bool(&w, "key_needed", needed);
    json_put_member(&w, "key_shown", key);
    json_put_key(&w, STR("clients"));
    json_put_array(&w);
    for (size_t i = 0; i < COUNT(clients); i++)
        put_client(&w, &clients[i], base, key);
    json_put_end(&w);
    json_put_end(&w);
    admin_send_written(a->r, &w);
}

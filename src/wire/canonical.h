/* wire/canonical.h - the one form between the protocols: what a request says, whoever said it.
 *
 * A client's request is read into it, and a request for any wire is written from it; so there are
 * as many readers and writers as protocols, not as many as pairs. What it cannot hold is named in
 * `unread`, what a target cannot express is named by its writer (losses.h): nothing vanishes in
 * silence.
 *
 * Text stays as it came. A `struct text` is the inside of a JSON string, *still escaped*: most
 * texts go from JSON to JSON and are copied, never decoded. A `struct str` is plain bytes (names
 * and ids, which are compared and mapped) or raw JSON where its comment says so. Numbers keep
 * their spelling.
 * Threads: pure values.   Memory: slices borrow from the client's body; lists live in the arena
 * that the reader was given. */
#ifndef PENSTOCK_WIRE_CANONICAL_H
#define PENSTOCK_WIRE_CANONICAL_H

#include "base/json.h"
#include "wire/losses.h"
#include "wire/protocol.h"

/* --- text -------------------------------------------------------------------------------------*/

struct text {
    struct str escaped; /* valid inside of a JSON string: goes out through json_put_inside() */
};

#define TEXT_EMPTY ((struct text){ { "", 0 } })
/* Of a literal that needs no escapes. */
#define TEXT_LIT(lit) ((struct text){ STR(lit) })

static inline bool text_is_empty(struct text t)
{
    return t.escaped.len == 0;
}
/* Nothing but blanks, escaped ones too. */
bool text_is_blank(struct text t);
/* The inside of a string node. */
struct text text_of(const struct json *doc, uint32_t node);
/* Escapes plain text; borrows when nothing needs it. */
struct text text_from(struct arena *a, struct str plain);
/* Decodes; borrows when nothing was escaped. */
struct str text_plain(struct arena *a, struct text t);
struct text text_join(struct arena *a, struct text one, struct text two);
/* How many code points it has. */
int64_t text_points(struct text t);
/* `data:image/png;base64,iVBO…` in its parts, still escaped. False: some other URL. */
bool text_data_url(struct text url, struct arena *a, struct text *mime, struct text *data);

enum tri { TRI_UNSET, TRI_NO, TRI_YES };

/* --- signatures -------------------------------------------------------------------------------*/

/* Whose model made a signature or an encrypted blob: nobody else takes it. */
enum signer { SIGNER_NONE, SIGNER_ANTHROPIC, SIGNER_GOOGLE, SIGNER_OPENAI, SIGNER_OTHER };

struct signature {
    enum signer signer; /* SIGNER_NONE: there is none */
    struct text blob;   /* as its signer gave it; never in our envelope (signature.h) */
    struct str item_id; /* openai: `rs_…` of the reasoning item; else empty */
    bool redacted;      /* anthropic: data of redacted thinking, no signature of a shown one */
    bool recalled;      /* the client did not send it: the gateway remembered */
};

/* --- parts of messages ------------------------------------------------------------------------*/

enum part_kind {
    PART_TEXT,        /* text */
    PART_IMAGE,       /* media */
    PART_DOCUMENT,    /* media, or text of a plain document */
    PART_AUDIO,       /* media */
    PART_VIDEO,       /* media */
    PART_TOOL_CALL,   /* call */
    PART_TOOL_RESULT, /* result; stands in a message of the user */
    PART_THINKING,    /* text (may be empty), sig; opaque.raw: the item itself, for its own wire */
    PART_REDACTED,    /* sig alone: encrypted thinking */
    PART_REFUSAL,     /* text */
    PART_SERVER_CALL, /* opaque: a tool the provider itself ran */
    PART_SERVER_RESULT, /* opaque */
    PART_SEARCH_RESULT, /* text, media.title, media.data (source) */
    PART_OPAQUE,        /* opaque: an item only its own wire understands */
};

enum media_source {
    MEDIA_BASE64, /* data */
    MEDIA_URL,    /* data is the URL */
    MEDIA_FILE,   /* data is a file id of one provider */
    MEDIA_TEXT,   /* a document that is plain text: `text` of the part */
    MEDIA_PARTS,  /* a document made of parts: `content` */
};

enum image_detail { DETAIL_UNSET, DETAIL_AUTO, DETAIL_LOW, DETAIL_HIGH, DETAIL_ORIGINAL };

struct media {
    enum media_source source;
    struct text mime; /* `image/png`; empty when not said */
    struct text data;
    struct text title;   /* file name or title; empty when there is none */
    struct text context; /* anthropic: document context */
    enum image_detail detail;
    struct part *content; /* MEDIA_PARTS */
};

/* A call of the model. Arguments stand in the form in which they came: a raw JSON object
 * (anthropic, gemini) or the inside of a string (the OpenAI protocols), which may hold anything.
 * call_object() and call_text() give either form of either. */
struct tool_call {
    struct str id;         /* empty: the client gave none (gemini) */
    struct str name;       /* as the client declared it */
    struct str name_space; /* openai-responses: namespace of the tool; else empty */
    bool custom;           /* free text input, in `text` */
    struct str object;     /* raw JSON object, or empty */
    struct text text;
};

struct tool_result {
    struct str call_id; /* empty: by name and order (gemini) */
    struct str name;    /* when the protocol says it; else empty */
    bool custom;
    bool is_error;
    struct part *content; /* text, image, document … */
    struct str response;  /* gemini: the raw JSON object it was; else empty */
};

struct opaque {
    enum wire wire;  /* the protocol that knows it */
    struct str type; /* its `type` there */
    struct str raw;  /* the whole part as JSON */
    struct str id;   /* of server calls and results: what ties them; may be empty */
    struct str name; /* of server calls: `web_search` … */
};

enum cache_ttl { CACHE_NONE, CACHE_DEFAULT, CACHE_5M, CACHE_30M, CACHE_1H, CACHE_12H };

struct part {
    enum part_kind kind;
    enum cache_ttl cache;       /* a cache breakpoint stands behind this part */
    uint32_t at;                /* index in the client's list of its message; PART_AT_NONE: ours;
                                   openai-responses: part_at_item() */
    const struct message *home; /* the client's message it came in, once moved; else NULL */
    struct part *next;
    struct text text;
    struct signature sig; /* gemini puts them on any part; a PART_THINKING without text and with a
                             signature belongs to the part behind it */
    struct str citations; /* in the client's own JSON: of a text the array, of a document or search
                             result what it says about citing; else empty */
    union {
        struct media media;
        struct tool_call call;
        struct tool_result result;
        struct opaque opaque;
    };
};
#define PART_AT_NONE UINT32_MAX

/* openai-chat: thinking stands beside the content, under the name that its server has for it;
 * beyond every index of a list. */
enum chat_thinking {
    CHAT_THINKING = 1 << 24, /* reasoning_content */
    CHAT_THINKING_REASONING,
    CHAT_THINKING_TEXT, /* reasoning_text */
    CHAT_THINKING_DETAILS,
    CHAT_THINKING_OPAQUE,
};

/* openai-responses: several items make one message, so `at` of a part holds the index of its item
 * and, for parts inside of an item (else PART_AT_NONE), the index in there. */
#define PART_AT_INDEX_MAX 4094u /* beyond it the path names the item alone */
static inline uint32_t part_at_item(uint32_t item, uint32_t index)
{
    return item << 12 | (index > PART_AT_INDEX_MAX ? 0 : index + 1);
}
_Static_assert(JSON_NODES_MAX < 1u << 20, "every item's index has room beside its part's");

/* gemini: an entry of `tools` holds many functions, so `at` of a tool is both indexes; of a server
 * tool the entry's alone. */
static inline uint32_t tool_at_declaration(uint32_t entry, uint32_t declaration)
{
    return part_at_item(entry, declaration);
}

enum role { ROLE_USER, ROLE_ASSISTANT, ROLE_SYSTEM };
enum phase { PHASE_NONE, PHASE_COMMENTARY, PHASE_FINAL };

struct message {
    enum role role;
    bool developer; /* a system message under its newer name */
    enum phase phase;
    uint32_t at; /* index in the client's list */
    struct part *parts, *last;
    struct str name;
    struct message *next;
};

/* --- tools ------------------------------------------------------------------------------------*/

struct tool {
    struct str name;
    struct str name_space; /* openai-responses; else empty */
    struct text name_space_description;
    struct text description;
    struct str schema; /* raw JSON object of the parameters; empty: none given */
    bool openapi;      /* the schema is in Gemini's OpenAPI spelling (UPPERCASE types, nullable) */
    enum tri strict;
    bool custom;        /* takes free text */
    struct str grammar; /* custom: raw JSON `format` of the client, or empty */
    enum cache_ttl cache;
    bool deferred;
    struct str raw; /* the client's whole entry where its own wire takes it as it is; else empty */
    uint32_t at;    /* index in the client's list */
    struct tool *next;
};

enum server_tool_kind {
    SERVER_TOOL_WEB_SEARCH,
    SERVER_TOOL_WEB_FETCH,
    SERVER_TOOL_CODE,
    SERVER_TOOL_FILE_SEARCH,
    SERVER_TOOL_IMAGE,
    SERVER_TOOL_MAPS,
    SERVER_TOOL_OTHER,
};

struct server_tool {
    enum server_tool_kind kind;
    struct str type; /* as the client spelt it */
    struct str raw;  /* the whole entry as JSON, or empty (openai-chat: web_search_options) */
    uint32_t at;
    struct server_tool *next;
};

enum choice_mode {
    CHOICE_UNSET,
    CHOICE_AUTO,
    CHOICE_NONE,
    CHOICE_ANY,     /* some tool */
    CHOICE_ONE,     /* names[0] */
    CHOICE_ALLOWED, /* one of names; allowed_any says whether it must be called */
};

struct tool_choice {
    enum choice_mode mode;
    bool allowed_any;
    const struct str *names;
    size_t name_count;
};

/* --- the request ------------------------------------------------------------------------------*/

/* Members that are more than structure. The reader says under which path the client gave each
 * (`where`, empty: not given), so that a loss is named in the client's own words. */
enum field {
    FIELD_MAX_OUTPUT,
    FIELD_TEMPERATURE,
    FIELD_TOP_P,
    FIELD_TOP_K,
    FIELD_MIN_P,
    FIELD_FREQUENCY_PENALTY,
    FIELD_PRESENCE_PENALTY,
    FIELD_REPETITION_PENALTY,
    FIELD_SEED,
    FIELD_STOP,
    FIELD_N,
    FIELD_LOGPROBS,
    FIELD_TOP_LOGPROBS,
    FIELD_LOGIT_BIAS,
    FIELD_FORMAT,
    FIELD_REASONING,         /* effort, budget or mode */
    FIELD_REASONING_SUMMARY, /* whether thinking is shown */
    FIELD_VERBOSITY,
    FIELD_MODALITIES,
    FIELD_IMAGE, /* aspect, size */
    FIELD_TOOL_CHOICE,
    FIELD_PARALLEL_TOOLS,
    FIELD_SERVICE_TIER,
    FIELD_CACHE_KEY,
    FIELD_CACHE_OPTIONS,
    FIELD_CACHE_MARKS, /* breakpoints anywhere: the first one's path; all: cache_marks */
    FIELD_SAFETY,
    FIELD_USER,
    FIELD_SAFETY_ID,
    FIELD_METADATA,
    FIELD_STORE,
    FIELD_PREVIOUS_RESPONSE,
    FIELD_INCLUDE,
    FIELDS,
};

enum format_kind { FORMAT_TEXT, FORMAT_JSON, FORMAT_SCHEMA };

struct answer_format {
    enum format_kind kind;
    struct str name;
    struct text description;
    struct str schema; /* raw JSON */
    bool openapi;      /* in Gemini's OpenAPI spelling */
    enum tri strict;
};

enum reasoning_mode {
    REASONING_UNSET,
    REASONING_OFF,
    REASONING_AUTO, /* the model decides; an effort may stand beside it */
    REASONING_EFFORT,
    REASONING_BUDGET,
    REASONING_BETWEEN_TOOLS, /* anthropic */
};
enum effort {
    EFFORT_UNSET,
    EFFORT_MINIMAL,
    EFFORT_LOW,
    EFFORT_MEDIUM,
    EFFORT_HIGH,
    EFFORT_XHIGH,
    EFFORT_MAX
};
enum summary { SUMMARY_UNSET, SUMMARY_NONE, SUMMARY_AUTO, SUMMARY_CONCISE, SUMMARY_DETAILED };

struct reasoning {
    enum reasoning_mode mode;
    enum effort effort; /* also beside AUTO, and alone for anthropic's output_config.effort */
    int64_t budget;     /* tokens, of REASONING_BUDGET */
    enum summary summary;
};

#define MODALITY_TEXT 1u
#define MODALITY_IMAGE 2u
#define MODALITY_AUDIO 4u

struct image_ask {
    struct str aspect;  /* `16:9`, or empty */
    struct str size;    /* `1K`, `2K`, `4K`, or empty */
    struct str quality; /* as given, or empty */
};

/* A member that only the client's own protocol has: it goes along over the same wire, and is lost
 * on any other, or refused where the answer would not be what was asked for (`vital`). */
struct extra {
    struct str path; /* `truncation`, `reasoning.context` */
    struct str raw;  /* its value as JSON */
    bool vital;
    struct extra *next;
};

/* A breakpoint of a prompt's cache, by its path. Providers allow four of them; as many are named
 * as can be lost. */
#define CACHE_MARKS_MAX LOSSES_MAX
struct cache_mark {
    struct str path;
    struct cache_mark *next;
};

struct canon_request {
    enum wire protocol;
    struct str model; /* as the client asked for it */
    bool stream;
    struct str body; /* the client's bytes, for what is looked up later */

    struct part *system, *system_last; /* leading instructions: PART_TEXT */
    bool system_developer;             /* they came as developer messages */
    struct message *messages, *last;
    uint32_t message_count;

    struct tool *tools, *tools_last;
    uint32_t tool_count;
    struct server_tool *server_tools, *server_tools_last;
    struct tool_choice choice;
    enum tri parallel_tools;

    int64_t max_output; /* tokens; 0: not given */
    /* the number's text, or empty */
    struct str temperature, top_p, top_k, min_p, frequency_penalty, presence_penalty,
        repetition_penalty;
    struct str seed;
    const struct text *stop;
    size_t stop_count;
    int64_t n; /* 0: not given */
    enum tri logprobs;
    int64_t top_logprobs;  /* -1: not given */
    struct str logit_bias; /* raw JSON */
    struct answer_format format;
    struct reasoning reasoning;
    struct str verbosity;
    uint32_t modalities; /* 0: not given */
    struct image_ask image;
    struct str service_tier;
    struct str cache_key;
    enum cache_ttl cache_last; /* anthropic: top-level cache_control */
    struct cache_mark *cache_marks, *cache_marks_last;
    uint32_t cache_mark_count;
    struct str user, safety_id;
    struct str metadata; /* raw JSON object */
    struct str safety;   /* gemini: raw JSON of safetySettings */
    enum tri store;
    struct str previous_response;
    bool wants_usage; /* openai-chat: the usage chunk */
    bool legacy;      /* openai-chat: `prompt` in place of `messages`: /v1/completions */
    bool echo;        /* … and the prompt stands before the answer */
    bool functions;   /* openai-chat: the old `functions` form; the answer has it too */

    bool goes_on; /* with a turn that its provider paused: the last message is its beginning */
    struct text resume; /* gemini: the token for that; empty: none */

    struct extra *extras, *extras_last; /* of the root and of objects in it */
    struct str where[FIELDS];
    struct losses unread; /* members that the reader does not know */
};

/* Lists, in the order of the client. */
struct message *canon_add_message(struct canon_request *r, struct arena *a, enum role role,
                                  uint32_t at);
struct part *message_add(struct message *m, struct arena *a, enum part_kind kind, uint32_t at);
struct part *part_append(struct part **first, struct part **last, struct arena *a,
                         enum part_kind kind, uint32_t at);
struct tool *canon_add_tool(struct canon_request *r, struct arena *a, struct str name, uint32_t at);
struct server_tool *canon_add_server_tool(struct canon_request *r, struct arena *a,
                                          enum server_tool_kind kind, struct str type,
                                          struct str raw, uint32_t at);
/* A breakpoint of the prompt's cache at this path. */
void canon_add_cache_mark(struct canon_request *r, struct arena *a, struct str path);
void canon_add_extra(struct canon_request *r, struct arena *a, struct str path, struct str raw,
                     bool vital);

/* The client's path of a part, for losses and complaints: `messages[2].content[1]`,
 * `contents[0].parts[3]`, `input[4]`, `input[4].content[0]`. `part` may be NULL: the message's own
 * path. */
struct str canon_path(const struct canon_request *r, const struct message *m,
                      const struct part *part, struct arena *a);
struct str canon_tool_path(const struct canon_request *r, uint32_t at, struct arena *a);

/* Arguments of a call as raw JSON object: `{}` for none; text that is no JSON object becomes
 * {"_raw": text} (then `wrapped`, which may be NULL, is true). */
struct str call_object(const struct tool_call *c, struct arena *a, bool *wrapped);
/* The same as the inside of a string; an object that is {"_raw": text} alone gives that text. */
struct text call_text(const struct tool_call *c, struct arena *a);
/* Free text that had to travel as {"input": text}; arguments that are no such object stay as they
 * are. */
struct text call_input(struct text arguments, struct arena *a);

/* All text of a list of parts, joined by "\n"; other kinds are left out. */
struct text parts_text(const struct part *first, struct arena *a);

#endif

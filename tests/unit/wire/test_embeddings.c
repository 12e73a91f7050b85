/* Vectors for texts, between OpenAI's form and Google's. */
#include "test.h"
#include "wire/embeddings.h"

#define OPENAI EMBEDDINGS_OPENAI
#define GEMINI EMBEDDINGS_GEMINI
#define BATCH EMBEDDINGS_GEMINI_BATCH

/* A client's request as an upstream gets it, its losses behind a blank; or the complaint. */
static struct str asked(struct test *t, enum embeddings_form from, const char *body,
                        enum embeddings_form to)
{
    struct embeddings_ask ask;
    struct wire_complaint why;
    struct buf out = { .max = 1 << 20 }, lost = { .max = 1024 };
    struct str got;

    if (!embeddings_read(from, str_c(body), STR("client-m"), &t->arena, &ask, &why))
        return arena_printf(&t->arena, "%.*s: %.*s", STR_ARG(why.param), STR_ARG(why.message));
    CHECK(embeddings_write(&ask, to, STR("m"), &t->arena, &out));
    losses_put(&ask.losses, NULL, &lost, 1024);
    got = arena_printf(&t->arena, "%.*s%s%.*s", (int)out.len, out.at, lost.len > 0 ? " " : "",
                       (int)lost.len, lost.len > 0 ? lost.at : "");
    buf_clear(&out);
    buf_clear(&lost);
    return got;
}

#define CONTENT(text) "\"content\":{\"parts\":[{\"text\":\"" text "\"}]}"

static const struct {
    const char *name;
    enum embeddings_form from;
    const char *body;
    enum embeddings_form to;
    const char *want;
} requests[] = {
    { "one text", OPENAI, "{\"model\":\"a\",\"input\":\"hi\\n\"}", BATCH,
      "{\"requests\":[{\"model\":\"models/m\"," CONTENT("hi\\n") "}]}" },
    { "two texts, smaller, with a user", OPENAI,
      "{\"model\":\"a\",\"input\":[\"x\",\"y\"],\"dimensions\":256,\"user\":\"u\","
      "\"encoding_format\":\"base64\",\"new\":1}",
      BATCH,
      "{\"requests\":[{\"model\":\"models/m\"," CONTENT(
          "x") ",\"outputDimensionality\":256},{\"model\":\"models/m\"," CONTENT("y") ",\"outputDi"
                                                                                      "mensionalit"
                                                                                      "y\":256}]} "
                                                                                      "new,user" },
    { "one text, one request", OPENAI, "{\"model\":\"a\",\"input\":[\"x\"]}", GEMINI,
      "{\"model\":\"models/m\"," CONTENT("x") "}" },
    { "token ids", OPENAI, "{\"model\":\"a\",\"input\":[1,2]}", BATCH,
      "input: must be text: token ids mean nothing to this model" },
    { "lists of token ids", OPENAI, "{\"model\":\"a\",\"input\":[[1,2]]}", BATCH,
      "input: must be text: token ids mean nothing to this model" },
    { "no input", OPENAI, "{\"model\":\"a\"}", BATCH, "input: is missing" },
    { "an empty list", OPENAI, "{\"model\":\"a\",\"input\":[]}", BATCH, "input: is empty" },
    { "no model", OPENAI, "{\"input\":\"x\"}", BATCH, "model: is missing: name a model" },
    { "an encoding of its own", OPENAI,
      "{\"model\":\"a\",\"input\":\"x\",\"encoding_format\":\"int8\"}", BATCH,
      "encoding_format: must be float or base64" },
    { "no size", OPENAI, "{\"model\":\"a\",\"input\":\"x\",\"dimensions\":0}", BATCH,
      "dimensions: must be from 1 to 1000000" },
    { "no JSON", OPENAI, "{", BATCH,
      ": the request body cannot be read: the text ends in the middle of a value (byte 1)" },
    { "embedContent", GEMINI,
      "{\"model\":\"models/g\",\"content\":{\"role\":\"user\",\"parts\":[{\"text\":\"a\"},"
      "{\"text\":\"b\"}]},\"taskType\":\"RETRIEVAL_DOCUMENT\",\"title\":\"T\","
      "\"outputDimensionality\":8}",
      OPENAI,
      "{\"model\":\"m\",\"input\":[\"a\\nb\"],\"encoding_format\":\"float\",\"dimensions\":8} "
      "taskType,title" },
    { "batchEmbedContents", BATCH,
      "{\"requests\":[{" CONTENT("a") ",\"output_dimensionality\":8},{" CONTENT(
          "b") ",\"task_type\":\"X\"}]}",
      OPENAI,
      "{\"model\":\"m\",\"input\":[\"a\",\"b\"],\"encoding_format\":\"float\",\"dimensions\":8} "
      "requests[1].task_type" },
    { "two sizes", BATCH,
      "{\"requests\":[{" CONTENT("a") ",\"outputDimensionality\":8},{" CONTENT(
          "b") ",\"outputDimensionality\":9}]}",
      OPENAI,
      "requests[1].outputDimensionality: must be the same for all of a batch, for this model" },
    { "a picture", GEMINI, "{\"content\":{\"parts\":[{\"inlineData\":{}}]}}", OPENAI,
      "content.parts[0].text: is missing: this model takes text only" },
    { "no content", BATCH, "{\"requests\":[{}]}", OPENAI, "requests[0].content: is missing" },
    { "no requests", BATCH, "{\"requests\":[]}", OPENAI,
      "requests: must be an array with at least one request" },
    { "no text", GEMINI, "{\"content\":{\"parts\":[{\"text\":\"\"}]}}", OPENAI,
      "content.parts: holds no text" },
};

TEST(embeddings_are_asked_for_in_the_form_of_the_other_provider)
{
    for (size_t i = 0; i < COUNT(requests); i++)
        CHECK_STR(asked(t, requests[i].from, requests[i].body, requests[i].to), requests[i].want,
                  "%s", requests[i].name);
}

TEST(embeddings_bound_the_number_of_texts)
{
    for (unsigned count = EMBEDDINGS_INPUTS_MAX - 1; count <= EMBEDDINGS_INPUTS_MAX + 1; count++) {
        struct buf body = { .max = 1 << 20 };
        struct embeddings_ask ask;
        struct wire_complaint why;

        (void)buf_add(&body, STR("{\"model\":\"a\",\"input\":[\"x\""));
        for (unsigned i = 1; i < count; i++)
            (void)buf_add(&body, STR(",\"x\""));
        (void)buf_add(&body, STR("]}"));
        CHECK_INT(embeddings_read(OPENAI, buf_str(&body), STR(""), &t->arena, &ask, &why),
                  count <= EMBEDDINGS_INPUTS_MAX, "%u texts", count);
        buf_clear(&body);
    }
}

/* --- answers ----------------------------------------------------------------------------------*/

static struct str answered(struct test *t, enum embeddings_form client, const char *request,
                           enum embeddings_form upstream, const char *body)
{
    struct embeddings_ask ask;
    struct wire_complaint why;
    struct buf out = { .max = 1 << 20 };
    struct usage usage;
    struct str got = STR("no answer");

    if (!CHECK(embeddings_read(client, str_c(request), STR(""), &t->arena, &ask, &why)))
        return STR("");
    if (embeddings_answer(&ask, upstream, str_c(body), STR("m"), &t->arena, &out, &usage))
        got = arena_copy(&t->arena, buf_str(&out));
    buf_clear(&out);
    return got;
}

#define TWO "{\"model\":\"a\",\"input\":[\"one\",\"two\"]"
#define VECTOR(index, list) "{\"object\":\"embedding\",\"index\":" index ",\"embedding\":" list "}"
#define LIST(vectors, tokens)                 \
    "{\"object\":\"list\",\"data\":[" vectors \
    "],\"model\":\"m\",\"usage\":{\"prompt_tokens\":" tokens ",\"total_tokens\":" tokens "}}"

static const struct {
    const char *name;
    enum embeddings_form client;
    const char *request;
    enum embeddings_form upstream;
    const char *body, *want;
} answers[] = {
    { "a batch, spelling kept", OPENAI, TWO "}", BATCH,
      "{\"embeddings\":[{\"values\":[0.10,-1e-3]},{\"values\":[1,2.5]}],"
      "\"usageMetadata\":{\"promptTokenCount\":9}}",
      LIST(VECTOR("0", "[0.10,-1e-3]") "," VECTOR("1", "[1,2.5]"), "9") },
    { "as base64", OPENAI, TWO ",\"encoding_format\":\"base64\"}", BATCH,
      "{\"embeddings\":[{\"values\":[1.0,-2]},{\"values\":[0.5]}],"
      "\"usageMetadata\":{\"promptTokenCount\":9}}",
      LIST(VECTOR("0", "\"AACAPwAAAMA=\"") "," VECTOR("1", "\"AAAAPw==\""), "9") },
    { "tokens are estimated", OPENAI, "{\"model\":\"a\",\"input\":\"hello world\"}", GEMINI,
      "{\"embedding\":{\"values\":[1]}}", LIST(VECTOR("0", "[1]"), "3") },
    { "a number with many digits", OPENAI,
      "{\"model\":\"a\",\"input\":\"x\",\"encoding_format\":\"base64\"}", BATCH,
      "{\"embeddings\":[{\"values\":[50000000000000000000000000000000000000000e-41]}],"
      "\"usageMetadata\":{\"promptTokenCount\":9}}",
      LIST(VECTOR("0", "\"AAAAPw==\""), "9") },
    { "one is missing", OPENAI, TWO "}", BATCH, "{\"embeddings\":[{\"values\":[1]}]}",
      "no answer" },
    { "one too many", OPENAI, "{\"model\":\"a\",\"input\":\"x\"}", BATCH,
      "{\"embeddings\":[{\"values\":[1]},{\"values\":[1]}]}", "no answer" },
    { "no numbers", OPENAI, "{\"model\":\"a\",\"input\":\"x\"}", BATCH,
      "{\"embeddings\":[{\"values\":[\"1\"]}]}", "no answer" },
    { "an error", OPENAI, "{\"model\":\"a\",\"input\":\"x\"}", BATCH, "{\"error\":{\"code\":400}}",
      "no answer" },
    { "OpenAI for a batch, out of order", BATCH,
      "{\"requests\":[{" CONTENT("a") "},{" CONTENT("b") "}]}", OPENAI,
      "{\"data\":[{\"index\":1,\"embedding\":[2]},{\"index\":0,\"embedding\":[1.50]}],"
      "\"usage\":{\"prompt_tokens\":3}}",
      "{\"embeddings\":[{\"values\":[1.50]},{\"values\":[2]}]}" },
    { "OpenAI for one, in base64", GEMINI, "{" CONTENT("a") "}", OPENAI,
      "{\"data\":[{\"index\":0,\"embedding\":\"AACAPwAAAMA=\"}]}",
      "{\"embedding\":{\"values\":[1,-2]}}" },
    { "one index twice", BATCH, "{\"requests\":[{" CONTENT("a") "},{" CONTENT("b") "}]}", OPENAI,
      "{\"data\":[{\"index\":0,\"embedding\":[2]},{\"index\":0,\"embedding\":[1]}]}", "no answer" },
    { "no float", GEMINI, "{" CONTENT("a") "}", OPENAI,
      "{\"data\":[{\"index\":0,\"embedding\":\"AACAfw==\"}]}", "no answer" },
};

TEST(embeddings_are_answered_in_the_clients_form)
{
    for (size_t i = 0; i < COUNT(answers); i++)
        CHECK_STR(answered(t, answers[i].client, answers[i].request, answers[i].upstream,
                           answers[i].body),
                  answers[i].want, "%s", answers[i].name);
}

TEST(embeddings_survive_base64_and_back)
{
    for (size_t round = 0; round < 1000; round++) {
        uint32_t bits = (uint32_t)test_random(t);
        char list[64];
        float f;

        bits &= ~(UINT32_C(1) << 30); /* nothing infinite */
        memcpy(&f, &bits, sizeof(f));
        snprintf(list, sizeof(list), "[%.9g]", (double)f);
        struct str there =
            answered(t, OPENAI, "{\"model\":\"a\",\"input\":\"x\",\"encoding_format\":\"base64\"}",
                     BATCH, arena_printf(&t->arena, "{\"embeddings\":[{\"values\":%s}]}", list).at);
        struct str back = answered(t, GEMINI, "{" CONTENT("a") "}", OPENAI, there.at);

        if (!CHECK_STR(back, arena_printf(&t->arena, "{\"embedding\":{\"values\":%s}}", list).at,
                       "bits %x", bits))
            break;
    }
}

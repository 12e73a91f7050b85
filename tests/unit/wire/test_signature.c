#include "wire/signature.h"

#include "test.h"

TEST(signature_travels_in_an_envelope_but_to_its_own_protocol)
{
    const struct {
        const char *name;
        struct signature sig;
        enum wire protocol;
        const char *shown;
    } cases[] = {
        { "anthropic at home",
          { SIGNER_ANTHROPIC, TEXT_LIT("EqQB"), STR(""), false },
          WIRE_ANTHROPIC,
          "EqQB" },
        { "anthropic to responses",
          { SIGNER_ANTHROPIC, TEXT_LIT("EqQB"), STR(""), false },
          WIRE_OPENAI_RESPONSES,
          "gw1.ant.RXFRQg" },
        { "anthropic to gemini",
          { SIGNER_ANTHROPIC, TEXT_LIT("EqQB"), STR(""), false },
          WIRE_GEMINI,
          "Z3cxLmFudC5SWEZSUWc=" },
        { "redacted to responses",
          { SIGNER_ANTHROPIC, TEXT_LIT("EmwK"), STR(""), true },
          WIRE_OPENAI_RESPONSES,
          "gw1.anr.RW13Sw" },
        { "google to anthropic",
          { SIGNER_GOOGLE, TEXT_LIT("Q2dB"), STR(""), false },
          WIRE_ANTHROPIC,
          "gw1.goo.UTJkQg" },
        { "google at home",
          { SIGNER_GOOGLE, TEXT_LIT("Q2dB"), STR(""), false },
          WIRE_GEMINI,
          "Q2dB" },
        { "openai with its item",
          { SIGNER_OPENAI, TEXT_LIT("gAAAAA"), STR("rs_1"), false },
          WIRE_ANTHROPIC,
          "gw1.oai.Z0FBQUFB.cnNfMQ" },
        { "some other",
          { SIGNER_OTHER, TEXT_LIT("x y"), STR(""), false },
          WIRE_ANTHROPIC,
          "gw1.oth.eCB5" },
        { "none", { SIGNER_NONE, TEXT_LIT(""), STR(""), false }, WIRE_ANTHROPIC, "" },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct text shown = signature_wrap(&cases[i].sig, cases[i].protocol, &t->arena);
        struct signature back = signature_unwrap(shown, cases[i].protocol, &t->arena);

        CHECK_STR(shown.escaped, cases[i].shown, "%s", cases[i].name);
        CHECK_INT(back.signer, cases[i].sig.signer, "%s", cases[i].name);
        CHECK_STRS(back.blob.escaped, cases[i].sig.blob.escaped, "%s", cases[i].name);
        CHECK_STRS(back.item_id, cases[i].sig.item_id, "%s", cases[i].name);
        CHECK_INT(back.redacted, cases[i].sig.redacted, "%s", cases[i].name);
    }
}

TEST(signature_without_an_envelope_is_told_by_its_shape)
{
    static const struct {
        const char *name, *blob;
        enum wire protocol;
        enum signer want;
    } cases[] = {
        { "a Fernet token", "gAAAAABm_x", WIRE_ANTHROPIC, SIGNER_OPENAI },
        { "names its model", "EgpjbGF1ZGUtb3B1cw==", WIRE_GEMINI, SIGNER_ANTHROPIC },
        { "an escaped slash", "EqQB\\/w==", WIRE_ANTHROPIC, SIGNER_ANTHROPIC },
        { "a foreign id", "b1a5b8f3-0c0c-4d8e-9d7e-2f1a", WIRE_ANTHROPIC, SIGNER_OTHER },
        { "no base64", "E q", WIRE_ANTHROPIC, SIGNER_OTHER },
        { "gemini's own", "CsYBAXLI2nw", WIRE_GEMINI, SIGNER_GOOGLE },
        { "gemini's bypass", "skip_thought_signature_validator", WIRE_GEMINI, SIGNER_GOOGLE },
        { "unknown encrypted content", "CsYBAXLI2nw", WIRE_OPENAI_RESPONSES, SIGNER_OTHER },
        { "an envelope that does not open", "gw1.ant.%%%", WIRE_ANTHROPIC, SIGNER_OTHER },
        { "an envelope of nobody", "gw1.xyz.RXFRQg", WIRE_ANTHROPIC, SIGNER_OTHER },
        { "an empty envelope", "gw1.ant.", WIRE_ANTHROPIC, SIGNER_OTHER },
        { "an envelope without end", "gw1.", WIRE_ANTHROPIC, SIGNER_OTHER },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct text blob = { str_c(cases[i].blob) };

        CHECK_INT(signature_unwrap(blob, cases[i].protocol, &t->arena).signer, cases[i].want, "%s",
                  cases[i].name);
    }
}

TEST(signature_envelopes_are_seen_in_a_body)
{
    CHECK(signature_any(STR("{\"signature\":\"gw1.goo.UTJkQg\"}")));
    CHECK(signature_any(STR("{\"thoughtSignature\":\"Z3cxLmFudC5SWEZSUWc=\"}")));
    CHECK(!signature_any(STR("{\"signature\":\"EqQB\",\"text\":\"see gw1.goo\"}")));
}

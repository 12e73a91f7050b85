/* What the reader takes and what it refuses, text by text: first what RFC 8259 allows, then what it
 * does not (with the byte we point at), then what it leaves to us. Every text is read with three
 * depths kept, and once more from a piece of memory of just its size, so that a sanitizer sees a
 * read behind its end. */
#include "base/json.h"

#include <stdlib.h>

#include "test.h"

static bool verdict(struct test *t, struct str text, const struct json_limits *limits,
                    struct json_fault *fault)
{
    static const uint32_t kept[] = { 0, 1, 2 };
    bool first = false;
    char *copy = must_alloc(text.len);

    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    for (size_t i = 0; i < COUNT(kept); i++) {
        struct json_limits l = *limits;
        struct json_fault here = { 0 };
        struct arena a = { 0 };
        struct json doc;

        l.depth_kept = kept[i];
        bool taken = json_parse(&doc, (struct str){ copy, text.len }, &l, &a, &here);
        arena_free(&a);
        if (i == 0) {
            first = taken;
            *fault = here;
        }
        CHECK(taken == first && here.at == fault->at && here.what == fault->what,
              "with %u kept: %.*s", kept[i], STR_ARG(text));
    }
    free(copy);
    return first;
}

static bool taken(struct test *t, struct str text)
{
    const struct json_limits usual = { 0 };
    struct json_fault fault;

    return verdict(t, text, &usual, &fault);
}

static const struct str valid[] = {
    /* words and blanks */
    STR("null"),
    STR("true"),
    STR("false"),
    STR(" null"),
    STR("null "),
    STR("\ttrue\r\n"),
    STR("\n\n\n[\n]\n"),
    STR(" \t\r\n{ \t\r\n} \t\r\n"),
    STR("[ null , true , false ]"),
    STR("[null,\n\ttrue,\r\n false]"),
    STR("{ \"a\" : 1 , \"b\" : 2 }"),
    STR("{\"a\"\n:\n1\n}"),
    /* numbers */
    STR("0"),
    STR("-0"),
    STR("1"),
    STR("-1"),
    STR("10"),
    STR("1234567890"),
    STR("0.0"),
    STR("-0.0"),
    STR("0.5"),
    STR("-0.5"),
    STR("1.0"),
    STR("3.14159"),
    STR("0e0"),
    STR("0E0"),
    STR("0e+0"),
    STR("0e-0"),
    STR("-0e-0"),
    STR("1e1"),
    STR("1E1"),
    STR("1e+1"),
    STR("1e-1"),
    STR("1E+01"),
    STR("1e00"),
    STR("1e-00"),
    STR("0.1e1"),
    STR("123.456e78"),
    STR("123.456E-78"),
    STR("123e65"),
    STR("20e1"),
    STR("[0]"),
    STR("[-0]"),
    STR("[1,-1,0.5]"),
    STR("[ 4]"),
    STR("[4 ]"),
    STR("[1 ,2]"),
    STR("9007199254740993"),
    STR("9223372036854775807"),
    STR("-9223372036854775808"),
    STR("18446744073709551616"),
    STR("-237462374673276894279832749832423479823246327846"),
    STR("-0.000000000000000000000000000000000000000000000000000000000000000000000000000001"),
    STR("0.00000000000000000000000000000000000000000000000000000000000000000000000000000e1"),
    /* strings */
    STR("\"\""),
    STR("\"a\""),
    STR("\"asd\" "),
    STR(" \"asd\""),
    STR("\"abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789\""),
    STR("\"!#$%&'()*+,-./:;<=>?@[]^_`{|}~\""),
    STR("\"/* no comment */\""),
    STR("\"# // neither\""),
    STR("\"[,]\""),
    STR("\"{:}\""),
    STR("\"\\\"\""),
    STR("\"\\\\\""),
    STR("\"\\/\""),
    STR("\"/\""),
    STR("\"\\b\\f\\n\\r\\t\""),
    STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    STR("\"\\\\\\\\\""),
    STR("\"\\\\n\""),
    STR("\"\\\\u0041\""),
    STR("\"a\\\\\""),
    STR("\"\\u0041\""),
    STR("\"\\u00e9\""),
    STR("\"\\u00E9\""),
    STR("\"\\uABCD\""),
    STR("\"\\uabcd\""),
    STR("\"\\uAbCd\""),
    STR("\"\\u0000\""),
    STR("\"\\u001f\""),
    STR("\"\\u0022\""),
    STR("\"\\u005C\""),
    STR("\"\\u007F\""),
    STR("\"\\u0123\\u4567\""),
    STR("\"\\u2028\\u2029\""),
    STR("\"\\uFEFF\""),
    STR("\"\\uFFFE\""),
    STR("\"\\uffff\""),
    STR("\"\\uD7FF\""),
    STR("\"\\uE000\""),
    STR("\"\\uD801\\udc37\""),
    STR("\"\\ud83d\\ude39\\ud83d\\udc8d\""),
    STR("\"\\uDBFF\\uDFFF\""),
    STR("\"\\uD800\\uDC00\""),
    STR("\"new\\u000Aline\""),
    STR("\"\x7f\""),
    STR("\"a\x7f"
        "a\""),
    STR("\"\xc2\x80\""),
    STR("\"\xc3\xa9\""),
    STR("\"\xdf\xbf\""),
    STR("\"\xe0\xa0\x80\""),
    STR("\"\xe2\x82\xac\""),
    STR("\"\xe2\x80\xa8\xe2\x80\xa9\""),
    STR("\"\xed\x9f\xbf\""),
    STR("\"\xee\x80\x80\""),
    STR("\"\xef\xbb\xbf\""),
    STR("\"\xef\xbf\xbe\""),
    STR("\"\xef\xbf\xbf\""),
    STR("\"\xf0\x90\x80\x80\""),
    STR("\"\xf0\x9f\x98\x80\""),
    STR("\"\xf3\xa0\x80\x80\""),
    STR("\"\xf4\x8f\xbf\xbf\""),
    STR("\"\xe4\xb8\x96\xe7\x95\x8c, \xd0\xbc\xd0\xb8\xd1\x80, \xcf\x80!\""),
    STR("[\"\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 \xd0\xbc\xd0\xb8\xd1\x80\", "
        "\"\xe4\xb8\x96\xe7\x95\x8c\"]"),
    /* arrays */
    STR("[]"),
    STR("[ ]"),
    STR("[[]]"),
    STR("[[] ]"),
    STR("[[],[]]"),
    STR("[{}]"),
    STR("[{},[],{}]"),
    STR("[\"\"]"),
    STR("[\"a\",\"b\"]"),
    STR("[1,\"a\",null,true,false,{},[]]"),
    STR("[1,null,null,null,2]"),
    STR("[[[[[[1]]]]]]"),
    STR("[[1,2],[3,[4,[5]]]]"),
    STR("[1,\n1\n,1]"),
    STR("[false]\n"),
    /* objects */
    STR("{}"),
    STR("{ }"),
    STR("{\"\":0}"),
    STR("{\"a\":[]}"),
    STR("{\"a\":{}}"),
    STR("{\"a\":{\"b\":{\"c\":null}}}"),
    STR("{\"a\":\"b\",\"c\":\"d\"}"),
    STR("{\"a\":null,\"b\":true,\"c\":[1,2],\"d\":{\"e\":-1.5e3}}"),
    STR("{\"foo\\u0000bar\": 42}"),
    STR("{\"mod\\u0065l\":\"x\"}"),
    STR("{\"\xd0\xbf\xd0\xbe\xd0\xbb\xd0\xb5\":\"\xd0\xbf\"}"),
    STR("{\"min\": -1.0e+28, \"max\": 1.0e+28}"),
    STR("{\n\"a\": \"b\"\n}"),
    STR("{\"x\":[{\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}], \"id\": \"xxxxxxxx\"}"),
    STR("{\"title\":\"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430\"}"),
    STR("{\"a\":1 ,\"b\" :2, \"c\": 3}"),
};

TEST(json_takes_all_that_rfc_8259_allows)
{
    for (size_t i = 0; i < COUNT(valid); i++)
        CHECK(taken(t, valid[i]), "text %zu: %.*s", i, STR_ARG(valid[i]));
}

static const struct {
    struct str text;
    size_t at; /* the byte we point at */
    const char *what;
} invalid[] = {
    /* nothing, or not a value */
    { STR(""), 0, "no value at all" },
    { STR(" "), 1, "no value at all" },
    { STR("\n\t\r "), 4, "no value at all" },
    { STR("nul"), 3, "the text ends in the middle of a value" },
    { STR("n"), 1, "the text ends in the middle of a value" },
    { STR("tru"), 3, "the text ends in the middle of a value" },
    { STR("fals"), 4, "the text ends in the middle of a value" },
    { STR("[nul]"), 1, "not a JSON value" },
    { STR("[tru]"), 1, "not a JSON value" },
    { STR("[fals]"), 1, "not a JSON value" },
    { STR("[fa"), 3, "the text ends in the middle of a value" },
    { STR("True"), 0, "not a JSON value" },
    { STR("TRUE"), 0, "not a JSON value" },
    { STR("[True]"), 1, "not a JSON value" },
    { STR("FALSE"), 0, "not a JSON value" },
    { STR("Null"), 0, "not a JSON value" },
    { STR("None"), 0, "not a JSON value" },
    { STR("undefined"), 0, "not a JSON value" },
    { STR("nulll"), 4, "bytes behind the end of the value" },
    { STR("truefalse"), 4, "bytes behind the end of the value" },
    { STR("[truefalse]"), 5, "a comma or a closing bracket is missing" },
    { STR("abc"), 0, "not a JSON value" },
    { STR("*"), 0, "not a JSON value" },
    { STR("<null>"), 0, "not a JSON value" },
    { STR("[<null>]"), 1, "not a JSON value" },
    { STR("\\u000A\"\""), 0, "not a JSON value" },
    { STR("[\\u000A\"\"]"), 1, "not a JSON value" },
    { STR("[\\n]"), 1, "not a JSON value" },
    { STR("\xc3\xa9"), 0, "not a JSON value" },
    { STR("[\xc3\xa9]"), 1, "not a JSON value" },
    { STR("\xff"), 0, "not a JSON value" },
    { STR("[\xff]"), 1, "not a JSON value" },
    { STR("\xe5"), 0, "not a JSON value" },
    { STR("`a`"), 0, "not a JSON value" },
    { STR("(1)"), 0, "not a JSON value" },
    { STR("\0"), 0, "not a JSON value" },
    { STR("1\0"), 1, "bytes behind the end of the value" },
    { STR("[1\0]"), 2, "a comma or a closing bracket is missing" },
    { STR("[\0]"), 1, "not a JSON value" },
    { STR("null\0"), 4, "bytes behind the end of the value" },
    /* blanks that are none */
    { STR("\f[]"), 0, "not a JSON value" },
    { STR("[\f]"), 1, "not a JSON value" },
    { STR("[]\f"), 2, "bytes behind the end of the value" },
    { STR("[\v1]"), 1, "not a JSON value" },
    { STR("[1\x1f]"), 2, "a comma or a closing bracket is missing" },
    { STR("\xc2\xa0[]"), 0, "not a JSON value" },
    { STR("[\xe2\x81\xa0]"), 1, "not a JSON value" },
    { STR("[]\xe2\x81\xa0"), 2, "bytes behind the end of the value" },
    { STR("\xc2\x85"
          "1"),
      0, "not a JSON value" },
    /* byte order marks and other encodings */
    { STR("\xef\xbb\xbf{}"), 0, "a byte order mark" },
    { STR(" \xef\xbb\xbf{}"), 1, "a byte order mark" },
    { STR("\xef\xbb\xbf"), 0, "a byte order mark" },
    { STR("\xef\xbb{}"), 0, "not a JSON value" },
    { STR("[\xef\xbb\xbf]"), 1, "not a JSON value" },
    { STR("{}\xef\xbb\xbf"), 2, "bytes behind the end of the value" },
    { STR("\xfe\xff\0[\0]"), 0, "not a JSON value" },
    { STR("\xff\xfe[\0]\0"), 0, "not a JSON value" },
    { STR("[\0]\0"), 1, "not a JSON value" },
    { STR("\0[\0]"), 0, "not a JSON value" },
    /* numbers */
    { STR("-"), 1, "the text ends in the middle of a value" },
    { STR("[-]"), 2, "a digit is missing in a number" },
    { STR("[-a]"), 2, "a digit is missing in a number" },
    { STR("--1"), 1, "a digit is missing in a number" },
    { STR("[--1.]"), 2, "a digit is missing in a number" },
    { STR("- 1"), 1, "a digit is missing in a number" },
    { STR("+1"), 0, "a number with a plus sign" },
    { STR("[+1]"), 1, "a number with a plus sign" },
    { STR("++1"), 0, "a number with a plus sign" },
    { STR("+-1"), 0, "a number with a plus sign" },
    { STR("-+1"), 1, "a digit is missing in a number" },
    { STR("01"), 0, "a number with a leading zero" },
    { STR("00"), 0, "a number with a leading zero" },
    { STR("-01"), 1, "a number with a leading zero" },
    { STR("-00"), 1, "a number with a leading zero" },
    { STR("[012]"), 1, "a number with a leading zero" },
    { STR("[-012]"), 2, "a number with a leading zero" },
    { STR("00.5"), 0, "a number with a leading zero" },
    { STR("[01.5e1]"), 1, "a number with a leading zero" },
    { STR("1."), 2, "the text ends in the middle of a value" },
    { STR("0."), 2, "the text ends in the middle of a value" },
    { STR("[1.]"), 3, "a digit is missing in a number" },
    { STR("[-2.]"), 4, "a digit is missing in a number" },
    { STR("[2.e3]"), 3, "a digit is missing in a number" },
    { STR("[2.e+3]"), 3, "a digit is missing in a number" },
    { STR("[0.e1]"), 3, "a digit is missing in a number" },
    { STR(".5"), 0, "a number without a digit before its point" },
    { STR("[.123]"), 1, "a number without a digit before its point" },
    { STR("[-.123]"), 2, "a digit is missing in a number" },
    { STR("[.2e-3]"), 1, "a number without a digit before its point" },
    { STR("."), 0, "a number without a digit before its point" },
    { STR("[0.1.2]"), 4, "a comma or a closing bracket is missing" },
    { STR("1.2.3"), 3, "bytes behind the end of the value" },
    { STR("[1..2]"), 3, "a digit is missing in a number" },
    { STR("1e"), 2, "the text ends in the middle of a value" },
    { STR("1E+"), 3, "the text ends in the middle of a value" },
    { STR("[0e]"), 3, "a digit is missing in a number" },
    { STR("[0e+]"), 4, "a digit is missing in a number" },
    { STR("[0E]"), 3, "a digit is missing in a number" },
    { STR("[1.0e]"), 5, "a digit is missing in a number" },
    { STR("[1.0e-]"), 6, "a digit is missing in a number" },
    { STR("[1.0e+]"), 6, "a digit is missing in a number" },
    { STR("[1eE2]"), 3, "a digit is missing in a number" },
    { STR("[1e+-2]"), 4, "a digit is missing in a number" },
    { STR("[1ea]"), 3, "a digit is missing in a number" },
    { STR("[1e1.5]"), 4, "a comma or a closing bracket is missing" },
    { STR("[1e1e1]"), 4, "a comma or a closing bracket is missing" },
    { STR("[e1]"), 1, "not a JSON value" },
    { STR("0x1"), 1, "bytes behind the end of the value" },
    { STR("[0x42]"), 2, "a comma or a closing bracket is missing" },
    { STR("[0b1]"), 2, "a comma or a closing bracket is missing" },
    { STR("[0o7]"), 2, "a comma or a closing bracket is missing" },
    { STR("[1_000]"), 2, "a comma or a closing bracket is missing" },
    { STR("[1 000.0]"), 3, "a comma or a closing bracket is missing" },
    { STR("[1,000]"), 3, "a number with a leading zero" },
    { STR("[1+2]"), 2, "a comma or a closing bracket is missing" },
    { STR("[1-1]"), 2, "a comma or a closing bracket is missing" },
    { STR("[1f]"), 2, "a comma or a closing bracket is missing" },
    { STR("[1L]"), 2, "a comma or a closing bracket is missing" },
    { STR("[1.8011670033376514H-308]"), 19, "a comma or a closing bracket is missing" },
    { STR("[1a]"), 2, "a comma or a closing bracket is missing" },
    { STR("[1\xe5]"), 2, "a comma or a closing bracket is missing" },
    { STR("[\xef\xbc\x91]"), 1, "not a JSON value" },
    { STR("[1\xd9\xa1]"), 2, "a comma or a closing bracket is missing" },
    { STR("NaN"), 0, "NaN and Infinity are no JSON" },
    { STR("[NaN]"), 1, "NaN and Infinity are no JSON" },
    { STR("[nan]"), 1, "not a JSON value" },
    { STR("[-NaN]"), 2, "a digit is missing in a number" },
    { STR("[Infinity]"), 1, "NaN and Infinity are no JSON" },
    { STR("[-Infinity]"), 2, "a digit is missing in a number" },
    { STR("[+Inf]"), 1, "a number with a plus sign" },
    { STR("-Inf"), 1, "a digit is missing in a number" },
    { STR("1 2"), 2, "bytes behind the end of the value" },
    /* strings */
    { STR("\""), 1, "a string without closing quote" },
    { STR("\"a"), 2, "a string without closing quote" },
    { STR("[\"a"), 3, "a string without closing quote" },
    { STR("[\"a]"), 4, "a string without closing quote" },
    { STR("\"\\\""), 3, "a string without closing quote" },
    { STR("\"\\"), 2, "a string without closing quote" },
    { STR("[\"\\\\\\\"]"), 7, "a string without closing quote" },
    { STR("\"abcdefghijklmnopqrstuvwxyz"), 27, "a string without closing quote" },
    { STR("'a'"), 0, "a single quote where a double one belongs" },
    { STR("['a']"), 1, "a single quote where a double one belongs" },
    { STR("[a]"), 1, "not a JSON value" },
    { STR("\"a\"b"), 3, "bytes behind the end of the value" },
    { STR("\"a\"\"b\""), 3, "bytes behind the end of the value" },
    { STR("\"\\a\""), 1, "an unknown escape" },
    { STR("\"\\v\""), 1, "an unknown escape" },
    { STR("\"\\0\""), 1, "an unknown escape" },
    { STR("\"\\x00\""), 1, "an unknown escape" },
    { STR("\"\\'\""), 1, "an unknown escape" },
    { STR("\"\\ \""), 1, "an unknown escape" },
    { STR("\"\\N\""), 1, "an unknown escape" },
    { STR("\"\\B\""), 1, "an unknown escape" },
    { STR("\"\\U0041\""), 1, "an unknown escape" },
    { STR("\"\\\n\""), 1, "an unknown escape" },
    { STR("\"\\\0\""), 1, "an unknown escape" },
    { STR("\"\\\xc3\xa9\""), 1, "an unknown escape" },
    { STR("\"\\\xf0\x9f\x8c\x80\""), 1, "an unknown escape" },
    { STR("\"\\\xe5\""), 1, "an unknown escape" },
    { STR("\"\\u\""), 1, "\\u without four hex digits" },
    { STR("\"\\u0\""), 1, "\\u without four hex digits" },
    { STR("\"\\u00\""), 1, "\\u without four hex digits" },
    { STR("\"\\u00A\""), 1, "\\u without four hex digits" },
    { STR("\"\\u004"), 1, "\\u without four hex digits" },
    { STR("\"\\u00G0\""), 1, "\\u without four hex digits" },
    { STR("\"\\u 041\""), 1, "\\u without four hex digits" },
    { STR("\"\\u+041\""), 1, "\\u without four hex digits" },
    { STR("\"\\u-041\""), 1, "\\u without four hex digits" },
    { STR("\"\\u0x41\""), 1, "\\u without four hex digits" },
    { STR("\"\\u00`1\""), 1, "\\u without four hex digits" },
    { STR("\"\\u00@1\""), 1, "\\u without four hex digits" },
    { STR("\"\\u00:1\""), 1, "\\u without four hex digits" },
    { STR("\"\\u00/1\""), 1, "\\u without four hex digits" },
    { STR("\"\\u00\xc3\xa9\""), 1, "\\u without four hex digits" },
    { STR("\"\\u{41}\""), 1, "\\u without four hex digits" },
    { STR("\"\\ud83d\\u\""), 7, "\\u without four hex digits" },
    { STR("\"\\ud83d\\ude0\""), 7, "\\u without four hex digits" },
    { STR("\"\\ud83d\\udeg0\""), 7, "\\u without four hex digits" },
    { STR("\"\\ud83d\\\""), 9, "a string without closing quote" },
    { STR("\"\\ud83d\\x\""), 7, "an unknown escape" },
    { STR("\"\\uD800\\"), 8, "a string without closing quote" },
    { STR("\"\\uD800\\u"), 7, "\\u without four hex digits" },
    { STR("\"\\uD800\\u1"), 7, "\\u without four hex digits" },
    /* control bytes */
    { STR("\"\0\""), 1, "a control byte in a string" },
    { STR("\"a\0b\""), 2, "a control byte in a string" },
    { STR("\"\x01\""), 1, "a control byte in a string" },
    { STR("\"\b\""), 1, "a control byte in a string" },
    { STR("\"\t\""), 1, "a control byte in a string" },
    { STR("\"\n\""), 1, "a control byte in a string" },
    { STR("\"\f\""), 1, "a control byte in a string" },
    { STR("\"\r\""), 1, "a control byte in a string" },
    { STR("\"\x1b\""), 1, "a control byte in a string" },
    { STR("\"\x1f\""), 1, "a control byte in a string" },
    { STR("[\"new\nline\"]"), 5, "a control byte in a string" },
    { STR("{\"a\nb\":1}"), 3, "a control byte in a string" },
    { STR("\"abcdefghijklmnopqrstuvwxyz\t\""), 27, "a control byte in a string" },
    /* UTF-8: stray and missing continuations */
    { STR("\"\x80\""), 1, "invalid UTF-8" },
    { STR("\"\xbf\""), 1, "invalid UTF-8" },
    { STR("\"a\x81\""), 2, "invalid UTF-8" },
    { STR("\"\xc3\xa9\xa9\""), 3, "invalid UTF-8" },
    { STR("\"\xe2\x82\xac\xac\""), 4, "invalid UTF-8" },
    { STR("\"\xf0\x9f\x98\x80\x80\""), 5, "invalid UTF-8" },
    { STR("\"\xc2\""), 1, "invalid UTF-8" },
    { STR("\"\xdf\""), 1, "invalid UTF-8" },
    { STR("\"\xe0\""), 1, "invalid UTF-8" },
    { STR("\"\xe0\xa0\""), 1, "invalid UTF-8" },
    { STR("\"\xef\xbf\""), 1, "invalid UTF-8" },
    { STR("\"\xf0\""), 1, "invalid UTF-8" },
    { STR("\"\xf0\x90\""), 1, "invalid UTF-8" },
    { STR("\"\xf0\x90\x80\""), 1, "invalid UTF-8" },
    { STR("\"\xf4\x8f\xbf\""), 1, "invalid UTF-8" },
    { STR("\"\xc3"), 1, "invalid UTF-8" },
    { STR("\"\xe2\x82"), 1, "invalid UTF-8" },
    { STR("\"\xf0\x9f\x98"), 1, "invalid UTF-8" },
    { STR("\"\xc3(\""), 1, "invalid UTF-8" },
    { STR("\"\xe2(\xa1\""), 1, "invalid UTF-8" },
    { STR("\"\xe2\x82(\""), 1, "invalid UTF-8" },
    { STR("\"\xf0(\x8c\xbc\""), 1, "invalid UTF-8" },
    { STR("\"\xf0\x90(\xbc\""), 1, "invalid UTF-8" },
    { STR("\"\xf0\x90\x8c(\""), 1, "invalid UTF-8" },
    { STR("\"\xc3\xc3\xa9\""), 1, "invalid UTF-8" },
    { STR("\"\xc3\\n\""), 1, "invalid UTF-8" },
    { STR("\"\xe9\""), 1, "invalid UTF-8" },
    { STR("\"r\xe9sum\xe9\""), 2, "invalid UTF-8" },
    /* overlong: 2, 3 and 4 bytes */
    { STR("\"\xc0\x80\""), 1, "invalid UTF-8" },
    { STR("\"\xc0\xaf\""), 1, "invalid UTF-8" },
    { STR("\"\xc1\x81\""), 1, "invalid UTF-8" },
    { STR("\"\xc1\xbf\""), 1, "invalid UTF-8" },
    { STR("\"\xe0\x80\x80\""), 1, "invalid UTF-8" },
    { STR("\"\xe0\x80\xaf\""), 1, "invalid UTF-8" },
    { STR("\"\xe0\x9f\xbf\""), 1, "invalid UTF-8" },
    { STR("\"\xf0\x80\x80\x80\""), 1, "invalid UTF-8" },
    { STR("\"\xf0\x80\x80\xaf\""), 1, "invalid UTF-8" },
    { STR("\"\xf0\x8f\xbf\xbf\""), 1, "invalid UTF-8" },
    /* surrogates as bytes */
    { STR("\"\xed\xa0\x80\""), 1, "invalid UTF-8" },
    { STR("\"\xed\xaf\xbf\""), 1, "invalid UTF-8" },
    { STR("\"\xed\xb0\x80\""), 1, "invalid UTF-8" },
    { STR("\"\xed\xbf\xbf\""), 1, "invalid UTF-8" },
    { STR("\"\xed\xa0\xbd\xed\xb8\x80\""), 1, "invalid UTF-8" },
    /* beyond U+10FFFF, and lead bytes that never are */
    { STR("\"\xf4\x90\x80\x80\""), 1, "invalid UTF-8" },
    { STR("\"\xf4\xbf\xbf\xbf\""), 1, "invalid UTF-8" },
    { STR("\"\xf5\x80\x80\x80\""), 1, "invalid UTF-8" },
    { STR("\"\xf7\xbf\xbf\xbf\""), 1, "invalid UTF-8" },
    { STR("\"\xf8\x88\x80\x80\x80\""), 1, "invalid UTF-8" },
    { STR("\"\xfc\x84\x80\x80\x80\x80\""), 1, "invalid UTF-8" },
    { STR("\"\xfe\""), 1, "invalid UTF-8" },
    { STR("\"\xff\""), 1, "invalid UTF-8" },
    { STR("{\"\xb9\":\"0\"}"), 2, "invalid UTF-8" },
    { STR("{\"a\":\"\xff\"}"), 6, "invalid UTF-8" },
    /* arrays */
    { STR("["), 1, "the text ends in the middle of a value" },
    { STR("]"), 0, "a value is missing" },
    { STR("[1"), 2, "the text ends in the middle of a value" },
    { STR("[1,"), 3, "the text ends in the middle of a value" },
    { STR("[1,\n1\n,1"), 8, "the text ends in the middle of a value" },
    { STR("[1,]"), 2, "trailing comma" },
    { STR("[1, \n]"), 2, "trailing comma" },
    { STR("[\"\",]"), 3, "trailing comma" },
    { STR("[,]"), 1, "a value is missing" },
    { STR("[,1]"), 1, "a value is missing" },
    { STR("[1,,2]"), 3, "a value is missing" },
    { STR("[1,,]"), 3, "a value is missing" },
    { STR("[\"x\",,]"), 5, "a value is missing" },
    { STR("[1 2]"), 3, "a comma or a closing bracket is missing" },
    { STR("[\"a\" \"b\"]"), 5, "a comma or a closing bracket is missing" },
    { STR("[1 true]"), 3, "a comma or a closing bracket is missing" },
    { STR("[3[4]]"), 2, "a comma or a closing bracket is missing" },
    { STR("[1:2]"), 2, "a comma or a closing bracket is missing" },
    { STR("[\"\": 1]"), 3, "a comma or a closing bracket is missing" },
    { STR("[:]"), 1, "a value is missing" },
    { STR("[1;2]"), 2, "a comma or a closing bracket is missing" },
    { STR("[1}"), 2, "the wrong closing bracket" },
    { STR("[}"), 1, "a value is missing" },
    { STR("[1]]"), 3, "bytes behind the end of the value" },
    { STR("[]]"), 2, "bytes behind the end of the value" },
    { STR("[][]"), 2, "bytes behind the end of the value" },
    { STR("[1]x"), 3, "bytes behind the end of the value" },
    { STR("[]a"), 2, "bytes behind the end of the value" },
    { STR("[1],"), 3, "bytes behind the end of the value" },
    { STR("[[[1],2]"), 8, "the text ends in the middle of a value" },
    { STR("[[[1],2}]"), 7, "the wrong closing bracket" },
    { STR("[ , \"\"]"), 2, "a value is missing" },
    { STR("[\"a\",\n4\n,1,"), 11, "the text ends in the middle of a value" },
    { STR("[...]"), 1, "a number without a digit before its point" },
    { STR("[*]"), 1, "not a JSON value" },
    /* objects */
    { STR("{"), 1, "the text ends in the middle of a value" },
    { STR("}"), 0, "a value is missing" },
    { STR("{\"a"), 3, "a string without closing quote" },
    { STR("{\"a\""), 4, "the text ends in the middle of a value" },
    { STR("{\"a\":"), 5, "the text ends in the middle of a value" },
    { STR("{\"a\":1"), 6, "the text ends in the middle of a value" },
    { STR("{\"a\":1,"), 7, "the text ends in the middle of a value" },
    { STR("{\"a\"}"), 4, "a colon is missing" },
    { STR("{\"a\":}"), 5, "a value is missing" },
    { STR("{\"a\",\"b\"}"), 4, "a colon is missing" },
    { STR("{\"a\" 1}"), 5, "a colon is missing" },
    { STR("{\"a\" \"b\"}"), 5, "a colon is missing" },
    { STR("{\"a\"=1}"), 4, "a colon is missing" },
    { STR("{\"a\"::1}"), 5, "a value is missing" },
    { STR("{\"a\":1,}"), 6, "trailing comma" },
    { STR("{\"id\":0,,}"), 8, "a member's name in double quotes is missing" },
    { STR("{,}"), 1, "a member's name in double quotes is missing" },
    { STR("{,\"a\":1}"), 1, "a member's name in double quotes is missing" },
    { STR("{:1}"), 1, "a member's name in double quotes is missing" },
    { STR("{\"a\":1 \"b\":2}"), 7, "a comma or a closing bracket is missing" },
    { STR("{\"a\":1:2}"), 6, "a comma or a closing bracket is missing" },
    { STR("{\"a\":1]"), 6, "the wrong closing bracket" },
    { STR("{]"), 1, "a member's name in double quotes is missing" },
    { STR("{[: \"x\"}"), 1, "a member's name in double quotes is missing" },
    { STR("{a:1}"), 1, "a member's name in double quotes is missing" },
    { STR("{'a':1}"), 1, "a member's name in double quotes is missing" },
    { STR("{1:1}"), 1, "a member's name in double quotes is missing" },
    { STR("{null:null}"), 1, "a member's name in double quotes is missing" },
    { STR("{[]:1}"), 1, "a member's name in double quotes is missing" },
    { STR("{\"a\":1,b:2}"), 7, "a member's name in double quotes is missing" },
    { STR("{\"a\":1,2}"), 7, "a member's name in double quotes is missing" },
    { STR("{\"a\":'b'}"), 5, "a single quote where a double one belongs" },
    { STR("{\"a\":b}"), 5, "not a JSON value" },
    { STR("{\"a\":1}}"), 7, "bytes behind the end of the value" },
    { STR("{}}"), 2, "bytes behind the end of the value" },
    { STR("{\"a\":1}{\"b\":2}"), 7, "bytes behind the end of the value" },
    { STR("{\"a\":1}\n{\"b\":2}"), 8, "bytes behind the end of the value" },
    { STR("{\"a\":\"a\" 123}"), 9, "a comma or a closing bracket is missing" },
    { STR("{\"a\":1}#"), 7, "bytes behind the end of the value" },
    { STR("{key: 'value'}"), 1, "a member's name in double quotes is missing" },
    { STR("{\xf0\x9f\x87\xa8\xf0\x9f\x87\xad}"), 1, "a member's name in double quotes is missing" },
    { STR("{*}"), 1, "a member's name in double quotes is missing" },
    { STR("{\"a\":/*c*/1}"), 5, "comments are no JSON" },
    /* comments and other dialects */
    { STR("// a\n1"), 0, "comments are no JSON" },
    { STR("/* a */ 1"), 0, "comments are no JSON" },
    { STR("# a\n1"), 0, "comments are no JSON" },
    { STR("1 // a"), 2, "bytes behind the end of the value" },
    { STR("[1, // a\n2]"), 4, "comments are no JSON" },
    { STR("[1 /* a */]"), 3, "a comma or a closing bracket is missing" },
    { STR("{\"a\":1}/**/"), 7, "bytes behind the end of the value" },
    { STR("{/*c*/\"a\":1}"), 1, "a member's name in double quotes is missing" },
    { STR("<.>"), 0, "not a JSON value" },
    { STR("data: {}"), 0, "not a JSON value" },
    { STR("[DONE]"), 1, "not a JSON value" },
    { STR("\x1e{}"), 0, "not a JSON value" },
    { STR("{}\n\x1e{}"), 3, "bytes behind the end of the value" },
};

TEST(json_refuses_what_rfc_8259_does_not_allow_and_points_at_it)
{
    const struct json_limits usual = { 0 };

    for (size_t i = 0; i < COUNT(invalid); i++) {
        struct json_fault fault = { 0 };

        if (!CHECK(!verdict(t, invalid[i].text, &usual, &fault), "text %zu: %.*s", i,
                   STR_ARG(invalid[i].text)))
            continue;
        CHECK_INT(fault.at, invalid[i].at, "text %zu: %.*s", i, STR_ARG(invalid[i].text));
        CHECK_STR(str_c(fault.what), invalid[i].what, "text %zu: %.*s", i,
                  STR_ARG(invalid[i].text));
        CHECK(!fault.limit, "text %zu: %.*s", i, STR_ARG(invalid[i].text));
    }
}

/* RFC 8259 lets a reader decide these. `surrogates`: how many are lone. */
static const struct {
    const char *decision;
    struct str text;
    uint32_t surrogates;
} ours[] = {
    { "a name may stand twice", STR("{\"a\":1,\"a\":2}"), 0 },
    { "a name may stand twice with the same value", STR("{\"a\":1,\"a\":1}"), 0 },
    { "a name may stand twice, once escaped", STR("{\"a\":1,\"\\u0061\":1}"), 0 },
    { "a name may be empty, twice", STR("{\"\":1,\"\":1}"), 0 },
    { "exponents have no range", STR("1e400"), 0 },
    { "exponents have no range", STR("[-1e9999]"), 0 },
    { "exponents have no range", STR("123.456e-789"), 0 },
    { "exponents have no range", STR("[0.4e006699999999999999999999999999999999999969]"), 0 },
    { "exponents have no range", STR("1.5e+9999999999999999999999999999999999999999999"), 0 },
    { "integers have no range", STR("100000000000000000000000000000000000000000000000000"), 0 },
    { "integers have no range", STR("-123123123123123123123123123123123123123123123123"), 0 },
    { "fractions have no precision", STR("0.1234567890123456789012345678901234567890"), 0 },
    { "noncharacters are characters", STR("\"\\uFDD0\\uFFFE\\uFFFF\\uDBFF\\uDFFE\""), 0 },
    { "NUL may be escaped", STR("\"a\\u0000b\""), 0 },
    { "DEL may stand in a string", STR("\"\x7f\""), 0 },
    { "a mark inside a string is a character", STR("\"\xef\xbb\xbf\""), 0 },
    { "any value may be the root", STR("\"only a string\""), 0 },
    { "lone high", STR("\"\\ud83d\""), 1 },
    { "lone high, upper case", STR("\"\\uD83D\""), 1 },
    { "lone low", STR("\"\\ude00\""), 1 },
    { "lowest high", STR("\"\\ud800\""), 1 },
    { "highest high", STR("\"\\udbff\""), 1 },
    { "lowest low", STR("\"\\udc00\""), 1 },
    { "highest low", STR("\"\\udfff\""), 1 },
    { "high before text", STR("\"\\ud83dabc\""), 1 },
    { "high before another escape", STR("\"\\ud83d\\n\""), 1 },
    { "high before a backslash", STR("\"\\ud83d\\\\\""), 1 },
    { "high before an ordinary unit", STR("\"\\ud83d\\u0041\""), 1 },
    { "high before U+E000", STR("\"\\ud83d\\ue000\""), 1 },
    { "two highs", STR("\"\\ud83d\\ud83d\""), 2 },
    { "a high before a pair", STR("\"\\ud83d\\ud83d\\ude00\""), 1 },
    { "a low behind a pair", STR("\"\\ud83d\\ude00\\ude00\""), 1 },
    { "the wrong way round", STR("\"\\ude00\\ud83d\""), 2 },
    { "two lows", STR("\"\\udc00\\udc00\""), 2 },
    { "halves with text between", STR("\"\\ud83d \\ude00\""), 2 },
    { "high and literal character", STR("\"\\ud83d\xf0\x9f\x98\x80\""), 1 },
    { "a high ends one string, a low begins the next", STR("[\"\\ud83d\",\"\\ude00\"]"), 2 },
    { "in a name", STR("{\"\\udead\":\"\\ud834\\udd1e\"}"), 1 },
    { "deep", STR("{\"a\":[[[\"\\udead\"]]]}"), 1 },
    { "escaped backslash, no surrogate", STR("\"\\\\ud83d\""), 0 },
};

TEST(json_decides_what_rfc_8259_leaves_open)
{
    for (size_t i = 0; i < COUNT(ours); i++) {
        struct json doc;

        CHECK(taken(t, ours[i].text), "%s: %.*s", ours[i].decision, STR_ARG(ours[i].text));
        if (CHECK(json_parse(&doc, ours[i].text, NULL, &t->arena, NULL), "%s", ours[i].decision))
            CHECK_INT(doc.surrogates, ours[i].surrogates, "%s: %.*s", ours[i].decision,
                      STR_ARG(ours[i].text));
    }
}

TEST(json_refuses_each_control_byte_and_takes_each_other_ascii_byte_in_a_string)
{
    for (int c = 0; c < 0x80; c++) {
        char text[] = { '"', (char)c, '"' };

        CHECK(taken(t, (struct str){ text, 3 }) == (c >= 0x20 && c != '"' && c != '\\'), "byte %d",
              c);
    }
}

TEST(json_knows_eight_letters_behind_a_backslash)
{
    for (int c = 0; c < 0x100; c++) {
        char text[] = { '"', '\\', (char)c, '"' };

        CHECK(taken(t, (struct str){ text, 4 }) == (c != 0 && strchr("\"\\/bfnrt", c) != NULL),
              "byte %d", c);
    }
}

/* `open` and `close` as often as `depth` says, `middle` between. */
static struct str nested(struct arena *a, size_t depth, const char *open, const char *middle,
                         const char *close)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < depth; i++)
        (void)buf_add(&b, str_c(open));
    (void)buf_add(&b, str_c(middle));
    for (size_t i = 0; i < depth; i++)
        (void)buf_add(&b, str_c(close));
    struct str s = arena_copy(a, buf_str(&b));
    buf_clear(&b);
    return s;
}

TEST(json_depth_ends_at_its_limit)
{
    static const struct {
        const char *open, *middle, *close;
    } shapes[] = {
        { "[", "", "]" },         { "[", "1", "]" },           { "{\"a\":", "null", "}" },
        { "[ ", " [1] ", " ]" },  { "[[{\"a\":", "1", "}]]" }, { "[1,", "2", ",3]" },
        { "{\"a\":", "{}", "}" },
    };
    static const uint32_t maxima[] = { 1, 2, 3, 127, 0 };

    for (size_t s = 0; s < COUNT(shapes); s++)
        for (size_t m = 0; m < COUNT(maxima); m++) {
            uint32_t max = maxima[m] != 0 ? maxima[m] : JSON_DEPTH_MAX;
            struct json_limits limits = { .depth_max = maxima[m] };

            for (size_t n = 1; n <= JSON_DEPTH_MAX + 2; n++) {
                struct str text =
                    nested(&t->arena, n, shapes[s].open, shapes[s].middle, shapes[s].close);
                struct json_fault fault = { 0 };
                size_t depth = 0, deepest = 0;

                for (size_t i = 0; i < text.len; i++) {
                    depth += text.at[i] == '[' || text.at[i] == '{';
                    depth -= text.at[i] == ']' || text.at[i] == '}';
                    deepest = depth > deepest ? depth : deepest;
                }
                bool ok = verdict(t, text, &limits, &fault);
                CHECK(ok == (deepest <= max), "shape %zu, depth %zu, at most %u", s, deepest, max);
                CHECK(!fault.limit, "shape %zu, depth %zu, at most %u", s, deepest, max);
            }
        }
}

TEST(json_depth_is_refused_before_the_rest_is_read)
{
    struct str text = nested(&t->arena, 100000, "[", "", "");
    const struct json_limits usual = { 0 };
    struct json_fault fault = { 0 };

    CHECK(!verdict(t, text, &usual, &fault));
    CHECK_INT(fault.at, JSON_DEPTH_MAX);
    CHECK(!fault.limit);
    CHECK_STR(str_c(fault.what), "nested deeper than allowed");
}

TEST(json_numbers_end_at_their_limit)
{
    static const struct {
        const char *head, *tail;
    } shapes[] = { { "", "" },   { "-", "" },       { "0.", "" },      { "1e", "" },
                   { "[", "]" }, { "[1.5e-", "]" }, { "{\"a\":", "}" } };
    const struct json_limits usual = { 0 };

    for (size_t s = 0; s < COUNT(shapes); s++)
        for (size_t len = JSON_NUMBER_MAX - 1; len <= JSON_NUMBER_MAX + 1; len++) {
            struct json_fault fault = { 0 };
            struct str head = str_c(shapes[s].head), number = head;
            struct buf b;

            if (number.at[0] == '[' || number.at[0] == '{')
                number = str_drop(number, shapes[s].head[0] == '[' ? 1 : 5);
            buf_init(&b, 1 << 20);
            (void)buf_add(&b, head);
            for (size_t i = number.len; i < len; i++)
                (void)buf_add_char(&b, '7');
            (void)buf_add(&b, str_c(shapes[s].tail));
            bool ok = verdict(t, buf_str(&b), &usual, &fault);
            CHECK(ok == (len <= JSON_NUMBER_MAX), "shape %zu, %zu bytes", s, len);
            if (!ok) {
                CHECK(!fault.limit, "shape %zu, %zu bytes", s, len);
                CHECK_INT(fault.at, head.len - number.len + JSON_NUMBER_MAX, "shape %zu", s);
            }
            buf_clear(&b);
        }
}

TEST(json_nodes_end_at_their_limit_folded_or_not)
{
    static const struct {
        const char *text;
        uint32_t nodes;
    } cases[] = {
        { "1", 1 },
        { "[]", 1 },
        { "[1,2,3]", 4 },
        { "{\"a\":1}", 3 },
        { "{\"a\":1,\"b\":[1,2,{\"c\":\"d\"}]}", 10 },
        { "[[[[[1]]]]]", 6 },
        { "[{\"a\":{}},{\"b\":[]}]", 7 },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        for (uint32_t max = cases[i].nodes > 1 ? cases[i].nodes - 1 : 1; max <= cases[i].nodes + 1;
             max++) {
            struct json_limits limits = { .nodes_max = max };
            struct json_fault fault = { 0 };
            bool ok = verdict(t, str_c(cases[i].text), &limits, &fault);

            CHECK(ok == (cases[i].nodes <= max), "%s, at most %u", cases[i].text, max);
            CHECK(ok || fault.limit, "%s, at most %u", cases[i].text, max);
        }
}

TEST(json_nodes_are_a_million_when_nobody_says_otherwise)
{
    for (size_t elements = JSON_NODES_MAX - 2; elements <= JSON_NODES_MAX; elements++) {
        struct buf b;

        buf_init(&b, JSON_NODES_MAX * 3);
        (void)buf_add(&b, STR("[0"));
        for (size_t i = 1; i < elements; i++)
            (void)buf_add(&b, STR(",0"));
        (void)buf_add(&b, STR("]"));
        CHECK(taken(t, buf_str(&b)) == (elements < JSON_NODES_MAX), "%zu elements", elements);
        buf_clear(&b);
    }
}

/* simulator/directive.h - the words that steer an answer: `tool=get_weather args={"city":"Oslo"}`.
 *
 * They stand in the prompt between `[[sim:` and `]]`, in the rules of a script, and in the control
 * API. docs/simulator.md lists them; the table in directive.c is that list. Reading is strict: an
 * unknown word, a value out of range or an open block is an error with a sentence that explains.
 * Threads: pure.   Memory: texts lie in the arena given. */
#ifndef PENSTOCK_SIMULATOR_DIRECTIVE_H
#define PENSTOCK_SIMULATOR_DIRECTIVE_H

#include "base/arena.h"
#include "base/error.h"
#include "simulator/trouble.h"

#define DIRECTIVE_TOOLS_MAX 16
#define DIRECTIVE_HEADERS_MAX 8
#define DIRECTIVE_UNSET (-1) /* of every number below */

enum error_event { ERROR_EVENT_FIRST, ERROR_EVENT_HANDSHAKE, ERROR_EVENT_CONTENT };
enum garbage { GARBAGE_HTTP, GARBAGE_JSON, GARBAGE_HTML };
enum no_end { NO_END_ALL, NO_END_LAST };
enum eol { EOL_LF, EOL_CRLF, EOL_CR };
enum framing { FRAMING_CHUNKED, FRAMING_LENGTH, FRAMING_CLOSE };

#define STALL_HEAD INT64_C(-2)    /* before the head */
#define STALL_CONTENT INT64_C(-3) /* behind the first event with content */

struct directive_tool {
    struct str name; /* empty: the first one declared */
    struct str args; /* a JSON object, or any text when it was quoted */
    bool args_given;
};

struct directives {
    /* what is said */
    struct str text, think, model, message;
    int64_t words, think_words, chunk, events, big_kib, max;
    int64_t thinks, image, json, empty, refuse, block; /* flags */
    struct directive_tool tools[DIRECTIVE_TOOLS_MAX];
    uint32_t tool_count;
    int64_t usage, ids; /* 0: off */

    /* what goes wrong before the answer */
    int64_t status, error, hint, retry_after_ms, reset_in_ms;

    /* when */
    int64_t delay_ms, first_ms, gap_ms, drip_ms, split;
    int64_t stall; /* events sent before it, or STALL_* */

    /* what goes wrong in the answer */
    int64_t error_event, cut, reset, garbage, no_end, bad_json, empty_stream, comments;
    int64_t eol, framing;
    int64_t length_off;                        /* added to the true Content-Length; 0: true */
    struct str headers[DIRECTIVE_HEADERS_MAX]; /* `name: value` */
    uint32_t header_count;

    /* of rules only */
    int64_t times, after;
};

void directives_init(struct directives *d);
/* Reads a run of words onto `d`; a word that stands there already is overruled, tools and headers
 * add up. `d` may be changed in part on failure. */
MUST_USE enum status directives_read(struct directives *d, struct str words, struct arena *a,
                                     struct error *e);
/* Reads all blocks in a prompt; `rest` is the text without them, trimmed. */
MUST_USE enum status directives_read_prompt(struct directives *d, struct str text, struct arena *a,
                                            struct str *rest, struct error *e);
/* Takes one plain or quoted word off the front: for the parts of a script line that are no
 * directives. Ends at a blank, or at `until`. False: none there, or badly quoted. */
bool directive_take_word(struct str *in, char until, struct arena *a, struct str *word);

#endif

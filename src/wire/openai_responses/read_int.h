/* wire/openai_responses/read_int.h - what the parts of the reader share. */
#ifndef PENSTOCK_WIRE_OPENAI_RESPONSES_READ_INT_H
#define PENSTOCK_WIRE_OPENAI_RESPONSES_READ_INT_H

#include "wire/members.h"
#include "wire/openai_responses/convert_int.h"

/* members_read() of what must be an object. */
bool responses_object(struct reading *rd, uint32_t node, const struct place *at,
                      const struct member_rule *rules, size_t count, uint32_t *nodes);

bool responses_read_input(struct reading *rd, uint32_t input);
bool responses_read_tools(struct reading *rd, const struct place *at, uint32_t tools);
bool responses_read_choice(struct reading *rd, uint32_t choice);
bool responses_read_format(struct reading *rd, const struct place *at, uint32_t format);
/* `effort` may be JSON_NONE. */
bool responses_read_effort(struct reading *rd, const struct place *at, uint32_t effort);

#endif

#include "wire/convert.h"

const struct converter convert_openai_responses = { .read = NULL };

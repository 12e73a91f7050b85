#include "wire/convert.h"

const struct converter convert_openai_chat = { .read = NULL };

#include "wire/convert.h"

const struct converter convert_anthropic = { .read = NULL };

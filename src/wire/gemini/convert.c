#include "wire/convert.h"

const struct converter convert_gemini = { .read = NULL };

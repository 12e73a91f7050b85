#include "wire/convert.h"

const struct converter convert_cloudcode = { .read = NULL };

/* Forms: what is found lies in the form, between two delimiters, and a form that ends without its
 * last one is none. The first line is the content type. */
#include "wire/multipart.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = { (const char *)data, size }, type, body, boundary, value = STR("");

    if (!str_cut(in, '\n', &type, &body) || !multipart_boundary(type, &boundary))
        return 0;
    assert(boundary.len > 0 && boundary.len <= MULTIPART_BOUNDARY_MAX);
    enum multipart_found found = multipart_field(body, boundary, STR("model"), &value);

    if (found != MULTIPART_FOUND)
        return 0;
    assert(value.at >= body.at && value.at + value.len <= body.at + body.len);
    assert(str_starts(
        (struct str){ value.at + value.len, (size_t)(body.at + body.len - value.at) - value.len },
        STR("\r\n--")));
    /* cut before its value ends it is no form */
    assert(multipart_field(str_take(body, (size_t)(value.at - body.at) + value.len), boundary,
                           STR("model"), &value) == MULTIPART_BAD);
    return 0;
}

/* Pages of lists of models: what is read is within its limits, and a list offers each model it was
 * made of. The first byte says whose page it is. */
#include "provider/model_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_model(const struct listed_model *m)
{
    assert(m->id.len > 0 && m->id.len <= LISTED_ID_MAX);
    assert(m->name.len <= LISTED_TEXT_MAX && m->owner.len <= LISTED_TEXT_MAX);
    assert(m->created_unix_ms >= 0 && m->tokens_in_max >= 0 && m->tokens_out_max >= 0);
}

static void check_list(const struct model_page *page)
{
    struct model_list *l = model_list_new(page->models, page->count);
    struct model_list *again = model_list_new(l->models, l->count);

    assert(l->count <= page->count && model_list_equal(l, again));
    for (size_t i = 0; i < page->count; i++)
        assert(model_list_offers(l, page->models[i].id));
    (void)model_list_offers(l, page->next);
    model_list_free(again);
    model_list_free(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum model_form forms[] = { MODELS_OPENAI, MODELS_ANTHROPIC, MODELS_GEMINI,
                                             MODELS_CODEX };
    struct str in = { (const char *)data, size };
    struct model_page page;
    struct arena a = { 0 };
    struct error e;

    if (size == 0)
        return 0;
    if (model_page_read(forms[data[0] % COUNT(forms)], str_drop(in, 1), &a, &page, &e) == OK) {
        assert(page.count <= LISTED_MODELS_MAX);
        for (size_t i = 0; i < page.count; i++)
            check_model(&page.models[i]);
        check_list(&page);
    } else {
        assert(e.text[0] != '\0');
    }
    arena_free(&a);
    return 0;
}

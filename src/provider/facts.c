#include "provider/facts.h"

#include "base/json_write.h"
#include "base/timetext.h"
#include "provider/delay.h"
#include "provider/provider_int.h"

/* --- reading ----------------------------------------------------------------------------------*/

static uint32_t member(const struct json *doc, uint32_t object, const char *name)
{
    return object == JSON_NONE || json_type(doc, object) != JSON_OBJECT
               ? JSON_NONE
               : json_member(doc, object, str_c(name), NULL);
}

static struct str words_of(struct facts_course *c, const struct json *doc, uint32_t node)
{
    struct str text;

    return node != JSON_NONE && json_text(doc, node, &c->arena, &text) ? text : STR("");
}

static struct str words_in(struct facts_course *c, const struct json *doc, uint32_t object,
                           const char *name)
{
    return words_of(c, doc, member(doc, object, name));
}

static int64_t date_in(struct facts_course *c, const struct json *doc, uint32_t object,
                       const char *name, const struct moment *now)
{
    struct str date = words_in(c, doc, object, name);
    int64_t at_ms;

    return date_read_rfc3339(date, &at_ms) ? delay_until(at_ms, now->unix_ms) : DELAY_NONE;
}

static bool has_word(struct str text, const char *word)
{
    return str_ifind(text, str_c(word)) != SIZE_MAX;
}

static struct quota_said *group_said(struct account_facts *f, struct str group)
{
    for (size_t i = 0; i < f->group_count; i++)
        if (str_eq(f->groups[i].group, group))
            return &f->groups[i].said;
    if (f->group_count == FACTS_GROUPS_MAX)
        return NULL;
    f->groups[f->group_count].group = group;
    f->groups[f->group_count].said = (struct quota_said){ .count = 0 };
    return &f->groups[f->group_count++].said;
}

/* --- antigravity ------------------------------------------------------------------------------*/

/* The enumeration's own words for a program that is none of those it names. */
#define METADATA "{\"ideType\":\"IDE_UNSPECIFIED\",\"platform\":\"PLATFORM_UNSPECIFIED\"}"

static void make_body(struct facts_course *c)
{
    struct str project = str_c(c->facts.project);
    struct buf out = { .max = 4096 };
    struct json_writer w = json_writer(&out);

    json_put_object(&w);
    switch (c->step) {
    case FACTS_LOAD:
        if (project.len > 0)
            json_put_member(&w, "cloudaicompanionProject", project);
        json_put_member_raw(&w, "metadata", STR(METADATA));
        break;
    case FACTS_ONBOARD:
        json_put_member(&w, "tierId", c->onboard_tier);
        /* the free tier has a project that Google makes, and refuses any other */
        if (project.len > 0 && !str_eq(c->onboard_tier, STR("free-tier")))
            json_put_member(&w, "cloudaicompanionProject", project);
        json_put_member_raw(&w, "metadata", STR(METADATA));
        break;
    case FACTS_AVAILABLE:
        if (project.len > 0 && !c->bare)
            json_put_member(&w, "project", project);
        break;
    case FACTS_USAGE:
        break;
    }
    json_put_end(&w);
    c->body = c->step == FACTS_USAGE ? STR("") : arena_copy(&c->arena, buf_str(&out));
    buf_clear(&out);
}

static enum facts_next ask(struct facts_course *c, enum facts_step step)
{
    c->step = step;
    make_body(c);
    return FACTS_ASK;
}

static void take_project(struct facts_course *c, const struct json *doc, uint32_t node)
{
    struct str project = words_of(c, doc, node);

    if (node != JSON_NONE && json_type(doc, node) == JSON_OBJECT)
        project = words_in(c, doc, node, "id");
    if (c->facts.project[0] != '\0' || project.len == 0 || project.len >= FACTS_PROJECT_MAX)
        return;
    memcpy(c->facts.project, project.at, project.len);
    c->facts.project[project.len] = '\0';
}

static enum tier tier_named(struct str name)
{
    return has_word(name, "ultra")                               ? TIER_ULTRA
           : has_word(name, "pro") || has_word(name, "standard") ? TIER_PRO
           : has_word(name, "free")                              ? TIER_FREE
                                                                 : TIER_UNKNOWN;
}

/* By its name, else by its id. */
static enum tier tier_at(struct facts_course *c, const struct json *doc, uint32_t tier)
{
    enum tier t = tier_named(words_in(c, doc, tier, "name"));

    return t != TIER_UNKNOWN ? t : tier_named(words_in(c, doc, tier, "id"));
}

static uint32_t default_tier(const struct json *doc)
{
    uint32_t list = member(doc, 0, "allowedTiers"), first = JSON_NONE;

    if (list == JSON_NONE || json_type(doc, list) != JSON_ARRAY)
        return JSON_NONE;
    for (uint32_t i = json_first(doc, list); i != JSON_NONE; i = json_after(doc, list, i)) {
        uint32_t is_default = member(doc, i, "isDefault");

        if (first == JSON_NONE)
            first = i;
        if (is_default != JSON_NONE && json_is_true(doc, is_default))
            return i;
    }
    return first;
}

static enum facts_next take_load(struct facts_course *c, const struct json *doc, struct error *why)
{
    uint32_t paid = member(doc, 0, "paidTier"), current = member(doc, 0, "currentTier");
    uint32_t refused = member(doc, 0, "ineligibleTiers");
    uint32_t told = member(doc, 0, "cloudaicompanionProject");

    take_project(c, doc, told);
    c->facts.tier = tier_at(c, doc, paid);
    if (c->facts.tier == TIER_UNKNOWN)
        c->facts.tier = tier_at(c, doc, current);
    if (current != JSON_NONE || paid != JSON_NONE || told != JSON_NONE)
        return ask(c, FACTS_AVAILABLE);

    uint32_t tier = default_tier(doc);

    c->onboard_tier = words_in(c, doc, tier, "id");
    if (c->onboard_tier.len > 0)
        return ask(c, FACTS_ONBOARD);
    if (c->facts.project[0] != '\0')
        return ask(c, FACTS_AVAILABLE);
    (void)fail(why, E_REFUSED, "the provider offers this account no plan%s",
               refused != JSON_NONE ? ": it says that it is not eligible" : "");
    return FACTS_FAIL;
}

static enum facts_next take_onboard(struct facts_course *c, const struct json *doc,
                                    struct error *why)
{
    uint32_t done = member(doc, 0, "done"), response = member(doc, 0, "response");

    if (done == JSON_NONE || !json_is_true(doc, done)) {
        if (++c->waits < FACTS_WAITS_MAX)
            return FACTS_WAIT;
        (void)fail(why, E_LIMIT, "the provider has made no project in two minutes");
        return FACTS_FAIL;
    }
    take_project(c, doc, member(doc, response, "cloudaicompanionProject"));
    c->facts.tier = tier_named(c->onboard_tier);
    return ask(c, FACTS_AVAILABLE);
}

static bool is_for_clients(struct str id)
{
    static const struct str begin[] = { STR("gemini"), STR("claude"), STR("gpt"), STR("imagen"),
                                        STR("image") };

    for (size_t i = 0; i < COUNT(begin); i++)
        if (str_istarts(id, begin[i]))
            return true;
    return false;
}

/* A group has as much left as the model of it that has the least. */
static void take_model_quota(struct facts_course *c, const struct json *doc, uint32_t quota,
                             struct str id, const struct moment *now)
{
    struct quota_said *said = group_said(&c->facts, quota_group_antigravity(id));
    struct quota_said one = { .count = 0 };
    int64_t left = 0; /* what is nothing is left out of the answer */

    if (said == NULL)
        return;
    (void)quota_number_in(doc, quota, "remainingFraction", 3, &left);
    quota_add(&one, STR(""), left, date_in(c, doc, quota, "resetTime", now), now);
    if (said->count == 0 || one.windows[0].remaining_permille < said->windows[0].remaining_permille)
        *said = one;
}

static void take_model(struct facts_course *c, const struct json *doc, struct str id,
                       uint32_t model, const struct moment *now)
{
    uint32_t quota = member(doc, model, "quotaInfo");
    struct listed_model *m = &c->facts.models[c->facts.model_count];
    int64_t n;

    if (!is_for_clients(id) || id.len > LISTED_ID_MAX || quota == JSON_NONE)
        return;
    *m = (struct listed_model){ .id = id, .owner = STR("antigravity") };
    m->name = str_take(words_in(c, doc, model, "displayName"), LISTED_TEXT_MAX);
    if (quota_number_in(doc, model, "maxTokens", 0, &n))
        m->tokens_in_max = n;
    if (quota_number_in(doc, model, "maxOutputTokens", 0, &n))
        m->tokens_out_max = n;
    c->facts.model_count++;
    take_model_quota(c, doc, quota, id, now);
}

static enum facts_next take_available(struct facts_course *c, const struct json *doc,
                                      const struct moment *now, struct error *why)
{
    uint32_t models = member(doc, 0, "models");
    size_t room = 0;

    if (models == JSON_NONE || json_type(doc, models) != JSON_OBJECT) {
        (void)fail(why, E_SYNTAX, "the list of models has no member `models`");
        return FACTS_FAIL;
    }
    for (uint32_t i = json_first(doc, models); i != JSON_NONE;
         i = json_after(doc, models, json_after(doc, models, i)))
        room++;
    if (room > LISTED_MODELS_MAX) {
        (void)fail(why, E_LIMIT, "lists more than %d models", LISTED_MODELS_MAX);
        return FACTS_FAIL;
    }
    c->facts.models = arena_array(&c->arena, struct listed_model, room + 1);
    for (uint32_t i = json_first(doc, models); i != JSON_NONE;) {
        uint32_t model = json_after(doc, models, i);

        take_model(c, doc, words_of(c, doc, i), model, now);
        i = json_after(doc, models, model);
    }
    return FACTS_DONE;
}

/* --- codex ------------------------------------------------------------------------------------*/

static enum tier codex_tier(struct str plan)
{
    return has_word(plan, "free") || str_ieq(plan, STR("guest")) || str_ieq(plan, STR("go"))
               ? TIER_FREE
           : str_ieq(plan, STR("pro")) ? TIER_ULTRA
           : plan.len > 0              ? TIER_PRO
                                       : TIER_UNKNOWN;
}

static void take_codex(struct facts_course *c, const struct json *doc, const struct moment *now)
{
    uint32_t limit = member(doc, 0, "rate_limit");
    struct quota_said *said = group_said(&c->facts, quota_group_codex(STR("")));

    c->facts.tier = codex_tier(words_in(c, doc, 0, "plan_type"));
    quota_add_codex(doc, member(doc, limit, "primary_window"), STR("primary"), now, said);
    quota_add_codex(doc, member(doc, limit, "secondary_window"), STR("secondary"), now, said);
}

/* --- copilot ----------------------------------------------------------------------------------*/

static enum tier copilot_tier(struct str plan, struct str sku)
{
    return has_word(plan, "free") || has_word(sku, "free")          ? TIER_FREE
           : has_word(plan, "_pro") || has_word(plan, "enterprise") ? TIER_ULTRA
           : plan.len > 0                                           ? TIER_PRO
                                                                    : TIER_UNKNOWN;
}

/* `2026-12-01`, `2026-12-01T00:00:00.000Z` */
static int64_t copilot_reset(struct facts_course *c, const struct json *doc,
                             const struct moment *now)
{
    struct str date = words_in(c, doc, 0, "quota_reset_date_utc");
    int64_t at_ms;

    if (date.len == 0)
        date = words_in(c, doc, 0, "quota_reset_date");
    if (date.len == 10)
        date = arena_printf(&c->arena, "%.*sT00:00:00Z", STR_ARG(date));
    return date_read_rfc3339(date, &at_ms) ? delay_until(at_ms, now->unix_ms) : DELAY_NONE;
}

static void take_copilot(struct facts_course *c, const struct json *doc, const struct moment *now)
{
    uint32_t snapshots = member(doc, 0, "quota_snapshots");
    uint32_t premium = member(doc, snapshots, "premium_interactions");
    uint32_t unlimited = member(doc, premium, "unlimited");
    struct quota_said *said = group_said(&c->facts, STR("premium"));
    int64_t left, entitlement, remaining;

    c->facts.tier =
        copilot_tier(words_in(c, doc, 0, "copilot_plan"), words_in(c, doc, 0, "access_type_sku"));
    if (unlimited != JSON_NONE && json_is_true(doc, unlimited))
        quota_add(said, STR("premium"), 1000, DELAY_NONE, now);
    else if (quota_number_in(doc, premium, "percent_remaining", 1, &left))
        quota_add(said, STR("premium"), left, copilot_reset(c, doc, now), now);
    else if (quota_number_in(doc, premium, "entitlement", 0, &entitlement) && entitlement > 0 &&
             quota_number_in(doc, premium, "remaining", 0, &remaining))
        quota_add(said, STR("premium"), remaining * 1000 / entitlement, copilot_reset(c, doc, now),
                  now);
}

/* --- the course -------------------------------------------------------------------------------*/

static bool is_antigravity(const struct upstream *u)
{
    return u->provider == &provider_antigravity;
}

bool upstream_has_facts(const struct upstream *u)
{
    return is_antigravity(u) ? !u->bare : u->facts != NULL && !u->facts->bare;
}

bool facts_prove_credential(const struct upstream *u)
{
    return is_antigravity(u) || u->provider == &provider_codex;
}

void facts_begin(struct facts_course *c, const struct upstream *u, struct str known_project)
{
    *c = (struct facts_course){ .upstream = u };
    if (u->project.len > 0)
        known_project = u->project;
    if (known_project.len > 0 && known_project.len < FACTS_PROJECT_MAX)
        memcpy(c->facts.project, known_project.at, known_project.len);
    (void)ask(c, is_antigravity(u) ? FACTS_LOAD : FACTS_USAGE);
}

void facts_clear(struct facts_course *c)
{
    arena_free(&c->arena);
}

const struct upstream *facts_upstream(const struct facts_course *c)
{
    return c->step == FACTS_USAGE ? c->upstream->facts : c->upstream;
}

bool facts_elsewhere(struct facts_course *c)
{
    if (c->step == FACTS_USAGE || c->upstream->next == NULL)
        return false;
    c->upstream = c->upstream->next;
    return true;
}

struct upstream_ask facts_question(const struct facts_course *c)
{
    static const enum upstream_op ops[] = {
        [FACTS_LOAD] = OP_LOAD,
        [FACTS_ONBOARD] = OP_ONBOARD,
        [FACTS_AVAILABLE] = OP_AVAILABLE,
        [FACTS_USAGE] = OP_USAGE,
    };

    return (struct upstream_ask){
        .wire = upstream_first_wire(facts_upstream(c)),
        .op = ops[c->step],
        .body_bytes = c->body.len,
    };
}

enum facts_next facts_take(struct facts_course *c, int status, struct str body,
                           const struct moment *now, struct error *why)
{
    struct json doc;
    struct json_fault fault;

    if (status == 403 && c->step == FACTS_AVAILABLE && !c->bare && c->facts.project[0] != '\0') {
        c->bare = true; /* a project that is not theirs: what is left is told without one, too */
        return ask(c, FACTS_AVAILABLE);
    }
    if (status != 200) {
        (void)fail(why, E_REFUSED, "status %d", status);
        return FACTS_FAIL;
    }
    body = arena_copy(&c->arena, body); /* what is read may borrow from it */
    if (!json_parse(&doc, body, NULL, &c->arena, &fault)) {
        (void)fail(why, E_SYNTAX, "no JSON: %s at byte %zu", fault.what, fault.at);
        return FACTS_FAIL;
    }
    switch (c->step) {
    case FACTS_LOAD:
        return take_load(c, &doc, why);
    case FACTS_ONBOARD:
        return take_onboard(c, &doc, why);
    case FACTS_AVAILABLE:
        return take_available(c, &doc, now, why);
    case FACTS_USAGE:
        if (c->upstream->provider == &provider_codex)
            take_codex(c, &doc, now);
        else
            take_copilot(c, &doc, now);
        return FACTS_DONE;
    }
    return FACTS_FAIL;
}

#include "app/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/terminal.h"
#include "base/json_write.h"
#include "base/log.h"
#include "io/signals.h"

static const struct doctor_check checks[] = {
    { "data-dir", "the data directory", doctor_data_dir },
    { "file-modes", "modes and owners of files", doctor_file_modes },
    { "writable", "files can be written", doctor_writable },
    { "disk", "room on the disk", doctor_disk },
    { "settings", "the settings file", doctor_settings },
    { "unknown-keys", "keys of the settings that mean nothing", doctor_unknown_keys },
    { "secrets", "secrets in clear", doctor_secrets_in_clear },
    { "master-key", "the key that seals secrets", doctor_master_key },
    { "admin-token", "the admin token", doctor_admin_token },
    { "accounts-database", "penstock.db is whole", doctor_accounts_database },
    { "usage-database", "usage.db is whole", doctor_usage_database },
    { "gateway", "the running gateway", doctor_gateway },
    { "version", "program and gateway are of one version", doctor_version },
    { "settings-in-force", "the gateway follows the settings file", doctor_settings_in_force },
    { "serving", "clients are served", doctor_serving },
    { "ports", "ports to listen at", doctor_ports },
    { "ipv6", "IPv6 on loopback", doctor_ipv6 },
    { "accounts", "there are accounts", doctor_accounts },
    { "client-keys", "keys for listeners that are open", doctor_client_keys },
    { "account-settings", "accounts are complete", doctor_account_settings },
    { "disabled-accounts", "accounts that are switched off", doctor_disabled_accounts },
    { "grants", "sign-ins that have expired", doctor_grants },
    { "lockouts", "accounts that are left alone", doctor_lockouts },
    { "sign-in", "OAuth clients for sign-ins", doctor_sign_in },
    { "callback-ports", "ports that sign-ins come back to", doctor_callback_ports },
    { "mapping", "mapped models are offered", doctor_mapping },
    { "routes", "flows and account routes", doctor_routes },
    { "proxy", "proxies to upstreams", doctor_proxy },
    { "trust", "certificates that are trusted", doctor_trust },
    { "insecure-tls", "certificates are verified", doctor_insecure_tls },
    { "names", "names of providers' hosts", doctor_names },
    { "clock", "the clock", doctor_clock },
    { "descriptors", "the limit of descriptors", doctor_descriptors },
    { "memory", "memory", doctor_memory },
    { "user", "who runs it", doctor_user },
    { "bodies", "capture of bodies", doctor_bodies },
    { "browser", "a browser can be opened", doctor_browser },
    { "leftovers", "files left behind", doctor_leftovers },
    { "log-size", "size of logs", doctor_log_size },
};

static const char *const words[FINDING_LEVELS] = { "ok", "note", "warning", "fault" };

void found(struct doctor *d, enum finding_level level, const char *remedy, const char *format, ...)
{
    struct finding *f = arena_new(&d->arena, struct finding);
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    *f = (struct finding){ .check = d->check,
                           .level = level,
                           .text = arena_copy(&d->arena, str_c(text)),
                           .remedy = arena_copy(&d->arena, str_c(remedy)) };
    *d->last = f;
    d->last = &f->next;
}

const char *doctor_path(struct doctor *d, const char *name)
{
    return arena_printf(&d->arena, "%s/%s", d->folder, name).at;
}

/* --- telling */

static void print_finding(const struct finding *f, bool paints)
{
    static const enum paint paint[FINDING_LEVELS] = { PAINT_GREEN, PAINT_DIM, PAINT_YELLOW,
                                                      PAINT_RED };

    printf("%s%-8s%s %-18s %.*s\n", paint_on(paints, paint[f->level]), words[f->level],
           paint_off(paints), f->check->name, (int)f->text.len, f->text.at);
    if (f->remedy.len > 0)
        printf("%28s%s%.*s%s\n", "", paint_on(paints, PAINT_BOLD), (int)f->remedy.len, f->remedy.at,
               paint_off(paints));
}

static void print_all(const struct doctor *d, const size_t counts[FINDING_LEVELS])
{
    bool paints = terminal_paints(stdout), all = line_flag(d->line, "--all");

    for (const struct finding *f = d->first; f != NULL; f = f->next)
        if (all || f->level != FINDING_GOOD)
            print_finding(f, paints);
    printf("checks: %zu, faults: %zu, warnings: %zu, notes: %zu\n", COUNT(checks),
           counts[FINDING_FAULT], counts[FINDING_WARNING], counts[FINDING_NOTE]);
}

static void print_json(const struct doctor *d, const size_t counts[FINDING_LEVELS])
{
    struct buf out = { .max = (size_t)16 << 20 };
    struct json_writer w = json_writer(&out);

    json_put_object(&w);
    json_put_member_i64(&w, "checks", COUNT(checks));
    json_put_member_i64(&w, "faults", (int64_t)counts[FINDING_FAULT]);
    json_put_member_i64(&w, "warnings", (int64_t)counts[FINDING_WARNING]);
    json_put_key(&w, STR("findings"));
    json_put_array(&w);
    for (const struct finding *f = d->first; f != NULL; f = f->next) {
        json_put_object(&w);
        json_put_member(&w, "check", str_c(f->check->name));
        json_put_member(&w, "what", str_c(f->check->what));
        json_put_member(&w, "level", str_c(words[f->level]));
        json_put_member(&w, "text", f->text);
        if (f->remedy.len > 0)
            json_put_member(&w, "remedy", f->remedy);
        json_put_end(&w);
    }
    json_put_end(&w);
    json_put_end(&w);
    fwrite(buf_str(&out).at, 1, out.len, stdout);
    printf("\n");
    buf_clear(&out);
}

/* --- the command */

static void log_nothing(void *peer, enum log_level level, struct str line)
{
    (void)peer;
    (void)level;
    (void)line; /* what is wrong is told as a finding */
}

static void run_all(struct doctor *d)
{
    for (size_t i = 0; i < COUNT(checks); i++) {
        const struct finding *before = NULL;

        for (const struct finding *f = d->first; f != NULL; f = f->next)
            before = f;
        d->check = &checks[i];
        terminal_progress("%zu of %zu: %s", i + 1, COUNT(checks), checks[i].what);
        checks[i].run(d);
        const struct finding *after = before == NULL ? d->first : before->next;

        if (after == NULL)
            found(d, FINDING_GOOD, "", "%s: nothing wrong", checks[i].what);
    }
    terminal_progress_end();
}

static void doctor_clear(struct doctor *d)
{
    for (size_t i = d->file_account_count; i < d->account_count; i++)
        account_spec_free(d->accounts[i]);
    settings_unref(d->settings);
    remote_answer_clear(&d->status);
    remote_answer_clear(&d->live);
    if (d->reached || d->remote.loop != NULL)
        remote_close(&d->remote);
    dns_free(d->dns);
    loop_free(d->loop);
    buf_clear(&d->text);
    buf_clear(&d->url);
    arena_free(&d->arena);
}

static int command_doctor(const struct command_line *line)
{
    struct doctor d = { .line = line, .online = line_flag(line, "--online") };
    size_t counts[FINDING_LEVELS] = { 0 };
    struct error e = { .status = OK };

    process_prepare(false);
    log_setup(&(struct log_options){
        .level = LOG_ERROR, .write_line = log_nothing, .unix_ms = clock_unix_ms });
    if (data_dir_find(line_data_dir(line), d.folder, &e) != OK)
        return line_failed(line, "%s", e.text);
    d.last = &d.first;
    d.text.max = SETTINGS_BYTES_MAX;
    d.url.max = 512;
    d.config_path = line_text(line, "--config", doctor_path(&d, "gui_config.json"));
    d.accounts = arena_array(&d.arena, struct account_spec *, DOCTOR_ACCOUNTS_MAX);
    d.running = data_dir_running(d.folder, &d.url);
    d.loop = loop_new();
    d.dns = dns_new(d.loop);
    run_all(&d);
    for (const struct finding *f = d.first; f != NULL; f = f->next)
        counts[f->level]++;
    if (line_json(line))
        print_json(&d, counts);
    else
        print_all(&d, counts);
    doctor_clear(&d);
    return counts[FINDING_FAULT] + counts[FINDING_WARNING] > 0 ? EXIT_FAILED : EXIT_DONE;
}

static const struct command_option options[] = {
    { "--config", "F", "settings file (gui_config.json in the data directory)", IS(FILE) },
    { "--all", NULL, "tell what is in order, too" },
    { "--online", NULL, "ask a provider for the time of day, to compare clocks" },
    { NULL },
};
static const char *const exits[] = { "1 also when there is a warning or a fault", NULL };
static const char *const examples[] = { "penstock doctor", "penstock doctor --json --online",
                                        NULL };

const struct command doctor_commands[] = {
    { .path = "doctor",
      .brief = "find what is wrong, and what to do about it",
      .about =
          "Looks at files, settings, accounts, ports, proxies and the running gateway, and "
          "says what is wrong and what to do about it. Nothing is changed. Beyond this machine "
          "only names are looked up and proxies are connected to, unless --online.",
      .options = options,
      .examples = examples,
      .exits = exits,
      .takes = TAKES_JSON | TAKES_DATA_DIR,
      .run = command_doctor },
    { NULL },
};

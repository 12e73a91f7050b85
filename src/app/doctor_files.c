/* app/doctor_files.c - checks of files, and of the machine. */
#include <inttypes.h>
#include <stdio.h>

#include "app/doctor.h"
#include "app/open.h"
#include "io/child.h"
#include "io/process.h"
#include "io/signals.h"
#include "store/store.h"

#define MIB ((int64_t)1 << 20)
#define DISK_LOW (200 * MIB)
#define DISK_OUT (20 * MIB)
#define USAGE_LARGE (1024 * MIB)
#define LOGS_LARGE (1024 * MIB)
#define DESCRIPTORS_FEW 4096

static const char *const private_files[] = {
    "gui_config.json",
    "gui_config.json.bak",
    "penstock.db",
    "penstock.db-wal",
    "penstock.db-shm",
    "usage.db",
    "usage.db-wal",
    "usage.db-shm",
    "master.key",
    "admin.token",
    "lock",
    "access.log",
};

void doctor_data_dir(struct doctor *d)
{
    struct file_facts f = file_facts(d->folder);

    if (!f.there)
        found(d, FINDING_NOTE, "", "%s is not there yet: the first start makes it", d->folder);
    else if (!f.is_folder)
        found(d, FINDING_FAULT, "Name another one with --data-dir, or move it away.",
              "%s is no folder", d->folder);
    else if (!f.ours)
        found(d, FINDING_FAULT,
              "Run the gateway as its owner, or give the folder to the one who runs it (chown).",
              "%s belongs to somebody else: start refuses it", d->folder);
    else if ((f.mode & 077) != 0)
        found(d, FINDING_WARNING, arena_printf(&d->arena, "chmod 700 %s", d->folder).at,
              "other users may enter %s (mode %03o)", d->folder, (unsigned)f.mode);
}

void doctor_file_modes(struct doctor *d)
{
    for (size_t i = 0; i < COUNT(private_files); i++) {
        const char *path = doctor_path(d, private_files[i]);
        struct file_facts f = file_facts(path);

        if (!f.there)
            continue;
        if (f.is_link)
            found(d, FINDING_FAULT, "Put the file itself in its place.",
                  "%s is a symbolic link, which is not followed", path);
        else if (!f.ours)
            found(d, FINDING_FAULT, arena_printf(&d->arena, "chown it to you: %s", path).at,
                  "%s belongs to somebody else", path);
        else if ((f.mode & 077) != 0)
            found(d, FINDING_WARNING, arena_printf(&d->arena, "chmod 600 %s", path).at,
                  "other users may read %s (mode %03o)", path, (unsigned)f.mode);
    }
}

void doctor_writable(struct doctor *d)
{
    if (!file_facts(d->folder).there)
        return;
    if (!folder_is_writable(d->folder))
        found(d, FINDING_FAULT, "Make it writable: databases and settings are kept in it.",
              "%s cannot be written", d->folder);
    else if (file_is_read_only(d->config_path))
        found(d, FINDING_NOTE, "",
              "%s is read-only: changes of settings hold until the gateway ends", d->config_path);
}

void doctor_disk(struct doctor *d)
{
    int64_t left = file_facts(d->folder).there ? disk_free(d->folder) : -1;

    if (left >= 0 && left < DISK_LOW)
        found(d, left < DISK_OUT ? FINDING_FAULT : FINDING_WARNING,
              "Make room: usage and settings cannot be written on a full disk; requests go on.",
              "%" PRId64 " MiB are left on the disk of %s", left / MIB, d->folder);
}

static void check_database(struct doctor *d, const char *name, enum finding_level level,
                           const char *remedy)
{
    struct error e = { .status = OK };
    enum status st = database_check(doctor_path(d, name), &e);

    if (st != OK && st != E_ABSENT)
        found(d, level, remedy, "%s", e.text);
}

void doctor_accounts_database(struct doctor *d)
{
    check_database(d, "penstock.db", FINDING_FAULT,
                   "Stop the gateway, put a backup of penstock.db (and master.key) in its place, "
                   "and remove penstock.db-wal and penstock.db-shm.");
}

void doctor_usage_database(struct doctor *d)
{
    int64_t bytes = file_facts(doctor_path(d, "usage.db")).bytes;

    check_database(d, "usage.db", FINDING_WARNING,
                   "Nothing: it is moved aside at the next start, and a new one is made.");
    if (bytes > USAGE_LARGE)
        found(d, FINDING_WARNING, "Lower usage.keep_days or usage.max_bytes.",
              "usage.db takes %" PRId64 " MiB", bytes / MIB);
}

void doctor_master_key(struct doctor *d)
{
    bool given = environment_get("PENSTOCK_MASTER_KEY").len > 0;
    struct file_facts key = file_facts(doctor_path(d, "master.key"));
    struct file_facts store = file_facts(doctor_path(d, "penstock.db"));

    if (given && key.there)
        found(d, FINDING_NOTE, "",
              "PENSTOCK_MASTER_KEY is set, so master.key is not used: accounts sealed under one "
              "cannot be opened with the other");
    if (given)
        return;
    if (!key.there && store.there)
        found(d, FINDING_FAULT,
              "Put a backup of master.key in its place, or add the accounts again.",
              "penstock.db is there but master.key is not: what is sealed cannot be opened");
    else if (key.there && key.bytes != SEAL_KEY_BYTES)
        found(d, FINDING_FAULT, "Put a backup of it in its place.",
              "master.key is damaged: it has %" PRId64 " bytes and must have %d", key.bytes,
              SEAL_KEY_BYTES);
}

void doctor_admin_token(struct doctor *d)
{
    struct secret token = { 0 };
    struct error e = { .status = OK };
    bool given = environment_get("PENSTOCK_ADMIN_TOKEN").len > 0;

    if (!given && !file_facts(doctor_path(d, "admin.token")).there)
        return; /* the first start makes it */
    if (data_dir_admin_token(d->folder, &token, &e) != OK)
        found(d, FINDING_FAULT, "Set another one, or remove admin.token: start makes a new one.",
              "%s", e.text);
    secret_clear(&token);
}

struct leftovers {
    struct doctor *doctor;
    size_t temporary, corrupt;
    int64_t log_bytes;
};

static void see_name(void *peer, const char *name)
{
    struct leftovers *l = peer;

    if (str_find(str_c(name), STR(".tmp.")) != SIZE_MAX)
        l->temporary++;
    if (str_find(str_c(name), STR(".corrupt-")) != SIZE_MAX)
        l->corrupt++;
    if (str_find(str_c(name), STR(".log")) != SIZE_MAX ||
        str_find(str_c(name), STR("journal")) != SIZE_MAX)
        l->log_bytes += file_facts(doctor_path(l->doctor, name)).bytes;
}

void doctor_leftovers(struct doctor *d)
{
    struct leftovers l = { .doctor = d };

    folder_each(d->folder, see_name, &l);
    if (l.corrupt > 0)
        found(d, FINDING_NOTE, "Remove usage.db.corrupt-* when you do not want to look at them.",
              "%zu damaged databases were moved aside", l.corrupt);
    if (l.temporary > 0 && !d->running)
        found(d, FINDING_NOTE, "The next start removes them.",
              "%zu temporary files of an interrupted write are left", l.temporary);
}

void doctor_log_size(struct doctor *d)
{
    struct leftovers l = { .doctor = d };

    folder_each(d->folder, see_name, &l);
    if (l.log_bytes > LOGS_LARGE)
        found(d, FINDING_WARNING, "Move journals away when they are not needed any more.",
              "logs and journals in %s take %" PRId64 " MiB", d->folder, l.log_bytes / MIB);
}

void doctor_descriptors(struct doctor *d)
{
    int64_t most = process_descriptors_max();

    if (most < DESCRIPTORS_FEW)
        found(d, FINDING_WARNING,
              "Raise it: LimitNOFILE= of a systemd unit, `ulimit -Hn`, --ulimit nofile of Docker.",
              "only %" PRId64 " descriptors may be open; each client and upstream takes one", most);
}

void doctor_memory(struct doctor *d)
{
    int64_t bytes = machine_memory();

    if (d->settings != NULL && bytes > 0 && (int64_t)d->settings->memory_bytes > bytes)
        found(d, FINDING_WARNING, "Lower limits.memory_bytes.",
              "limits.memory_bytes (%" PRId64 " MiB) is more than the machine has (%" PRId64
              " MiB)",
              (int64_t)d->settings->memory_bytes / MIB, bytes / MIB);
}

void doctor_user(struct doctor *d)
{
    if (process_is_root())
        found(d, FINDING_NOTE, "Give it a user of its own.",
              "you are root: the gateway needs no rights of root");
}

void doctor_browser(struct doctor *d)
{
    if (browser_is_there() && !child_is_there("xdg-open"))
        found(d, FINDING_NOTE, "Install xdg-utils; `penstock open --print` gives the link.",
              "there is a display but no xdg-open: no browser can be opened");
}

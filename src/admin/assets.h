/* admin/assets.h - the dashboard's files, built into the program: the document of its pages,
 * scripts, styles, one icon.
 *
 * They hold nothing of the gateway's, so they are served without a credential; all data comes over
 * the admin API. Names under /assets/ hold a hash of the content and may be kept for ever; the
 * document may be kept too, but is asked after each time. All are kept as gzip, and inflated for a
 * client that does not take it. Threads: own loop.   Memory: static. */
#ifndef PENSTOCK_ADMIN_ASSETS_H
#define PENSTOCK_ADMIN_ASSETS_H

#include "http/server.h"

/* A page of the dashboard, as `/quota`? */
bool assets_is_page(struct str path);
/* Would rather have JSON than a document: a program, or the page's own script. */
bool assets_wants_json(const struct request *r);

/* The path of a page, or under /assets/? */
bool assets_has(struct str path);
/* Answers GET and HEAD of pages and of files under /assets/. False: assets_has() not the path. */
bool assets_answer(struct request *r);

#endif

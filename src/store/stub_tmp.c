#include "store/store.h"
#include "app/settings.h"
enum status master_key_load(const char *f, struct str s, struct master_key *k, struct error *e){(void)f;(void)s;(void)k;(void)e;return OK;}
enum status store_open(const char *f, const struct master_key *k, struct store **o, struct error *e){(void)f;(void)k;(void)e;*o=NULL;return OK;}
void store_close(struct store *s){(void)s;}
enum status store_accounts(struct store *s, void (*t)(void*,struct account_spec*), void*p, struct error*e){(void)s;(void)t;(void)p;(void)e;return OK;}
enum status store_account_add(struct store *s, struct account_spec *a, int64_t u, struct error *e){(void)s;(void)a;(void)u;(void)e;return OK;}
enum status store_account_remove(struct store *s, int64_t id, struct error *e){(void)s;(void)id;(void)e;return OK;}
enum status store_account_flags(struct store *s, int64_t id, bool d, bool p, struct str r, struct error *e){(void)s;(void)id;(void)d;(void)p;(void)r;(void)e;return OK;}
enum status store_account_override(struct store *s, struct account_spec *a, struct error *e){(void)s;(void)a;(void)e;return OK;}
enum status store_version(struct store *s, int64_t *v, struct error *e){(void)s;(void)e;*v=1;return OK;}
bool settings_read_account(struct str t, const struct settings_sources *s, struct account_spec **o, struct settings_fault *f){(void)t;(void)s;(void)o;(void)f;return false;}

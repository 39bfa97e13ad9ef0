#ifndef SYNC_KIT_H
#define SYNC_KIT_H

#include "idem.h"
#include "object_kit.h"

/* What the calls of the JSON API have in common: who makes them, and a reply that is kept for nobody. */

static struct principal admin;	/* who does everything */

static inline int
render(void *arg, struct buf *reply)
{
	(void)arg;
	buf_addstr(reply, "{}");
	return 0;
}

static inline struct idem
no_key(void)
{
	struct idem i = IDEM_INIT;

	i.render = render;
	return i;
}

static inline int
sync_open(int64_t history_ms, int versioning)
{
	int rc = obj_open(history_ms, versioning);

	return rc ? rc : principal_find(store, "admin", &admin);
}

#endif

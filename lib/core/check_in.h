#ifndef CORE_CHECK_IN_H
#define CORE_CHECK_IN_H

#include <stddef.h>

#include "check.h"

/*
 * The inside of a check: check.c goes through its parts, check_bytes.c reads segments and chunks, check_refs.c counts references.
 */
struct db_conn;

struct check {
	struct store *store;
	void (*problem)(void *arg, const char *text);
	int (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
	uint64_t total;			/* bytes that will be read */
	struct check_report *report;
};

/* One finding. */
void check_say(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Tells how far it is; ERR_CLOSED to end. Cheap. */
int check_go_on(struct check *c);

/* Every segment is there and can be walked. */
int check_segments(struct check *c);
/* Every live chunk's bytes, in the order in which they lie on disk. */
int check_bytes(struct check *c);
/* Manifests, and the references of chunks and leaves, on the snapshot of `db`. */
int check_refs(struct check *c, struct db_conn *db);

#endif

#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "principal.h"
#include "str.h"
#include "tbl_device.h"

/*
 * Devices of users: what they are called, and how far each has got (SYNC 8). The log is kept for a device from what it acknowledged on, while it
 * lives: while it asks for changes of that workspace or acknowledges some now and then.
 */
struct store;
struct idem;

#define DEVICE_LIMIT 100		/* of one user: ERR_TOOBIG */

/* Names: 1 to DEVICE_NAME_MAX bytes of UTF-8 without control characters and slashes. ERR_INVALID. */
int device_name_check(const char *name);

struct device_make {
	int64_t principal;
	const char *name;
	struct device_row device;	/* result */
};
int device_create(struct store *store, struct device_make *make, struct idem *idem);
int device_list(struct store *store, int64_t principal, struct device_row *rows, unsigned max, unsigned *n);
int device_cursors(struct store *store, int64_t device, struct device_cursor_row *rows, unsigned max, unsigned *n);
/* ERR_NOTFOUND in all of these: it is not one of the principal's. */
int device_get(struct store *store, int64_t principal, int64_t id, struct device_row *device);
int device_delete(struct store *store, int64_t principal, int64_t id, struct idem *idem);
/* It has everything up to `sequence`, durably. */
int device_ack(struct store *store, int64_t principal, int64_t id, int64_t workspace, int64_t sequence,
    struct idem *idem);
/* It asks for changes of a workspace. Written down once in DEVICE_SEEN_US at most. */
#define DEVICE_SEEN_US (3600 * 1000000ll)
int device_asks(struct store *store, int64_t principal, int64_t id, int64_t workspace);

/* What a conflict copy says of where it comes from: the device's name (0: none), else the user's. Written to `text`. */
struct slice device_label(struct store *store, const struct principal *who, int64_t device, char *text, size_t size);

#endif

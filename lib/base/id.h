#ifndef BASE_ID_H
#define BASE_ID_H

#include <stddef.h>
#include <stdint.h>

/*
 * Identifiers: 63 bits, 41 of milliseconds since 2024-01-01 UTC, then 22 bits of node slot (6) and counter
 * (16). Strictly increasing in one process; when the counter of a millisecond is spent the next millisecond
 * is borrowed, and a clock that jumps back is ignored. Shown as prefix, "_" and Crockford base32 in lower
 * case without leading zeros ("ws_20", "file_1a2b3c"). They are not secrets.
 */
#define ID_TEXT 32	/* the longest text form, with its NUL */

/* The kinds and their prefixes: ws_ fld_ file_ ver_ upl_ user_ key_ tok_ dev_ man_ grt_ job_ */
enum id_kind { ID_WORKSPACE, ID_FOLDER, ID_FILE, ID_VERSION, ID_UPLOAD, ID_USER, ID_KEY, ID_TOKEN, ID_DEVICE,
	ID_MANIFEST, ID_GRANT, ID_JOB, ID_KINDS_ };

/*
 * A new id, greater than every one this process gave before and than the `floor` given to id_setup(). Any thread.
 */
int64_t id_new(void);
void id_setup(unsigned node, int64_t floor);
int64_t id_time_us(int64_t id);		/* when it was made, by the wall clock of then */

void id_format(enum id_kind kind, int64_t id, char text[ID_TEXT]);
/* ERR_INVALID unless `text` is exactly what id_format() writes for some id of that kind (either case, i l o forgiven). */
int id_parse(enum id_kind kind, const char *text, int64_t *id);

/* Fills with bytes from getrandom(2); ends the program if the kernel has none. */
void random_bytes(void *bytes, size_t len);

#endif

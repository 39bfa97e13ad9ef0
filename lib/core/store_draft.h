#ifndef CORE_STORE_DRAFT_H
#define CORE_STORE_DRAFT_H

#include <stdbool.h>

/*
 * DATA/.fsd-init: where a store is built until it is whole. Its files are then linked into DATA, VERSION last: with that link, and
 * not before, there is a store. Until the draft is removed, whatever of the same name in DATA is the same file (inode) was
 * put there by us; so an interrupted creation can be taken back, and nothing else is ever touched.
 * All but store_draft_there() are called by who holds DATA/LOCK. Any thread.
 */
#define STORE_DRAFT_DIR ".fsd-init"

bool store_draft_there(int dirfd);
/* Makes the folder; ERR_EXISTS if something else has that name. */
int store_draft_begin(int dirfd);
/* Every file of the draft is closed and flushed: makes it the store. ERR_EXISTS: a file of that name is in the way. */
int store_draft_publish(int dirfd);
/*
 * Removes a draft, if there is one, and what it left in DATA unless that is a store. `dir` is for the log. ERR_NOTEMPTY (logged): it holds
 * something that no draft has.
 */
int store_draft_clear(int dirfd, const char *dir);

#endif

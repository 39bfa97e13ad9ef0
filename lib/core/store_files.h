#ifndef CORE_STORE_FILES_H
#define CORE_STORE_FILES_H

#include <stdint.h>

/* The fixed files of a data directory; store.h says what each is. */
#define STORE_LOCK_FILE "LOCK"
#define STORE_VERSION_FILE "VERSION"
#define STORE_VERSION_TEXT "fsd store 1\n"
#define STORE_KEY_FILE "store.key"
#define STORE_KEY_CHECK "fsd store key"	/* sealed in the store row with the key file */
#define STORE_DB_FILE "meta.db"

/* ERR_NOTFOUND (logged) if there is no store in the folder. */
int store_files_present(int dirfd, const char *dir);
/* ERR_IO (logged, with what to do) if nothing can be written in the folder. */
int store_files_writable(int dirfd, const char *dir);
/* Checks the version and reads the key. ERR_VERSION, ERR_AUTH, ERR_CORRUPT, each logged with what to do. Warns of a folder that others may write in. */
int store_files_check(int dirfd, const char *dir, uint8_t key[32]);
/* Writes the key file (new, random), and the version file: there is a store where that is. */
int store_files_key(int dirfd, uint8_t key[32]);
int store_files_version(int dirfd);

#endif

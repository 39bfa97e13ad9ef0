#ifndef FSD_OFFLINE_H
#define FSD_OFFLINE_H

#include <stdbool.h>

/* What is done to a store without serving it. Each prints its result on standard output and returns the exit code. */

/* {accessKeyId, secretAccessKey, token, dataDir}; the only time that the secrets are shown. */
int offline_init(const char *dir, bool json);
/* Each finding a line on standard output; {problems: [...], report: {...}} as JSON. */
int offline_check(const char *dir, bool quick, bool json);

#endif

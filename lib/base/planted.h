#ifndef BASE_PLANTED_H
#define BASE_PLANTED_H

#include <stdbool.h>

/*
 * Bugs for the tests to find. Only a build with -DPLANTED_BUGS (VARIANT=bugs) has any: there PLANTED("name") is true when
 * FSD_BUG=name is in the environment. In all others it is the constant false, and nothing of it is left.
 */
#ifdef PLANTED_BUGS
#include <stdlib.h>
#include <string.h>

static inline bool
planted_is(const char *name)
{
	const char *chosen = getenv("FSD_BUG");

	return chosen && !strcmp(chosen, name);
}
#define PLANTED(name) planted_is(name)
#else
#define PLANTED(name) false
#endif

#endif

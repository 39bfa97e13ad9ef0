#ifndef CORE_IDENTITY_H
#define CORE_IDENTITY_H

#include "principal.h"

/* The inside of identity.c, whose contract is in principal.h: what its caches hold. */
struct identity_fact {
	struct identity identity;
	int64_t expires_us;		/* of a token; 0: never */
};

#endif

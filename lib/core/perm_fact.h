#ifndef CORE_PERM_FACT_H
#define CORE_PERM_FACT_H

#include <stdbool.h>
#include <stdint.h>

#include "perm.h"

/* The inside of perm.c: what its cache holds of a principal in a workspace. */
struct perm_fact {
	int64_t root;			/* the root folder */
	enum role role;			/* on all of the workspace: owner, or by a grant */
	bool paths;			/* has grants on folders or files besides */
};

#endif

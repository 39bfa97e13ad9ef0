#include <string.h>

#include "err.h"
#include "perm.h"

static const char *const names[] = { "none", "viewer", "editor", "owner" };

const char *
role_name(enum role role)
{
	return (size_t)role < sizeof(names) / sizeof(names[0]) ? names[role] : "none";
}

int
role_parse(const char *text, enum role *role)
{
	for (enum role r = ROLE_VIEWER; r <= ROLE_OWNER; r++)
		if (!strcmp(text, names[r])) {
			*role = r;
			return 0;
		}
	return ERR_INVALID;
}

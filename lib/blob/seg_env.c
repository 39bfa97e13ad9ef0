#include <string.h>

#include "log.h"
#include "seg_env.h"

void
seg_env_name(uint64_t home, char name[SEG_NAME])
{
	static const char hex[] = "0123456789abcdef";
	unsigned digits = 8;

	/* By hand: every read of a chunk comes here. */
	while (digits < 16 && home >> (4 * digits))
		digits++;
	for (unsigned i = digits; i-- > 0; home >>= 4)
		name[i] = hex[home & 15];
	memcpy(name + digits, ".seg", 5);
}

uint64_t
seg_env_home(const char *name)
{
	static const char digits[] = "0123456789abcdef";
	char again[SEG_NAME];
	uint64_t home = 0;
	const char *p = name, *digit;

	for (; *p && p - name < 16 && (digit = strchr(digits, *p)) != NULL; p++)
		home = home << 4 | (uint64_t)(digit - digits);
	seg_env_name(home, again);
	return strcmp(name, again) ? 0 : home;
}

struct record_file
seg_env_file(const struct seg_env *env, uint64_t home)
{
	struct record_file f = { .segment = home };

	memcpy(f.store, env->store, sizeof(f.store));
	return f;
}

void
seg_env_close(struct seg_env *env, const char *name)
{
	if (atomic_exchange(&env->closed, true))
		return;
	log_error("segment %s: bytes could not be made durable; the store takes no more writes until "
	    "it is started again", name);
	if (env->failed)
		env->failed(env->failed_arg);
}

void
seg_env_refused(struct seg_env *env)
{
	if (!atomic_exchange(&env->buffered, true))
		log_info("the file system of %s takes no direct writes; they go through the page cache", SEG_DIR);
}

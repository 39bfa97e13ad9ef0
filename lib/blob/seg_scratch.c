#include <pthread.h>
#include <stdlib.h>

#include "seg_scratch.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static int usable;
static _Thread_local struct seg_scratch *own;

static void
make_key(void)
{
	usable = pthread_key_create(&key, free) == 0;
}

struct seg_scratch *
seg_scratch_get(void)
{
	struct seg_scratch *s;

	if (own)
		return own;
	pthread_once(&once, make_key);
	if (!usable || (s = malloc(sizeof(*s))) == NULL)
		return NULL;
	s->instance = 0;
	if (pthread_setspecific(key, s)) {
		free(s);
		return NULL;
	}
	return own = s;
}

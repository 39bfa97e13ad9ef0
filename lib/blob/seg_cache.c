#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>

#include "err.h"
#include "fio.h"
#include "seg_cache.h"
#include "seg_env.h"

#define BUCKETS 512

/* The lock is held over neither open nor close. */
struct seg_cache {
	pthread_mutex_t lock;
	int dirfd;
	size_t max;
	size_t idle;
	uint64_t forgotten;		/* how often forget() was called */
	struct seg_fd *newest, *oldest;	/* idle ones only */
	struct seg_fd *buckets[BUCKETS];
};

int
seg_cache_new(int dirfd, size_t max, struct seg_cache **c)
{
	struct seg_cache *n = calloc(1, sizeof(*n));

	if (!n)
		return ERR_NOMEM;
	pthread_mutex_init(&n->lock, NULL);
	n->dirfd = dirfd;
	n->max = max;
	*c = n;
	return 0;
}

static struct seg_fd **
slot(struct seg_cache *c, uint64_t home)
{
	struct seg_fd **at = &c->buckets[home % BUCKETS];

	while (*at && (*at)->home != home)
		at = &(*at)->chain;
	return at;
}

static void
idle_add(struct seg_cache *c, struct seg_fd *h)
{
	h->newer = NULL;
	h->older = c->newest;
	if (c->newest)
		c->newest->newer = h;
	else
		c->oldest = h;
	c->newest = h;
	c->idle++;
}

static void
idle_remove(struct seg_cache *c, struct seg_fd *h)
{
	*(h->newer ? &h->newer->older : &c->newest) = h->older;
	*(h->older ? &h->older->newer : &c->oldest) = h->newer;
	c->idle--;
}

static void
unchain(struct seg_cache *c, struct seg_fd *h)
{
	*slot(c, h->home) = h->chain;
	h->gone = 1;
}

static void
end(struct seg_fd *h)
{
	if (h)
		fio_close(&h->fd);
	free(h);
}

/* The one that is there, held once more, or NULL. */
static struct seg_fd *
find(struct seg_cache *c, uint64_t home)
{
	struct seg_fd *h = *slot(c, home);

	if (h && h->holders++ == 0)
		idle_remove(c, h);
	return h;
}

/*
 * Makes `fd` findable, unless another thread was faster (then that one is used) or a forget() came between
 * the opening and now: then it serves this holder alone, since the file may be the one that was unlinked.
 */
static int
insert(struct seg_cache *c, uint64_t home, int fd, uint64_t forgotten, struct seg_fd **h)
{
	struct seg_fd *made = calloc(1, sizeof(*made));

	if (!made) {
		fio_close(&fd);
		return ERR_NOMEM;
	}
	*made = (struct seg_fd){ .fd = fd, .home = home, .holders = 1 };
	pthread_mutex_lock(&c->lock);
	if ((*h = find(c, home)) == NULL) {
		*h = made;
		made->gone = c->forgotten != forgotten;
		if (!made->gone)
			*slot(c, home) = made;
		made = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	end(made);
	return 0;
}

int
seg_cache_get(struct seg_cache *c, uint64_t home, struct seg_fd **h)
{
	struct seg_fd *there;
	uint64_t forgotten;
	char name[SEG_NAME];
	int fd = -1, rc;

	pthread_mutex_lock(&c->lock);
	there = find(c, home);
	forgotten = c->forgotten;
	pthread_mutex_unlock(&c->lock);
	if (there) {
		*h = there;
		return 0;
	}
	seg_env_name(home, name);
	if ((rc = fio_open(c->dirfd, name, O_RDONLY, 0, &fd)) != 0)
		return rc;
	return insert(c, home, fd, forgotten, h);
}

int
seg_cache_adopt(struct seg_cache *c, uint64_t home, int fd, struct seg_fd **h)
{
	uint64_t forgotten;

	pthread_mutex_lock(&c->lock);
	forgotten = c->forgotten;
	pthread_mutex_unlock(&c->lock);
	return insert(c, home, fd, forgotten, h);
}

void
seg_cache_put(struct seg_cache *c, struct seg_fd *h)
{
	struct seg_fd *out = NULL;

	if (!h)
		return;
	pthread_mutex_lock(&c->lock);
	if (--h->holders == 0) {
		if (h->gone) {
			out = h;
		} else {
			idle_add(c, h);
			if (c->idle > c->max) {
				out = c->oldest;
				idle_remove(c, out);
				unchain(c, out);
			}
		}
	}
	pthread_mutex_unlock(&c->lock);
	end(out);
}

void
seg_cache_forget(struct seg_cache *c, uint64_t home)
{
	struct seg_fd *h;

	pthread_mutex_lock(&c->lock);
	c->forgotten++;
	if ((h = *slot(c, home)) != NULL) {
		unchain(c, h);
		if (h->holders)
			h = NULL;
		else
			idle_remove(c, h);
	}
	pthread_mutex_unlock(&c->lock);
	end(h);
}

void
seg_cache_free(struct seg_cache *c)
{
	struct seg_fd *h;

	if (!c)
		return;
	while ((h = c->oldest) != NULL) {
		idle_remove(c, h);
		end(h);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

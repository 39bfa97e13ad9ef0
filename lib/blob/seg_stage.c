#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "err.h"
#include "fio.h"
#include "seg_stage.h"

struct seg_stage {
	pthread_mutex_t lock;
	pthread_cond_t given;
	uint8_t *memory;
	uint8_t *idle[SEG_STAGE_COUNT];	/* the last given is taken first: it is still in the cache */
	unsigned count;			/* of those */
};

int
seg_stage_new(struct seg_stage **stage)
{
	struct seg_stage *s = calloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	/* Takes memory only as far as it is used. */
	s->memory = mmap(NULL, SEG_STAGE_COUNT * SEG_STAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	    0);
	if (s->memory == MAP_FAILED) {
		free(s);
		return ERR_NOMEM;
	}
	for (; s->count < SEG_STAGE_COUNT; s->count++)
		s->idle[s->count] = s->memory + (size_t)s->count * SEG_STAGE_SIZE;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->given, NULL);
	*stage = s;
	return 0;
}

void
seg_stage_free(struct seg_stage *s)
{
	if (!s)
		return;
	pthread_cond_destroy(&s->given);
	pthread_mutex_destroy(&s->lock);
	munmap(s->memory, SEG_STAGE_COUNT * SEG_STAGE_SIZE);
	free(s);
}

static uint8_t *
take(struct seg_stage *s)
{
	uint8_t *buffer;

	pthread_mutex_lock(&s->lock);
	while (s->count == 0)
		pthread_cond_wait(&s->given, &s->lock);
	buffer = s->idle[--s->count];
	pthread_mutex_unlock(&s->lock);
	return buffer;
}

static void
give(struct seg_stage *s, uint8_t *buffer)
{
	pthread_mutex_lock(&s->lock);
	s->idle[s->count++] = buffer;
	pthread_cond_signal(&s->given);
	pthread_mutex_unlock(&s->lock);
}

/* A place in a vector. */
struct cursor {
	const struct iovec *iov;
	int count;
	size_t at;		/* in the first of them */
};

/* Copies until the buffer is full or nothing is left, and returns how much. */
static size_t
fill(struct cursor *c, uint8_t *buffer)
{
	size_t n, done = 0;

	for (; c->count > 0 && done < SEG_STAGE_SIZE; done += n) {
		n = c->iov->iov_len - c->at;
		if (n > SEG_STAGE_SIZE - done)
			n = SEG_STAGE_SIZE - done;
		memcpy(buffer + done, (const uint8_t *)c->iov->iov_base + c->at, n);
		if ((c->at += n) == c->iov->iov_len) {
			c->at = 0;
			c->iov++;
			c->count--;
		}
	}
	return done;
}

int
seg_stage_write(struct seg_stage *s, int fd, const char *name, const struct iovec *iov, int count, uint64_t offset)
{
	struct cursor c = { iov, count, 0 };
	uint8_t *buffer = take(s);
	size_t n;
	int rc = 0;

	while (rc == 0 && c.count > 0) {
		n = fill(&c, buffer);
		rc = fio_pwrite_direct(fd, name, buffer, n, offset);
		offset += n;
	}
	give(s, buffer);
	return rc;
}

#include <fcntl.h>
#include <stdlib.h>

#include <sys/uio.h>

#include "err.h"
#include "fio.h"
#include "seg_file.h"

static uint64_t
round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* Numbers are never given twice; one that is taken by a file is skipped. */
static int
make_file(struct seg_file *f, int *fd)
{
	int rc;

	do {
		f->home = atomic_fetch_add(&f->env->next, 1);
		seg_env_name(f->home, f->name);
		rc = fio_open(f->env->dirfd, f->name, O_RDWR | O_CREAT | O_EXCL, 0600, fd);
	} while (rc == ERR_EXISTS);
	return rc;
}

int
seg_file_new(struct seg_env *env, bool zeroed, struct seg_file **f)
{
	uint8_t header[RECORD_FILE_HEADER_SIZE];
	struct seg_file *n = calloc(1, sizeof(*n));
	struct record_file file;
	int fd = -1, rc;

	if (!n)
		return ERR_NOMEM;
	n->env = env;
	n->zeroed = zeroed;
	if ((rc = make_file(n, &fd)) != 0)
		goto out;
	file = seg_env_file(env, n->home);
	record_file_encode(&file, header);
	if ((rc = fio_pwrite(fd, n->name, header, sizeof(header), 0)) == 0) {
		rc = seg_cache_adopt(env->cache, n->home, fd, &n->handle);
		fd = -1;
	}
	if (rc) {
		fio_unlink(env->dirfd, n->name);
		goto out;
	}
	n->tail = n->done = n->ready = n->started = sizeof(header);
	*f = n;
	n = NULL;
out:
	fio_close(&fd);
	seg_file_free(n);
	return rc;
}

void
seg_file_free(struct seg_file *f)
{
	if (!f)
		return;
	seg_cache_put(f->env->cache, f->handle);
	seg_index_release(&f->index);
	free(f);
}

/* Asks for a large piece; where the disk is nearly full, for what is needed alone. */
static int
allocate(const struct seg_file *f, uint64_t need, uint64_t *allocated)
{
	uint64_t to = f->allocated + SEGMENT_EXTEND, most = round_up(f->env->limit, BLOCK_SIZE);
	int rc;

	if (to > most)
		to = most;
	if (to < need)
		to = round_up(need, BLOCK_SIZE);
	rc = fio_allocate(f->handle->fd, f->name, f->allocated, to - f->allocated);
	if (rc == ERR_SPACE && to > round_up(need, BLOCK_SIZE)) {
		to = round_up(need, BLOCK_SIZE);
		rc = fio_allocate(f->handle->fd, f->name, f->allocated, to - f->allocated);
	}
	if (rc == 0)
		*allocated = to;
	return rc;
}

static int
write_zeros(const struct seg_file *f, uint64_t from, uint64_t to)
{
	static uint8_t zeros[BLOCK_SIZE];
	struct iovec iov[SEG_ZERO_STEP / BLOCK_SIZE];
	uint64_t left;
	int n, rc = 0;

	while (rc == 0 && from < to) {
		left = to - from;
		for (n = 0; n < (int)(SEG_ZERO_STEP / BLOCK_SIZE) && left > 0; n++) {
			iov[n] = (struct iovec){ zeros, left < BLOCK_SIZE ? (size_t)left : BLOCK_SIZE };
			left -= iov[n].iov_len;
		}
		rc = fio_pwritev(f->handle->fd, f->name, iov, n, from);
		from = to - left;
	}
	return rc;
}

int
seg_file_prepare(const struct seg_file *f, uint64_t need, uint64_t *ready, uint64_t *allocated)
{
	uint64_t to, have = f->allocated;
	int rc;

	if (need > have && (rc = allocate(f, need, &have)) != 0)
		return rc;
	to = have;
	if (f->zeroed) {
		to = round_up(need + SEG_ZERO_STEP / 2, SEG_ZERO_STEP);
		if (to > have)
			to = have;
		if ((rc = write_zeros(f, f->ready, to)) != 0)
			return rc;
	}
	*ready = to;
	*allocated = have;
	return 0;
}

int
seg_file_reserve(struct seg_file *f, struct seg_write *w, const uint8_t id[32], uint32_t size, uint32_t raw,
    struct record_entry **entry)
{
	int rc;

	if ((rc = seg_index_add(&f->index, id, f->tail, size, raw, entry)) != 0)
		return rc;
	*w = (struct seg_write){ .offset = f->tail, .end = f->tail + size, .prev = f->last };
	*(f->last ? &f->last->next : &f->first) = w;
	f->last = w;
	f->tail += size;
	return 0;
}

void
seg_file_complete(struct seg_file *f, struct seg_write *w)
{
	*(w->prev ? &w->prev->next : &f->first) = w->next;
	*(w->next ? &w->next->prev : &f->last) = w->prev;
	if (w->end > f->done)
		f->done = w->end;
}

uint64_t
seg_file_written(const struct seg_file *f)
{
	return f->first ? f->first->offset : f->tail;
}

int
seg_file_flush(const struct seg_file *f)
{
	int rc;

	if (!f->entered) {
		if ((rc = fio_sync(f->handle->fd, f->name)) == 0)
			rc = fio_sync_dir(f->env->dirfd, SEG_DIR);
		return rc;
	}
#ifdef BUG_NO_SEGMENT_FLUSH
	return 0;
#else
	return fio_datasync(f->handle->fd, f->name);
#endif
}

int
seg_file_end(struct seg_env *env, int fd, const char *name, uint64_t home, const struct seg_index *index,
    uint64_t tail)
{
	struct record_file file = seg_env_file(env, home);
	uint8_t *bytes = NULL;
	size_t len = 0;
	int rc;

	if ((rc = seg_index_encode(index, &file, tail, &bytes, &len)) != 0)
		return rc;
	if ((rc = fio_pwrite(fd, name, bytes, len, tail)) == 0)
		rc = fio_truncate(fd, name, tail + len);
	free(bytes);
	return rc;
}

int
seg_file_seal(const struct seg_file *f)
{
	return fio_sync(f->handle->fd, f->name);
}

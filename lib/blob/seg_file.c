#include <fcntl.h>
#include <stdlib.h>

#include <sys/uio.h>

#include "err.h"
#include "fio.h"
#include "seg_file.h"
#include "seg_filler.h"
#include "seg_stage.h"

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

/* Header and filler with one direct write, which also tells whether the file system takes them. */
static int
begin_direct(struct seg_file *f, const struct record_file *file)
{
	uint8_t bytes[SEG_ALIGN] = { 0 };
	int rc;

	record_file_encode(file, bytes);
	seg_filler_encode(file, RECORD_FILE_HEADER_SIZE, SEG_ALIGN - RECORD_FILE_HEADER_SIZE,
	    bytes + RECORD_FILE_HEADER_SIZE);
	if ((rc = fio_open_direct(f->env->dirfd, f->name, &f->direct)) == 0)
		rc = seg_stage_write(f->env->stage, f->direct, f->name, &(struct iovec){ bytes, sizeof(bytes) }, 1, 0);
	if (rc == 0)
		f->tail = sizeof(bytes);
	else
		fio_close(&f->direct);
	return rc;
}

static int
begin(struct seg_file *f, int fd, bool direct)
{
	struct record_file file = seg_env_file(f->env, f->home);
	uint8_t header[RECORD_FILE_HEADER_SIZE];
	int rc;

	if (direct && !atomic_load(&f->env->buffered)) {
		if ((rc = begin_direct(f, &file)) != ERR_UNSUPPORTED)
			return rc;
		seg_env_refused(f->env);
	}
	record_file_encode(&file, header);
	f->tail = sizeof(header);
	return fio_pwrite(fd, f->name, header, sizeof(header), 0);
}

int
seg_file_new(struct seg_env *env, enum seg_style style, struct seg_file **f)
{
	struct seg_file *n = calloc(1, sizeof(*n));
	int fd = -1, rc;

	if (!n)
		return ERR_NOMEM;
	n->env = env;
	n->zeroed = style == SEG_ZEROED;
	n->direct = -1;
	if ((rc = make_file(n, &fd)) != 0)
		goto out;
	if ((rc = begin(n, fd, style == SEG_DIRECT)) == 0) {
		rc = seg_cache_adopt(env->cache, n->home, fd, &n->handle);
		fd = -1;
	}
	if (rc) {
		fio_unlink(env->dirfd, n->name);
		goto out;
	}
	n->done = n->ready = n->started = n->tail;
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
	fio_close(&f->direct);
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

static uint32_t
fill(const struct seg_file *f, uint32_t size)
{
	return f->direct >= 0 ? seg_filler_size(f->tail + size) : 0;
}

uint64_t
seg_file_room(const struct seg_file *f, uint32_t size)
{
	return (uint64_t)size + fill(f, size);
}

int
seg_file_reserve(struct seg_file *f, struct seg_write *w, const uint8_t id[32], uint32_t size, uint32_t raw,
    struct record_entry **entry)
{
	uint32_t behind = fill(f, size);
	int rc;

	if ((rc = seg_index_add(&f->index, id, f->tail, size, raw, entry)) != 0)
		return rc;
	*w = (struct seg_write){ .offset = f->tail, .end = f->tail + size + behind, .fill = behind, .prev = f->last };
	*(f->last ? &f->last->next : &f->first) = w;
	f->last = w;
	f->tail = w->end;
	return 0;
}

/* Past the page cache where that is possible. *lost: the device has lost bytes. */
static int
write_out(const struct seg_file *f, uint64_t offset, struct seg_pack *p, bool *lost)
{
	int rc;

	if (f->direct >= 0 && !atomic_load(&f->env->buffered)) {
		rc = seg_stage_write(f->env->stage, f->direct, f->name, p->iov, p->count, offset);
		if (rc != ERR_UNSUPPORTED) {
			*lost = rc == ERR_IO;
			return rc;
		}
		seg_env_refused(f->env);
	}
	return fio_pwritev(f->handle->fd, f->name, p->iov, p->count, offset);
}

int
seg_file_write(const struct seg_file *f, const struct seg_write *w, const uint8_t id[32], struct seg_pack *p)
{
	struct record_file file = seg_env_file(f->env, f->home);
	bool lost = false;
	int rc;

	seg_pack_place(p, &file, w->offset, w->fill, id);
	if ((rc = write_out(f, w->offset, p, &lost)) == 0)
		return 0;
	if (lost || seg_pack_abandon(p, f->handle->fd, f->name, &file, w->offset)) {
		seg_env_close(f->env, f->name);
		return ERR_IO;
	}
	return rc;
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

#include <stddef.h>
#include <sys/mman.h>

#include "block.h"
#include "crc.h"
#include "err.h"
#include "fio.h"
#include "seg_pack.h"
#include "seg_scratch.h"

#define PACK_MIN 512	/* below it zstd cannot save enough to pay */
#define VAIN_MAX 2	/* blocks in a row that did not shrink */
#define PROBE 4		/* then every so many'th is tried, until one does */

/* Appends stored bytes to the vector, joining what is contiguous. */
static void
gather(struct seg_pack *p, void *bytes, size_t len)
{
	struct iovec *last = &p->iov[p->count - 1];

	if (p->count > 1 && (uint8_t *)last->iov_base + last->iov_len == bytes)
		last->iov_len += len;
	else
		p->iov[p->count++] = (struct iovec){ bytes, len };
}

/*
 * Where packed bytes go: the thread's buffer for one block, else pages that take memory only as far as they
 * are written and go back at once: keeping 4 MiB a thread would cost more than the faults do.
 */
static int
make_room(struct seg_pack *p, uint8_t **room)
{
	struct seg_scratch *s;

	if (p->raw <= BLOCK_SIZE) {
		if ((s = seg_scratch_get()) == NULL)
			return ERR_NOMEM;
		*room = s->in;
		return 0;
	}
	p->room = mmap(NULL, p->raw, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->room == MAP_FAILED) {
		p->room = NULL;
		return ERR_NOMEM;
	}
	p->room_size = p->raw;
	*room = p->room;
	return 0;
}

/* Bytes that do not shrink are mostly followed by more of them: after a few blocks in vain only some are tried. */
static bool
worth_packing(unsigned in_vain, uint32_t i)
{
	return in_vain < VAIN_MAX || i % PROBE == 0;
}

size_t
seg_pack_len(const struct iovec *iov, int count)
{
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	return len;
}

int
seg_pack_init(struct seg_pack *p, const struct iovec *iov, size_t len, bool compress)
{
	static uint8_t zeros[RECORD_ALIGN];
	uint8_t *raw, *room = NULL, *from;
	struct block_ctx *ctx = NULL;
	uint32_t n = record_blocks((uint32_t)len), size, packed;
	size_t stored, at = 0;
	unsigned in_vain = 0;
	int rc;

	p->raw = (uint32_t)len;
	p->room = NULL;
	p->fill = 0;
	p->count = 1;
	if (compress && len >= PACK_MIN) {
		if ((rc = make_room(p, &room)) != 0)
			return rc;
		ctx = block_ctx_take();	/* without one the blocks are stored as they are */
	}
	p->head_size = RECORD_HEADER_SIZE + RECORD_TABLE_SIZE(n);
	stored = p->head_size;
	for (uint32_t i = 0; i < n; i++, at += size) {
		size = record_block_raw(p->raw, i);
		for (; at >= iov->iov_len; iov++)
			at -= iov->iov_len;
		raw = (uint8_t *)iov->iov_base + at;
		packed = ctx && worth_packing(in_vain, i) ? (uint32_t)block_pack(ctx, raw, size, room) : 0;
		in_vain = packed ? 0 : in_vain + 1;
		from = packed ? room : raw;
		if (packed)
			room += packed;
		p->blocks[i].packed = packed > 0;
		p->blocks[i].stored = packed ? packed : size;
		p->blocks[i].crc = crc32c_seeded(0, from, p->blocks[i].stored);
		gather(p, from, p->blocks[i].stored);
		stored += p->blocks[i].stored;
	}
	block_ctx_give(ctx);
	p->size = (uint32_t)((stored + RECORD_ALIGN - 1) & ~(size_t)(RECORD_ALIGN - 1));
	if (p->size > stored)
		p->iov[p->count++] = (struct iovec){ zeros, p->size - stored };
	return 0;
}

void
seg_pack_release(struct seg_pack *p)
{
	if (p->room)
		munmap(p->room, p->room_size);
	p->room = NULL;
}

void
seg_pack_place(struct seg_pack *p, const struct record_file *file, uint64_t offset, uint32_t fill,
    const uint8_t id[32])
{
	static uint8_t zeros[SEG_FILLER_MAX];

	record_encode(file, offset, id, p->raw, p->blocks, p->head);
	p->iov[0] = (struct iovec){ p->head, p->head_size };
	if ((p->fill = fill) == 0)
		return;
	seg_filler_encode(file, offset + p->size, fill, p->filler);
	p->iov[p->count++] = (struct iovec){ p->filler, sizeof(p->filler) };
	p->iov[p->count++] = (struct iovec){ zeros, fill - sizeof(p->filler) };
}

int
seg_pack_abandon(struct seg_pack *p, int fd, const char *name, const struct record_file *file, uint64_t offset)
{
	static const uint8_t none[32];
	int rc;

	record_encode(file, offset, none, p->raw, p->blocks, p->head);
	if ((rc = fio_pwrite(fd, name, p->head, p->head_size, offset)) == 0 && p->fill)
		rc = fio_pwrite(fd, name, p->filler, sizeof(p->filler), offset + p->size);
	return rc;
}

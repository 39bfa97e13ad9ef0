#ifndef BLOB_SEG_STAGE_H
#define BLOB_SEG_STAGE_H

#include <stdint.h>
#include <sys/uio.h>

/*
 * The buffers that direct writes are copied into: what goes past the page cache must stand at an aligned address, and a
 * record's pieces do not. SEG_STAGE_COUNT of SEG_STAGE_SIZE bytes for the whole store, however many streams write;
 * who finds none waits for one, which another thread holds over its write alone. Any thread.
 */
#define SEG_STAGE_SIZE (1u << 20)
#define SEG_STAGE_COUNT 4u

struct seg_stage;

int seg_stage_new(struct seg_stage **s);	/* ERR_NOMEM */
void seg_stage_free(struct seg_stage *s);	/* nobody writes any more; NULL is fine */

/*
 * Writes all of the vector at `offset` through `fd`, from fio_open_direct(). The offset and the length of all pieces
 * together are multiples of SEG_ALIGN. ERR_UNSUPPORTED: the file system refuses; what is there is undefined. ERR_SPACE.
 * ERR_IO: as final as a failed flush.
 */
int seg_stage_write(struct seg_stage *s, int fd, const char *name, const struct iovec *iov, int count,
    uint64_t offset);

#endif

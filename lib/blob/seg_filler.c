#include "crc.h"
#include "seg_filler.h"

static const uint8_t zeros[SEG_FILLER_MAX];

uint32_t
seg_filler_size(uint64_t end)
{
	uint32_t size = (uint32_t)(-end & (SEG_ALIGN - 1));

	/* A head and a block of one byte at least. */
	return size == 0 || size > SEG_FILLER_HEAD ? size : size + SEG_ALIGN;
}

void
seg_filler_encode(const struct record_file *file, uint64_t offset, uint32_t size, uint8_t out[SEG_FILLER_HEAD])
{
	uint32_t raw = size - SEG_FILLER_HEAD;
	struct record_block block = { .stored = raw, .crc = crc32c_seeded(0, zeros, raw) };

	record_encode(file, offset, zeros, raw, &block, out);
}

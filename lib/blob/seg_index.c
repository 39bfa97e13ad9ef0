#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "seg_index.h"

int
seg_index_add(struct seg_index *x, const uint8_t id[32], uint64_t offset, uint32_t size, uint32_t raw,
    struct record_entry **entry)
{
	struct record_entry **page = &x->pages[x->count / SEG_INDEX_PAGE % SEG_INDEX_PAGES], *e;

	if (x->count >= SEG_RECORDS_MAX)
		return ERR_TOOBIG;
	if (!*page && (*page = malloc(SEG_INDEX_PAGE * sizeof(**page))) == NULL)
		return ERR_NOMEM;
	e = *page + x->count++ % SEG_INDEX_PAGE;
	memcpy(e->id, id, sizeof(e->id));
	e->offset = offset;
	e->size = size;
	e->raw = raw;
	if (entry)
		*entry = e;
	return 0;
}

int
seg_index_encode(const struct seg_index *x, const struct record_file *file, uint64_t at, uint8_t **bytes,
    size_t *len)
{
	static const uint8_t none[32];
	const struct record_entry *e;
	uint8_t *out = malloc((size_t)x->count * RECORD_ENTRY_SIZE + RECORD_TRAILER_SIZE);
	uint32_t n = 0;

	if (!out)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < x->count; i++) {
		e = x->pages[i / SEG_INDEX_PAGE] + i % SEG_INDEX_PAGE;
		if (memcmp(e->id, none, sizeof(none)))
			record_entry_encode(e, out + (size_t)n++ * RECORD_ENTRY_SIZE);
	}
	*len = (size_t)n * RECORD_ENTRY_SIZE + RECORD_TRAILER_SIZE;
	record_trailer_encode(file, at, out, n, out + *len - RECORD_TRAILER_SIZE);
	*bytes = out;
	return 0;
}

void
seg_index_release(struct seg_index *x)
{
	for (size_t i = 0; i < SEG_INDEX_PAGES; i++)
		free(x->pages[i]);
	*x = (struct seg_index){ 0 };
}

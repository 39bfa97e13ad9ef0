#ifndef BASE_LE_H
#define BASE_LE_H

#include <stdint.h>

/* Explicit little-endian loads and stores at any alignment: the only way numbers get on disk. */
static inline void
le_put(void *to, uint64_t value, int bytes)
{
	uint8_t *p = to;

	for (int i = 0; i < bytes; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t
le_get(const void *from, int bytes)
{
	const uint8_t *p = from;
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value |= (uint64_t)p[i] << (8 * i);
	return value;
}

#define le_put16(to, v) le_put((to), (v), 2)
#define le_put32(to, v) le_put((to), (v), 4)
#define le_put64(to, v) le_put((to), (v), 8)
#define le_get16(from) ((uint16_t)le_get((from), 2))
#define le_get32(from) ((uint32_t)le_get((from), 4))
#define le_get64(from) le_get((from), 8)

#endif

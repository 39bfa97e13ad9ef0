#ifndef BASE_LE_H
#define BASE_LE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

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

/* The usual widths, as one instruction: compilers leave the loops as they are. */
static inline void
le_put16(void *to, uint64_t value)
{
	uint16_t v = htole16((uint16_t)value);

	memcpy(to, &v, sizeof(v));
}

static inline void
le_put32(void *to, uint64_t value)
{
	uint32_t v = htole32((uint32_t)value);

	memcpy(to, &v, sizeof(v));
}

static inline void
le_put64(void *to, uint64_t value)
{
	uint64_t v = htole64(value);

	memcpy(to, &v, sizeof(v));
}

static inline uint16_t
le_get16(const void *from)
{
	uint16_t v;

	memcpy(&v, from, sizeof(v));
	return le16toh(v);
}

static inline uint32_t
le_get32(const void *from)
{
	uint32_t v;

	memcpy(&v, from, sizeof(v));
	return le32toh(v);
}

static inline uint64_t
le_get64(const void *from)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
	return le64toh(v);
}

#endif

#ifndef BLOB_SEG_READ_H
#define BLOB_SEG_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blob.h"
#include "seg_env.h"

/*
 * Reads a range of one chunk from its record: blob_ops.get without the second try.
 * `fresh` believes nothing that an earlier read left behind. Any thread.
 */
int seg_read(struct seg_env *env, int fd, const uint8_t id[32], const struct blob_place *place, size_t from,
    size_t len, bool fresh, void *bytes);

#endif

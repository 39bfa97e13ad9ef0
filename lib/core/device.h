#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "principal.h"
#include "str.h"

/* Devices of users: what they are called, and how far each has got (SYNC 8). */
struct store;

/* What a conflict copy says of where it comes from: the device's name (0: none), else the user's. Written to `text`. */
struct slice device_label(struct store *store, const struct principal *who, int64_t device, char *text, size_t size);

#endif

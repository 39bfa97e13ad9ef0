#ifndef FSCTL_ARRIVED_H
#define FSCTL_ARRIVED_H

#include <stdbool.h>

/* What the server has of a file that is being sent, beside the file as it is here now. */
struct sending;

/*
 * Whether the parts that the last reply, to sending_ask() from 0 on, tells of have the
 * file's bytes; one without an MD5 has not. It reads all of them. An exit status, told.
 */
int arrived_compare(struct sending *s, bool *same);

#endif

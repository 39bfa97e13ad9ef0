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
/*
 * Whether the file has the bytes that were sent of it although something happened to it:
 * a new name, another link to it or other rights come without it being written to. False
 * at once where its size or time is another one; else it is read. An exit status, told.
 */
int arrived_still(struct sending *s, bool *still);

#endif

#ifndef TABLE_TBL_SEGMENT_H
#define TABLE_TBL_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

struct db_conn;

/* The table `segment`: what the database knows of the blob store's homes. */
enum { SEGMENT_OPEN = 1, SEGMENT_SEALED = 2 };

struct segment_row {
	int64_t home;
	int state;
	int64_t tail;		/* durable bytes */
	int64_t freed;		/* bytes of chunks that were freed there since it was last accounted */
};

/* Inserts or brings state and tail up to date. */
int tbl_segment_put(struct db_conn *c, int64_t home, int state, int64_t tail);
int tbl_segment_freed(struct db_conn *c, int64_t home, int64_t bytes);	/* adds */
int tbl_segment_delete(struct db_conn *c, int64_t home);
/* Rows with home > `after`, ascending, at most `max`; *n gets how many. */
int tbl_segment_list(struct db_conn *c, int64_t after, struct segment_row *rows, unsigned max, unsigned *n);

#endif

#ifndef TABLE_TBL_CHUNK_H
#define TABLE_TBL_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

struct db_conn;
struct db_row;

/* The table `chunk`: where each chunk's bytes are and how many references it has. */
struct chunk_row {
	uint8_t hash[32];
	int64_t refs;
	int64_t home, place;
	uint32_t stored, size;
	int64_t generation;
	int64_t dead_at;	/* 0 while referenced */
	int64_t origin;		/* the first workspace that is known to have a version that is this chunk alone; 0: none is */
};

int tbl_chunk_get(struct db_conn *c, const uint8_t hash[32], struct chunk_row *row);	/* ERR_NOTFOUND */

/*
 * Counts one reference: inserts the row with refs 1, or, where the chunk is there, adds one and revives a tombstone. The
 * place of an existing row stays, and row->origin becomes one of those that are known to have it. *ours tells whether the row now has the place given.
 */
int tbl_chunk_take_at(struct db_conn *c, const struct chunk_row *row, bool *ours);
/* Adds a reference to one that is there, reviving a tombstone; `workspace` (0: none) is known to have it then. ERR_NOTFOUND. */
int tbl_chunk_take(struct db_conn *c, const uint8_t hash[32], int64_t workspace);
/* The same of one that is no tombstone and has that many bytes. ERR_NOTFOUND. */
int tbl_chunk_take_live(struct db_conn *c, const uint8_t hash[32], uint32_t size, int64_t workspace);
/*
 * Takes a reference away; at none left it becomes a tombstone of `now`. `workspace` (0: none) is not known to have it any more. ERR_NOTFOUND;
 * ERR_CORRUPT below zero.
 */
int tbl_chunk_drop(struct db_conn *c, const uint8_t hash[32], int64_t workspace, int64_t now);
/* Whether the workspace is known to have it. ERR_NOTFOUND: it is not. */
int tbl_chunk_known(struct db_conn *c, const struct chunk_row *row, int64_t workspace);

/* The bytes were moved: only if they still are at (from_home, from_place). *moved tells. */
int tbl_chunk_move(struct db_conn *c, const struct chunk_row *to, int64_t from_home, int64_t from_place, bool *moved);
int tbl_chunk_delete(struct db_conn *c, const uint8_t hash[32]);

/* Tombstones with dead_at < before, oldest first; at most `max`. */
int tbl_chunk_dead(struct db_conn *c, int64_t before, struct chunk_row *rows, unsigned max, unsigned *n);
/* All of them, in no order: db_next(), columns home and stored bytes. */
int tbl_chunk_dead_scan(struct db_conn *c, int64_t before, struct db_row *row);
/* How many those are, and the bytes that they take. */
int tbl_chunk_dead_sum(struct db_conn *c, int64_t before, int64_t *count, int64_t *stored);
/* Rows with hash > after, ascending: for check. */
int tbl_chunk_list(struct db_conn *c, const uint8_t after[32], struct chunk_row *rows, unsigned max, unsigned *n);

#endif

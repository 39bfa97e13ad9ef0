#ifndef CORE_GATE_H
#define CORE_GATE_H

/*
 * Who may write when the disk runs full. Below max(reserve_bytes, reserve_percent of the disk) new content is refused with
 * ERR_SPACE; deletes and GC go on. DATA/ballast holds space that is given back when even those can't
 * (the engine reports a full disk), and made again when there is room. Until there is, new content is refused whatever the reserve:
 * else it would take what was given back, and a full disk that nobody can delete from is what remains.
 */
struct store;
struct gate;

int gate_new(struct store *store, struct gate **gate);	/* makes the ballast if there is room */
void gate_free(struct gate *gate);			/* NULL is fine; the ballast stays */
int gate_write(struct store *store);			/* 0 or ERR_SPACE; cheap: looks at the disk a few times a second */
void gate_disk_full(struct store *store);		/* the engine said so: gives the ballast back */

#endif

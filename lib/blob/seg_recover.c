#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "fio.h"
#include "log.h"
#include "seg_file.h"
#include "seg_index.h"
#include "seg_recover.h"
#include "seg_scan.h"

/* One segment, from its row (NULL: unknown) and its file. */
struct patient {
	struct seg_env *env;
	const struct blob_home *row;
	uint64_t home, size, trusted;
	char name[SEG_NAME];
	int fd;
	bool read_only;
	bool sealed;			/* found or made so */
	uint64_t tail;			/* the end of the last record */
	uint32_t records;
};

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The numbers of all segment files, ascending; *homes is malloc'd. */
static int
list_files(int dirfd, uint64_t **homes, size_t *count)
{
	uint64_t *list = NULL, *grown, home;
	size_t n = 0, room = 0;
	struct dirent *entry;
	DIR *dir = NULL;
	int fd = -1, rc;

	if ((rc = fio_open(dirfd, ".", O_RDONLY | O_DIRECTORY, 0, &fd)) != 0)
		goto out;
	if ((dir = fdopendir(fd)) == NULL) {
		rc = log_errno(ERR_IO, "read folder %s", SEG_DIR);
		goto out;
	}
	fd = -1;
	while ((entry = readdir(dir)) != NULL) {
		if ((home = seg_env_home(entry->d_name)) == 0) {
			if (entry->d_name[0] != '.')
				log_warn("%s/%s is no segment; ignored", SEG_DIR, entry->d_name);
			continue;
		}
		if (n == room) {
			room = room ? room * 2 : 64;
			if ((grown = reallocarray(list, room, sizeof(*list))) == NULL) {
				rc = ERR_NOMEM;
				goto out;
			}
			list = grown;
		}
		list[n++] = home;
	}
	if (n)
		qsort(list, n, sizeof(*list), by_number);
	*homes = list;
	*count = n;
	list = NULL;
out:
	if (dir)
		closedir(dir);
	fio_close(&fd);
	free(list);
	return rc;
}

/* ERR_NOTFOUND: nothing was ever written there. ERR_CORRUPT: not a segment of this store and number. */
static int
check_header(const struct patient *p)
{
	uint8_t bytes[RECORD_FILE_HEADER_SIZE] = { 0 };
	static const uint8_t zeros[RECORD_FILE_HEADER_SIZE];
	struct record_file file;
	size_t got;
	int rc;

	if ((rc = fio_pread_some(p->fd, p->name, bytes, sizeof(bytes), 0, &got)) != 0)
		return rc;
	if (got < sizeof(bytes) || !memcmp(bytes, zeros, sizeof(bytes)))
		return ERR_NOTFOUND;
	if ((rc = record_file_decode(bytes, &file)) != 0)
		return rc;
	if (memcmp(file.store, p->env->store, sizeof(file.store)) || file.segment != p->home)
		return ERR_CORRUPT;
	return 0;
}

/* Whether it ends in an index already: then only its row came too late. */
static int
find_index(struct patient *p)
{
	struct record_file file = seg_env_file(p->env, p->home);
	struct record_trailer t;
	uint8_t *entries = NULL;
	int rc;

	if ((rc = seg_scan_index(p->fd, p->name, &file, p->size, &t, &entries)) != 0)
		return rc;
	free(entries);
	if (t.index < p->trusted)
		return ERR_CORRUPT;
	p->tail = t.index;
	p->records = t.count;
	p->sealed = true;
	return p->read_only ? 0 : fio_sync(p->fd, p->name);
}

static int
cut_and_seal(struct patient *p, struct seg_scan *s, const struct seg_index *index, uint64_t *cut)
{
	int rc;

	p->tail = s->good;
	p->records = index->count;
	if ((rc = seg_scan_used(s, p->tail, cut)) != 0)
		return rc;
	if (s->gaps)
		log_warn("segment %s: %" PRIu64 " bytes behind its durable tail were not written whole; nothing "
		    "refers to them", p->name, s->gaps);
	if (*cut)
		log_warn("segment %s: tail cut at %" PRIu64 ", %" PRIu64 " bytes", p->name, p->tail, *cut);
	if (p->read_only || (!p->row && p->records == 0))
		return 0;
	if ((rc = seg_file_end(p->env, p->fd, p->name, p->home, index, p->tail)) == 0 &&
	    (rc = fio_sync(p->fd, p->name)) == 0)
		p->sealed = true;
	return rc;
}

static int
scan(struct patient *p, uint64_t *cut)
{
	struct record_file file = seg_env_file(p->env, p->home);
	struct seg_index index = { 0 };
	struct seg_scan s = { 0 };
	struct record_entry e;
	int rc;

	if ((rc = seg_scan_init(&s, p->fd, p->name, &file, p->size, p->trusted)) != 0)
		goto out;
	while ((rc = seg_scan_next(&s, &e)) == 0)
		if ((rc = seg_index_add(&index, e.id, e.offset, e.size, e.raw, NULL)) != 0)
			goto out;
	if (rc == ERR_CORRUPT)
		log_error("segment %s: what is at %" PRIu64 " is no record", p->name, s.pos);
	if (rc == ERR_END)
		rc = cut_and_seal(p, &s, &index, cut);
out:
	seg_scan_release(&s);
	seg_index_release(&index);
	return rc;
}

/*
 * ERR_NOTFOUND: no file; or, without a row, nothing in it. ERR_CORRUPT, ERR_VERSION, ERR_IO, ERR_TOOBIG: needs an
 * administrator. ERR_SPACE: sound, but not sealed.
 */
static int
examine(struct patient *p, uint64_t *cut)
{
	int flags = p->read_only ? O_RDONLY : O_RDWR, rc;

	if ((rc = fio_open(p->env->dirfd, p->name, flags, 0, &p->fd)) != 0 ||
	    (rc = fio_size(p->fd, p->name, &p->size)) != 0)
		return rc;
	if (p->row && p->size < p->row->tail) {
		log_error("segment %s has %" PRIu64 " bytes; %" PRIu64 " were durable once", p->name, p->size,
		    p->row->tail);
		return ERR_CORRUPT;
	}
	if (p->row && p->row->sealed)
		return 0;
	if ((rc = check_header(p)) != 0)
		return rc;
	if ((rc = find_index(p)) == ERR_NOTFOUND || rc == ERR_CORRUPT || rc == ERR_VERSION)
		rc = scan(p, cut);
	if (rc == 0 && !p->row && p->records == 0)
		rc = ERR_NOTFOUND;
	return rc;
}

/* Enters the outcome of examine() where it belongs. */
static int
conclude(struct patient *p, int rc, uint64_t cut, struct blob_recovery *found, struct seg_recovered *r)
{
	if (rc == ERR_NOMEM)
		return rc;
	if (!p->row && (rc == 0 || rc == ERR_NOTFOUND || rc == ERR_SPACE))
		found->orphans++;
	if (rc == ERR_NOTFOUND && !p->row) {
		log_warn("segment %s is unknown and holds nothing%s", p->name, p->read_only ? "" : "; removed");
		return p->read_only ? 0 : fio_unlink(p->env->dirfd, p->name);
	}
	if (rc && rc != ERR_SPACE) {
		found->quarantined++;
		log_error("segment %s needs an administrator (%s); it is left as it is", p->name, err_text(rc));
		return 0;
	}
	if (p->row && p->row->sealed)
		return 0;
	found->cut += cut;
	if (p->sealed && !p->read_only) {
		found->sealed++;
		r->told[r->told_count++] = (struct blob_home){ p->home, p->tail, true };
	} else if (!p->sealed) {
		r->left[r->left_count++] = (struct seg_left){ p->home, p->trusted, p->tail };
	}
	if (!p->row)
		log_warn("segment %s is unknown and holds %u records%s", p->name, p->records,
		    p->read_only ? "" : "; adopted");
	return 0;
}

static int
recover_one(struct seg_env *env, uint64_t home, const struct blob_home *row, bool read_only,
    struct blob_recovery *found, struct seg_recovered *r)
{
	struct patient p = { .env = env, .row = row, .home = home, .fd = -1, .read_only = read_only };
	uint64_t cut = 0;
	int rc;

	p.trusted = row && row->tail > RECORD_FILE_HEADER_SIZE ? row->tail : RECORD_FILE_HEADER_SIZE;
	seg_env_name(home, p.name);
	rc = examine(&p, &cut);
	rc = conclude(&p, rc, cut, found, r);
	fio_close(&p.fd);
	return rc;
}

int
seg_recover(struct seg_env *env, const struct blob_seg_options *o, struct blob_recovery *found,
    struct seg_recovered *r)
{
	const struct blob_home *row;
	uint64_t *files = NULL, home;
	size_t nfiles = 0, i = 0, k = 0, most;
	int rc;

	*found = (struct blob_recovery){ 0 };
	*r = (struct seg_recovered){ 0 };
	if ((rc = list_files(env->dirfd, &files, &nfiles)) != 0)
		return rc;
	most = nfiles + o->count + 1;
	if ((r->told = calloc(most, sizeof(*r->told))) == NULL || (r->left = calloc(most, sizeof(*r->left))) == NULL)
		rc = ERR_NOMEM;
	while (rc == 0 && (i < nfiles || k < o->count)) {
		row = k < o->count && (i == nfiles || o->homes[k].home <= files[i]) ? &o->homes[k] : NULL;
		home = row ? row->home : files[i];
		i += i < nfiles && files[i] == home;
		k += row != NULL;
		r->highest = home;
		rc = recover_one(env, home, row, o->read_only, found, r);
	}
	if (rc == 0 && !o->read_only && (found->orphans || found->sealed))
		rc = fio_sync_dir(env->dirfd, SEG_DIR);
	free(files);
	return rc;
}

void
seg_recovered_release(struct seg_recovered *r)
{
	free(r->told);
	free(r->left);
	*r = (struct seg_recovered){ 0 };
}

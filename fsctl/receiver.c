#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "clock.h"
#include "ctl.h"
#include "cut.h"
#include "exit_status.h"
#include "fio.h"
#include "receiving.h"
#include "remote.h"
#include "str.h"
#include "tally.h"

#define DELTA_LEAST (1u << 20)	/* shorter files are fetched whole */
#define PARTS 64		/* of one version in one folder, at the same time */
#define MANIFEST_MAX ((size_t)1 << 31)
#define TRIES 16		/* to lock a part before it is renamed or removed */

static int
failed(struct receiving *g, const char *why)
{
	return tally_error(g->r->tally, STATUS_FAILED, g->r->local, "%s: %s", why, strerror(errno));
}

/* ---- the file that grows ---- */

/* Another may have renamed or removed it after we opened it and before we had the lock. */
static bool
has_its_name(const struct receiving *g)
{
	struct stat ours, named;

	return fstat(g->part, &ours) == 0 && fstatat(g->dir, g->part_name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	    ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* *taken: another has it. An exit status, said. */
static int
lock_part(struct receiving *g, bool *taken)
{
	int status = STATUS_OK, rc;

	*taken = false;
	for (int i = 0; i < TRIES; i++) {
		g->part = beneath_open(g->dir, g->part_name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
		if (g->part < 0)
			return failed(g, "it can't be made");
		while ((rc = flock(g->part, LOCK_EX | LOCK_NB)) != 0 && errno == EINTR)
			;
		if (!rc && has_its_name(g))
			return STATUS_OK;
		if (rc && errno != EWOULDBLOCK)
			status = failed(g, "its unfinished part can't be locked");
		fio_close(&g->part);	/* whoever has no lock must not remove it */
		if (rc)
			break;
	}
	*taken = status == STATUS_OK;
	return status;
}

static int
open_part(struct receiving *g, uint64_t *there)
{
	bool taken = true;
	int status;

	if (strspn(g->r->version, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(g->r->version))
		return tally_error(g->r->tally, STATUS_FAILED, g->r->path, "the server names a version that is none");
	for (unsigned i = 0; taken && i < PARTS; i++) {
		if (i)
			snprintf(g->part_name, sizeof(g->part_name), ".fsctl-%.32s.%u.part", g->r->version, i);
		else
			snprintf(g->part_name, sizeof(g->part_name), ".fsctl-%.32s.part", g->r->version);
		if ((status = lock_part(g, &taken)) != STATUS_OK)
			return status;
	}
	if (taken)
		return tally_error(g->r->tally, STATUS_LOCKED, g->r->local, "%d others fetch the same to the same folder; wait for one", PARTS);
	if (fio_size(g->part, g->r->local, there) != 0)
		return failed(g, "it can't be read");
	if (*there > g->r->size)
		*there = 0;
	return STATUS_OK;
}

static int
fetch(struct receiving *g)
{
	const struct receiver *r = g->r;
	bool done = false;
	uint64_t there = 0;
	int status = open_part(g, &there);

	if (status == STATUS_OK && g->old >= 0 && g->old_size >= DELTA_LEAST && r->size >= DELTA_LEAST)
		status = receiving_delta(g, there, &done);
	if (status != STATUS_OK || done)
		return status;
	if ((status = receiving_begin(g, there)) == STATUS_OK && !g->at && r->size && r->size <= r->min && g->hash)
		status = receiving_chunk(g, g->hash, &done);
	return status == STATUS_OK && !done ? receiving_whole(g) : status;
}

/* ---- its end ---- */

/* Once its name is gone, another may give it to a part of theirs. */
static void
drop_part(struct receiving *g)
{
	if (g->part >= 0 && *g->part_name)
		(void)fio_unlink(g->dir, g->part_name);
	*g->part_name = '\0';
}

/* It is of no use to anybody; what an earlier try brought is, also when this one did not come to it. */
static void
drop_empty_part(struct receiving *g)
{
	struct stat st;

	if (g->part >= 0 && fstat(g->part, &st) == 0 && !st.st_size)
		drop_part(g);
}

static int
verify(struct receiving *g)
{
	bool right = false;
	int status = receiving_verify(g, &right);

	if (status != STATUS_OK || right)
		return status;
	drop_part(g);
	return tally_error(g->r->tally, STATUS_INTEGRITY, g->r->path, "what came is not what the server's hash says");
}

static void
set_attributes(const struct receiver *r, int fd)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };
	unsigned mode = r->mode ? (unsigned)strtoul(r->mode, NULL, 8) & 0777 : 0;
	int64_t us;

	if (r->mode && mode)
		(void)fchmod(fd, (mode_t)mode);
	if (r->mtime && clock_parse_rfc3339(r->mtime, &us) == 0)
		times[1] = (struct timespec) { us / 1000000, us % 1000000 * 1000 };
	(void)futimens(fd, times);
}

/*
 * Only a file gives way, and a link: it is replaced itself. One that leads to a device, a
 * pipe or a socket stays, since what was meant may be what it leads to.
 */
static int
check_place(struct receiving *g)
{
	struct stat st;
	const char *why = "there is a device, a pipe or a socket of that name; `-` is standard output";

	g->replaces = fstatat(g->dir, g->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!g->replaces)
		return errno == ENOENT ? STATUS_OK : failed(g, "what is there can't be looked at");
	if (S_ISLNK(st.st_mode) && (fstatat(g->dir, g->name, &st, 0) != 0 || S_ISDIR(st.st_mode)))
		return STATUS_OK;
	if (S_ISREG(st.st_mode))
		return STATUS_OK;
	return tally_error(g->r->tally, STATUS_FAILED, g->r->local, "%s", S_ISDIR(st.st_mode) ? "there is a folder of that name" : why);
}

static int
finish(struct receiving *g)
{
	int status;

	if (!g->r->mode)	/* as any new file */
		(void)fchmod(g->part, 0666 & ~g->r->mask);
	set_attributes(g->r, g->part);
	if ((status = check_place(g)) != STATUS_OK) {
		drop_part(g);
		return status;
	}
	/* A power cut must not leave less than there was; of what was not there the next get makes good what is missing. */
	if (g->replaces && fio_datasync(g->part, g->r->local) != 0) {
		status = failed(g, "it can't be written to the disk for good");
		drop_part(g);
		return status;
	}
	if (fio_rename(g->dir, g->part_name, g->name) != 0)
		return failed(g, "it can't get its name");
	tally_item(g->r->tally, &(struct tally_item) { .action = "get", .from = g->r->path, .to = g->r->local, .version = g->r->version,
	    .bytes = g->r->size });
	return STATUS_OK;
}

/* ---- what is there ---- */

static bool
same_hash(struct receiving *g)
{
	char hex[2 * SHA256_SIZE + 1];
	uint8_t hash[SHA256_SIZE];
	uint64_t got = 0;
	int rc;

	if (!g->hash)
		return false;
	rc = cut_hash(g->old, g->r->local, CUT_ALL, g->digest, &got);
	digest_final(g->digest, hash);
	digest_reset(g->digest);
	hex_encode(hash, sizeof(hash), hex);
	return rc == 0 && got == g->r->size && !strcmp(g->hash, hex);
}

/* An older file is left open for what it has; true: it is what we want. */
static bool
is_there(struct receiving *g)
{
	const struct receiver *r = g->r;
	struct stat st;
	bool same;

	if (fstatat(g->dir, g->name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
		return false;
	g->old = beneath_open(g->dir, g->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (g->old >= 0 && (fstat(g->old, &st) != 0 || !S_ISREG(st.st_mode)))
		fio_close(&g->old);
	if (g->old < 0)
		return false;
	g->old_size = (uint64_t)st.st_size;
	same = g->old_size == r->size && same_hash(g);
	if (same) {
		set_attributes(r, g->old);
		tally_spare(r->tally, (int64_t)r->size);
		tally_item(r->tally, &(struct tally_item) { .action = "unchanged", .from = r->path, .to = r->local,
		    .version = r->version, .bytes = r->size });
	}
	return same;
}

static int
to_output(struct receiving *g)
{
	int status = receiving_whole(g);

	if (status == STATUS_OK && (status = verify(g)) == STATUS_OK)
		tally_item(g->r->tally, &(struct tally_item) { .action = "get", .from = g->r->path, .to = "-",
		    .version = g->r->version, .bytes = g->r->size });
	return status;
}

static int
to_disk(struct receiving *g)
{
	char *above = remote_above(g->r->dest);
	int status = STATUS_OK;

	g->name = remote_base(g->r->dest);
	g->dir = above ? beneath_folder(g->r->root, above) : -1;
	free(above);
	if (g->dir < 0)
		return failed(g, "its folder can't be opened");
	if ((status = check_place(g)) != STATUS_OK || is_there(g))
		return status;
	if ((status = fetch(g)) == STATUS_OK && (status = verify(g)) == STATUS_OK)
		status = finish(g);
	if (status != STATUS_OK)
		drop_empty_part(g);
	return status;
}

int
receiver_get(const struct receiver *r, struct peer *peer)
{
	struct receiving g = { .r = r, .peer = peer, .dir = -1, .old = -1, .part = -1, .manifest = BUF_INIT(MANIFEST_MAX) };
	int status;

	if (r->hash && str_starts(r->hash, "sha256:"))
		g.hash = r->hash + strlen("sha256:");
	if (digest_new(DIGEST_SHA256, &g.digest) != 0)
		return tally_error(r->tally, STATUS_FAILED, r->local, "out of memory");
	status = r->root < 0 ? to_output(&g) : to_disk(&g);
	digest_free(g.digest);
	fio_close(&g.dir);
	fio_close(&g.old);
	fio_close(&g.part);
	buf_release(&g.manifest);
	free(g.url);
	return tally_outcome(r->tally, status, r->path);
}

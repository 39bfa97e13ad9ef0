#ifndef FSCTL_SENDER_H
#define FSCTL_SENDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * One file to the server by an upload session:
 *
 *	none -> started (kept in resume.h if it is long) -> parts sent -> completed (forgotten)
 *	                                                 -> written to meanwhile: aborted
 *	                                                 -> a part arrived as other bytes: aborted
 *	                                                 -> interrupted: goes on where it was, by the same command
 *	                                                 -> went on and is refused as unfit: given up for a new one, once
 *	                                                 -> refused for good, or failed and is not kept, or is another file by now: aborted
 *
 * A session goes on only with the same file, and to the folder and name, or the version of
 * the file there, that it was begun for, and of a file in parts if those that arrived are
 * the file's; otherwise it is aborted. Where another fsctl is
 * sending to that place this one has a session of its own, which is not kept.
 *
 * A long file, and one of which there is a version already, is cut as the server cuts,
 * and only chunks that the server lacks are sent; a file of more than 10,000 chunks
 * (about 11 GiB) goes in parts, as does a short new one.
 */
struct tally;
struct crew;
struct peer;
struct remote;

struct sender {
	struct tally *tally;
	const struct remote *to;	/* workspace and chunk sizes; only what does not change is read */
	const char *local;		/* its name here, for people */
	const char *path;		/* there: WORKSPACE/path */
	const char *parent, *name;	/* a folder's id and the name in it */
	const char *file, *base;	/* the file there and its version; NULL: there is none */
	const char *base_hash;		/* "sha256:…" of that version, or NULL */
	uint64_t base_size;
	int fd;
	bool link;			/* `local` may be a link */
	bool once;			/* nobody can send it again */
	struct stat st;			/* of fd, when it was looked at */
};

/*
 * The API's form of a file's times and rights: "2026-11-22T13:52:15.123456Z" (CLOCK_TEXT
 * bytes), "0644".
 */
void sender_mtime(const struct stat *st, char *text);
void sender_mode(const struct stat *st, char text[8]);
/* Why a name, or one of those in a path, can't be sent, or NULL. */
const char *sender_name_reason(const char *name);
const char *sender_path_reason(const char *path);

/*
 * Whether `fd` is the file that was looked at, and was not written to since: then *st is
 * how it is now, with another name for it or other rights perhaps. What a folder's walk
 * has found is opened by its path, where by then a link can stand, or a folder's that
 * leads to something that is not to be sent.
 */
bool sender_is_same(int fd, struct stat *st);
/* Nothing happened to it since; even a time that was set back shows. */
bool sender_is_untouched(int fd, const struct stat *st);

/*
 * All that tally is told. With a crew, parts go in parallel (call from its thread);
 * without, one after the other. An exit status.
 */
int sender_send(const struct sender *u, struct peer *peer, struct crew *crew);
/* The same of `local`, which is opened first: it has to be what st is of. */
int sender_open(const struct sender *u, struct peer *peer, struct crew *crew);

#endif

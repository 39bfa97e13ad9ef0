#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * Many who wait for changes of one workspace: some by GET /v1/events (half of them), the others by GET /v1/changes?wait. Commits are made one by one,
 * and each must reach everybody; then all connections are cut at once and come back with what they heard last, while commits go on.
 *
 *	waiters --port P --token T --workspace WS [--count N] [--rounds N] [--pid PID] [--limit SECONDS] [--events PERCENT]
 *	    [--rest SECONDS before memory is measured]
 *
 * Prints one line of JSON: times in microseconds from a commit's reply to its arrival, bytes of anonymous memory of PID. Exit code 0, 1 if
 * anybody missed a commit, 2 for wrong usage, 77 if so many files can't be open. Needs nothing but the C library.
 */
#define TEXT 6000
#define COLD_WAITS 100		/* connections that have no answer yet, when all begin */

struct waiter {
	int fd;
	bool events;		/* by Server-Sent Events */
	bool waits;		/* it has its first answer */
	int64_t known;		/* the newest sequence that it heard of */
	char cursor[160];
	size_t len;
	char *text;		/* what came and was not taken yet */
};

static struct {
	unsigned port, count, rounds, pid, events;
	const char *token, *workspace;
	double limit, rest;
} o = { .count = 1000, .rounds = 10, .events = 50, .limit = 60, .rest = 1 };

static struct waiter *all;
static int epoll;
static unsigned made;
static int64_t goal;
static unsigned reached;	/* waiters that know `goal` */
static int64_t committed_us;
static uint32_t *times[2];	/* by poll, by events */
static unsigned ntimes[2];

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
die(const char *what)
{
	fprintf(stderr, "waiters: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
dial(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)o.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* ---- a waiter ---- */

static void
ask(struct waiter *w)
{
	char text[900], last[200] = "";
	int len;

	if (w->events && *w->cursor)
		snprintf(last, sizeof(last), "Last-Event-ID: %s\r\n", w->cursor);
	if (w->events)
		len = snprintf(text, sizeof(text), "GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s\r\n",
		    o.token, last);
	else
		len = snprintf(text, sizeof(text), "GET /v1/changes?cursor=%s&limit=4%s%s%s HTTP/1.1\r\nHost: x\r\n"
		    "Authorization: Bearer %s\r\n\r\n", *w->cursor ? w->cursor : "now", *w->cursor ? "" : "&workspaceId=",
		    *w->cursor ? "" : o.workspace, *w->cursor ? "&wait=120" : "", o.token);
	if (send(w->fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		die("send");
}

static void
join_in(struct waiter *w)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = w };

	w->fd = dial();
	w->len = 0;
	w->waits = false;
	ask(w);
	fcntl(w->fd, F_SETFL, O_NONBLOCK);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, w->fd, &event) != 0)
		die("epoll_ctl");
}

static void
hear(struct waiter *w, int64_t sequence)
{
	if (w->known < goal && sequence >= goal) {
		reached++;
		if (committed_us && ntimes[w->events] < o.count * (o.rounds + 1))
			times[w->events][ntimes[w->events]++] = (uint32_t)(now_us() - committed_us);
	}
	if (sequence > w->known)
		w->known = sequence;
}

static void
take_cursor(struct waiter *w, const char *at)
{
	size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz_0123456789");

	if (len < sizeof(w->cursor)) {
		memcpy(w->cursor, at, len);
		w->cursor[len] = '\0';
	}
}

/* Whole events only: what is behind the last empty line stays. */
static void
take_events(struct waiter *w)
{
	char *at = w->text, *end, *found;

	while ((end = strstr(at, "\n\n")) != NULL) {
		*end = '\0';
		if ((found = strstr(at, "id: cur_")) != NULL)
			take_cursor(w, found + 4);
		if ((found = strstr(at, o.workspace)) != NULL && (found = strstr(found, "\"sequence\":")) != NULL) {
			w->waits = true;
			hear(w, atoll(found + 11));
		}
		/* Nothing new: that it is open is the answer. */
		if (strstr(at, "retry:"))
			w->waits = true;
		at = end + 2;
	}
	w->len -= (size_t)(at - w->text);
	memmove(w->text, at, w->len + 1);
}

static void
take_reply(struct waiter *w)
{
	char *body = strstr(w->text, "\r\n\r\n"), *length = strcasestr(w->text, "content-length:"), *found;
	int64_t last = 0;

	if (!body || !length || strlen(body + 4) < strtoul(length + 15, NULL, 10))
		return;
	if (strncmp(w->text, "HTTP/1.1 200", 12) != 0) {
		fprintf(stderr, "waiters: %.*s\n", (int)w->len, w->text);
		exit(1);
	}
	for (found = body; (found = strstr(found, "\"sequence\":")) != NULL; found += 11)
		last = atoll(found + 11);
	if ((found = strstr(body, "\"nextCursor\":\"")) != NULL)
		take_cursor(w, found + 14);
	w->len = 0;
	w->waits = true;
	/* The last event of a folder that was made tells of its marker, which isn't shown. */
	if (last)
		hear(w, last + 1);
	ask(w);
}

static void
serve(struct waiter *w)
{
	ssize_t got = recv(w->fd, w->text + w->len, TEXT - 1 - w->len, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		fprintf(stderr, "waiters: a connection of %s was closed\n", w->events ? "events" : "changes");
		exit(1);
	}
	w->len += (size_t)got;
	w->text[w->len] = '\0';
	if (w->events)
		take_events(w);
	else
		take_reply(w);
}

static void
poll_for(int ms)
{
	struct epoll_event events[512];
	int n = epoll_wait(epoll, events, 512, ms);

	for (int i = 0; i < n; i++)
		serve(events[i].data.ptr);
}

/* ---- commits ---- */

static int64_t
commit(void)
{
	static int fd = -1;
	char text[8192], body[300];
	char *found;
	ssize_t got;
	size_t len = 0;

	if (fd < 0)
		fd = dial();
	snprintf(body, sizeof(body), "{\"workspaceId\":\"%s\",\"parentFolderId\":\"root\",\"name\":\"w%d-%u\"}", o.workspace,
	    (int)getpid(), made++);
	snprintf(text, sizeof(text), "POST /v1/folders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
	    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", o.token, strlen(body), body);
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		die("send");
	for (;;) {
		if ((got = recv(fd, text + len, sizeof(text) - 1 - len, 0)) <= 0)
			die("the commit's reply");
		len += (size_t)got;
		text[len] = '\0';
		if ((found = strstr(text, "\"sequence\":")) != NULL && strchr(found, '}'))
			return atoll(found + 11);
		if (strstr(text, "\"error\"")) {
			fprintf(stderr, "waiters: %s\n", text);
			exit(1);
		}
	}
}

static void
aim(int64_t sequence)
{
	goal = sequence;
	reached = 0;
	for (unsigned i = 0; i < o.count; i++)
		reached += all[i].known >= goal;
}

static bool
until_all(unsigned *n, double seconds)
{
	int64_t end = now_us() + (int64_t)(seconds * 1e6);

	while (*n < o.count && now_us() < end)
		poll_for(50);
	return *n >= o.count;
}

/* ---- all together ---- */

static unsigned
waiting(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < o.count; i++)
		n += all[i].waits;
	return n;
}

static void
join_all(void)
{
	int64_t end = now_us() + (int64_t)(o.limit * 1e6);

	for (unsigned i = 0; i < o.count; i++) {
		join_in(&all[i]);
		if (i % COLD_WAITS == 0)
			poll_for(0);
	}
	while (waiting() < o.count && now_us() < end)
		poll_for(20);
	if (waiting() < o.count) {
		fprintf(stderr, "waiters: %u of %u are not answered\n", o.count - waiting(), o.count);
		exit(1);
	}
}

static long long
memory(void)
{
	char path[64], line[256];
	long long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", o.pid);
	if (!o.pid || !(f = fopen(path, "r")))
		return 0;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "RssAnon:", 8))
			kib = atoll(line + 8);
	fclose(f);
	return kib * 1024;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t
part(int kind, double p)
{
	unsigned n = ntimes[kind];

	qsort(times[kind], n, sizeof(uint32_t), compare);
	return n ? times[kind][(unsigned)((n - 1) * p)] : 0;
}

static void
rest(int ms)
{
	int64_t end = now_us() + ms * 1000;

	while (now_us() < end)
		poll_for(10);
}

static void
prepare(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
		if (files.rlim_max < o.count + 64) {
			fprintf(stderr, "waiters: only %llu files can be open\n", (unsigned long long)files.rlim_max);
			exit(77);
		}
	}
	epoll = epoll_create1(EPOLL_CLOEXEC);
	all = calloc(o.count, sizeof(*all));
	for (int i = 0; i < 2; i++)
		times[i] = calloc((size_t)o.count * (o.rounds + 1), sizeof(uint32_t));
	for (unsigned i = 0; i < o.count; i++) {
		all[i].events = i % 100 < o.events;
		all[i].text = malloc(TEXT);
	}
}

static bool
rounds(void)
{
	for (unsigned i = 0; i < o.rounds; i++) {
		aim(INT64_MAX);
		goal = commit();
		committed_us = now_us();
		if (!until_all(&reached, o.limit)) {
			fprintf(stderr, "waiters: %u of %u did not hear of %lld\n", o.count - reached, o.count, (long long)goal);
			return false;
		}
		rest(200);
	}
	committed_us = 0;
	return true;
}

/* Everybody is cut off, commits go on, everybody comes back. */
static bool
storm(double *seconds)
{
	int64_t began;

	for (unsigned i = 0; i < o.count; i++)
		close(all[i].fd);
	for (int i = 0; i < 3; i++)
		aim(commit());
	began = now_us();
	join_all();
	aim(commit());
	if (!until_all(&reached, o.limit)) {
		fprintf(stderr, "waiters: %u of %u missed a commit while they were away\n", o.count - reached, o.count);
		return false;
	}
	*seconds = (double)(now_us() - began) / 1e6;
	return true;
}

static void
options(int argc, char **argv)
{
	static const struct option names[] = { { "port", 1, NULL, 'p' }, { "token", 1, NULL, 't' }, { "workspace", 1, NULL, 'w' },
		{ "count", 1, NULL, 'c' }, { "rounds", 1, NULL, 'r' }, { "pid", 1, NULL, 'i' }, { "limit", 1, NULL, 'l' },
		{ "events", 1, NULL, 'e' }, { "rest", 1, NULL, 's' }, { NULL, 0, NULL, 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (c) {
		case 'p': o.port = (unsigned)atoi(optarg); break;
		case 't': o.token = optarg; break;
		case 'w': o.workspace = optarg; break;
		case 'c': o.count = (unsigned)atoi(optarg); break;
		case 'r': o.rounds = (unsigned)atoi(optarg); break;
		case 'i': o.pid = (unsigned)atoi(optarg); break;
		case 'e': o.events = (unsigned)atoi(optarg); break;
		case 's': o.rest = atof(optarg); break;
		case 'l': o.limit = atof(optarg); break;
		default: exit(2);
		}
	}
	if (!o.port || !o.token || !o.workspace || !o.count)
		exit(2);
}

int
main(int argc, char **argv)
{
	double joined, back = 0;
	long long before, during;
	int64_t began;
	bool ok;

	options(argc, argv);
	prepare();
	(void)commit();
	before = memory();
	began = now_us();
	join_all();
	joined = (double)(now_us() - began) / 1e6;
	rest((int)(o.rest * 1000));
	during = memory();
	ok = rounds() && storm(&back);
	printf("{\"waiters\":%u,\"joinSeconds\":%.2f,\"bytesBefore\":%lld,\"bytesWaiting\":%lld,\"eventsP50us\":%u,\"eventsP99us\":%u,"
	       "\"changesP50us\":%u,\"changesP99us\":%u,\"maxus\":%u,\"backSeconds\":%.2f,\"missed\":%s}\n", o.count, joined, before, during,
	    part(1, 0.5), part(1, 0.99), part(0, 0.5), part(0, 0.99), part(0, 1) > part(1, 1) ? part(0, 1) : part(1, 1), back,
	    ok ? "false" : "true");
	return ok ? 0 : 1;
}

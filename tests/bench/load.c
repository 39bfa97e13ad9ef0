#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load_mode.h"
#include "load_walk.h"

/*
 * A load generator for an S3 server: N keep-alive connections over epoll, each with one request under way at a
 * time. Prints one line of JSON. README.md has the options.
 *
 * A connection is idle, sends (busy, out_off < out_len or a stream unfinished), or receives (busy). begin()
 * makes it busy, finish() and fail() make it idle, and start() begins the next request until `next` has none.
 */
#define RECV_PIECE (256u << 10)
#define SEND_TURN (1u << 20)		/* one connection sends this much before the others have their turn */
#define ERRORS_IN_A_ROW 100		/* then a worker gives up */

static const struct mode modes[] = {
	{ "put", .next = mode_put_next },
	{ "get", .next = mode_get_next, .done = mode_get_done },
	{ "list", true, mode_list_next, mode_list_done },
	{ "delete", true, mode_delete_next, mode_delete_done },
	{ "multipart", true, mode_multipart_next, mode_multipart_done },
	{ "bucket", .next = mode_bucket_next },
	{ "walk", true, mode_walk_next, mode_walk_done },
	{ "wait-ready" },
};

static char host_header[300];
static struct sockaddr_storage address;
static socklen_t address_len;
static int64_t began;
static atomic_flag told = ATOMIC_FLAG_INIT;

struct thread {
	struct worker w;
	pthread_t id;
	struct conn *conns;
	unsigned count;
	unsigned row;		/* errors since the last success */
	char *recv;
};

static struct thread *
thread_of(struct worker *w)
{
	return (struct thread *)((char *)w - offsetof(struct thread, w));
}

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* The first failure is shown, the others are counted. */
static void
tell(const char *what, const struct conn *c)
{
	if (atomic_flag_test_and_set(&told))
		return;
	fprintf(stderr, "load: %s (status %d, %u bytes of body)\n", what, c->reply.status, (unsigned)c->reply.body);
	fprintf(stderr, "load: request was: %.*s\n", (int)strcspn(c->out, "\r"), c->out);
	if (c->text.len)
		fprintf(stderr, "load: answer was: %.*s\n", (int)c->text.len, c->text.data);
}

/* A connected socket, or -1. */
static int
dial(void)
{
	struct timeval limit = { .tv_sec = 10 };
	int fd, one = 1;

	if ((fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&address, address_len) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
conn_open(struct conn *c)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

	if ((c->fd = dial()) < 0)
		return false;
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	c->writing = false;
	return epoll_ctl(c->w->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0;
}

static void
conn_close(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void
conn_wait(struct conn *c, bool writing)
{
	struct epoll_event event = { .events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c };

	if (c->writing == writing)
		return;
	c->writing = writing;
	epoll_ctl(c->w->epoll, EPOLL_CTL_MOD, c->fd, &event);
}

static void
take_body(void *arg, uint64_t offset, const char *bytes, size_t len)
{
	struct conn *c = arg;
	const struct options *o = c->w->o;

	if (c->w->o->mode->reads_text || c->reply.status / 100 != 2)
		buf_add(&c->text, bytes, len);
	else if (o->verify && !stat_same(o->seed, c->object, offset, bytes, len))
		c->wrong = true;
}

/* Sends what the socket takes. False: the connection broke. */
static bool
conn_send(struct conn *c)
{
	const struct options *o = c->w->o;
	size_t turn = 0;
	ssize_t n;

	for (;;) {
		if (c->out_off == c->out_len) {
			size_t piece = c->stream_end - c->stream_off < SEND_PIECE ?
			    (size_t)(c->stream_end - c->stream_off) : SEND_PIECE;

			if (piece == 0)
				break;
			stat_fill(o->seed, c->object, c->stream_off, c->out, piece);
			c->stream_off += piece;
			c->out_off = 0;
			c->out_len = piece;
		}
		if (turn >= SEND_TURN) {
			conn_wait(c, true);
			return true;
		}
		n = send(c->fd, c->out + c->out_off, c->out_len - c->out_off, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			conn_wait(c, true);
			return true;
		}
		if (n < 0)
			return false;
		c->out_off += (size_t)n;
		turn += (size_t)n;
	}
	conn_wait(c, false);
	return true;
}

/* Counts a failure; the next request gets a new connection. */
static void
fail(struct conn *c, const char *what)
{
	struct worker *w = c->w;

	tell(what, c);
	w->sum.errors++;
	w->sum.reconnects++;
	w->live--;
	c->busy = false;
	c->part = 0;
	conn_close(c);
	if (++thread_of(w)->row >= ERRORS_IN_A_ROW)
		w->stop = true;
}

/* Begins the connection's next request. False: there is none. */
static bool
begin(struct conn *c)
{
	struct worker *w = c->w;

	c->stream_off = c->stream_end = c->upload_bytes = 0;
	c->out_off = c->out_len = 0;
	if (!w->o->mode->next(c)) {
		conn_close(c);
		return false;
	}
	c->busy = true;
	w->live++;
	buf_clear(&c->text);
	c->wrong = false;
	reply_begin(&c->reply);
	c->start = now_us();
	if (c->fd < 0 && !conn_open(c))
		fail(c, "no connection");
	else if (!conn_send(c))
		fail(c, "the connection broke while the request was sent");
	return true;
}

/* Leaves the connection with a request under way, or closed because nothing is left to do. */
static void
start(struct conn *c)
{
	while (!c->busy && begin(c))
		;
}

static void
finish(struct conn *c)
{
	struct worker *w = c->w;
	const struct mode *mode = w->o->mode;

	if (c->reply.status / 100 != 2) {
		fail(c, "refused");
		return;
	}
	stat_latency(&w->sum, (uint64_t)(now_us() - c->start));
	if (mode->done && !mode->done(c)) {
		fail(c, "the answer is not what was asked for");
		return;
	}
	w->sum.requests++;
	w->sum.bytes += c->upload_bytes + c->reply.body;
	w->live--;
	thread_of(w)->row = 0;
	c->busy = false;
	if (c->reply.close || c->out_off < c->out_len || c->stream_off < c->stream_end) {
		w->sum.reconnects++;
		conn_close(c);
	}
}

static void
conn_receive(struct conn *c)
{
	char *bytes = thread_of(c->w)->recv;
	ssize_t n = recv(c->fd, bytes, RECV_PIECE, 0);
	int rc;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fail(c, "the connection ended before the answer");
		return;
	}
	if ((rc = reply_feed(&c->reply, bytes, (size_t)n)) < 0)
		fail(c, "the answer is not HTTP");
	else if (rc > 0)
		finish(c);
}

static void *
run(void *arg)
{
	struct thread *t = arg;
	const struct options *o = t->w.o;
	struct epoll_event events[64];
	int64_t end = began + (int64_t)(o->timeout * 1e6);
	int64_t stop = o->seconds > 0 ? began + (int64_t)(o->seconds * 1e6) : end;

	for (unsigned i = 0; i < t->count; i++)
		start(&t->conns[i]);
	while (t->w.live > 0) {
		int n = epoll_wait(t->w.epoll, events, 64, 100);
		int64_t now = now_us();

		if (now >= stop)
			t->w.stop = true;
		if (now >= end)
			break;
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (c->busy && (events[i].events & EPOLLOUT) && !conn_send(c))
				fail(c, "the connection broke while the request was sent");
			if (c->busy && (events[i].events & ~(uint32_t)EPOLLOUT))
				conn_receive(c);
			start(c);
		}
	}
	for (unsigned i = 0; i < t->count; i++)
		if (t->conns[i].busy)
			fail(&t->conns[i], "no answer in time");
	return NULL;
}

static void
thread_init(struct thread *t, const struct options *o, unsigned number, _Atomic uint64_t *claimed)
{
	t->w.o = o;
	t->w.claimed = claimed;
	t->w.random = o->seed * 1000003 + number * 0x100000000ull + (uint64_t)began;
	signer_init(&t->w.sign, o->access, o->secret, o->region, host_header);
	t->w.epoll = epoll_create1(EPOLL_CLOEXEC);
	t->recv = malloc(RECV_PIECE);
	t->count = o->connections / o->threads + (number < o->connections % o->threads);
	t->conns = calloc(t->count ? t->count : 1, sizeof(*t->conns));
	signer_must(t->w.epoll >= 0 && t->recv && t->conns, "memory");
	for (unsigned i = 0; i < t->count; i++) {
		struct conn *c = &t->conns[i];

		*c = (struct conn) { .w = &t->w, .fd = -1, .text = BUF_INIT(16u << 20) };
		c->reply.sink = take_body;
		c->reply.arg = c;
		c->out = malloc(HEAD_MAX + SEND_PIECE);
		c->etags = calloc(PARTS_MAX + 1, sizeof(*c->etags));
		signer_must(c->out && c->etags, "memory");
	}
}

static void
thread_release(struct thread *t)
{
	for (unsigned i = 0; i < t->count; i++) {
		struct conn *c = &t->conns[i];

		conn_close(c);
		buf_release(&c->text);
		free(c->token);
		free(c->out);
		free(c->etags);
	}
	free(t->conns);
	free(t->recv);
	close(t->w.epoll);
	signer_release(&t->w.sign);
}

static void
report(const struct options *o, const struct stat_sum *s, double seconds)
{
	struct rusage use;
	double cpu, all = (double)(s->requests + s->errors);

	getrusage(RUSAGE_SELF, &use);
	cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1e6 +
	    (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
	printf("{\"mode\":\"%s\",\"connections\":%u,\"requests\":%" PRIu64 ",\"errors\":%" PRIu64
	    ",\"reconnects\":%" PRIu64 ",\"items\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"seconds\":%.3f,\"rate\":%.1f,"
	    "\"p50us\":%" PRIu64 ",\"p99us\":%" PRIu64 ",\"maxus\":%" PRIu64 ",\"clientCpuUs\":%.2f}\n",
	    o->mode->name, o->connections, s->requests, s->errors, s->reconnects, s->items, s->bytes, seconds,
	    seconds > 0 ? (double)s->requests / seconds : 0, stat_percentile(s, 0.5), stat_percentile(s, 0.99), s->max,
	    all > 0 ? cpu / all : 0);
}

/* Asks for /readyz every millisecond until it says 200. */
static int
wait_ready(const struct options *o)
{
	struct stat_sum sum = { 0 };
	char request[400], answer[16];
	int len = snprintf(request, sizeof(request), "GET /readyz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host_header);
	int64_t end = began + (int64_t)(o->timeout * 1e6);

	while (sum.requests == 0 && now_us() < end) {
		int fd = dial();
		bool ready = fd >= 0 && send(fd, request, (size_t)len, MSG_NOSIGNAL) == len &&
		    recv(fd, answer, sizeof(answer), MSG_WAITALL) >= 12 && strncmp(answer + 8, " 200", 4) == 0;

		if (fd >= 0)
			close(fd);
		if (ready)
			sum.requests++;
		else
			usleep(1000);
	}
	report(o, &sum, (double)(now_us() - began) / 1e6);
	return sum.requests ? 0 : 1;
}

static int
load(const struct options *o)
{
	static struct stat_sum sum;
	struct thread *threads = calloc(o->threads, sizeof(*threads));
	_Atomic uint64_t claimed = 0;

	signer_must(threads != NULL, "memory");
	for (unsigned i = 0; i < o->threads; i++)
		thread_init(&threads[i], o, i, &claimed);
	began = now_us();
	for (unsigned i = 1; i < o->threads; i++)
		signer_must(pthread_create(&threads[i].id, NULL, run, &threads[i]) == 0, "a thread");
	run(&threads[0]);
	for (unsigned i = 1; i < o->threads; i++)
		pthread_join(threads[i].id, NULL);
	for (unsigned i = 0; i < o->threads; i++)
		stat_add(&sum, &threads[i].w.sum);
	report(o, &sum, (double)(now_us() - began) / 1e6);
	for (unsigned i = 0; i < o->threads; i++)
		thread_release(&threads[i]);
	free(threads);
	return sum.errors || !sum.requests ? 1 : 0;
}

static void
usage(const char *why)
{
	fprintf(stderr, "load: %s\nusage: load [options] put|get|list|delete|multipart|bucket|walk|wait-ready\n"
	    "see tests/bench/README.md for the options\n", why);
	exit(2);
}

static uint64_t
number(const char *text)
{
	uint64_t value;

	if (parse_size(text, &value) != 0)
		usage("a number or a size is wanted: 1000, 4KiB, 64MiB");
	return value;
}

static void
option(struct options *o, int c, const char *arg)
{
	switch (c) {
	case 'h': o->host = arg; break;
	case 'p': o->port = (unsigned)number(arg); break;
	case 'b': o->bucket = arg; break;
	case 'A': o->access = arg; break;
	case 'S': o->secret = arg; break;
	case 'r': o->region = arg; break;
	case 'N': o->access = NULL; break;
	case 'c': o->connections = (unsigned)number(arg); break;
	case 't': o->threads = (unsigned)number(arg); break;
	case 'n': o->count = number(arg); break;
	case 'd': o->seconds = atof(arg); break;
	case 'T': o->timeout = atof(arg); break;
	case 'f': o->first = number(arg); break;
	case 'k': o->space = number(arg); break;
	case 's': o->size = number(arg); break;
	case 'P': o->part_size = number(arg); break;
	case 'x': o->prefix = arg; break;
	case 'e': o->seed = number(arg); break;
	case 'F': o->tree = false; break;
	case 'R': o->random = true; break;
	case 'O': o->random = false; break;
	case 'u': o->sign_payload = false; break;
	case 'v': o->verify = true; break;
	case 'a': o->at = *arg; break;
	case 'g': o->page = (unsigned)number(arg); break;
	case 'G': o->target = arg; break;
	case 'X': o->next = arg; break;
	case '1': o->once = true; break;
	default: usage("unknown option");
	}
}

static void
parse(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "host", 1, NULL, 'h' }, { "port", 1, NULL, 'p' }, { "bucket", 1, NULL, 'b' },
		{ "access-key", 1, NULL, 'A' }, { "secret-key", 1, NULL, 'S' }, { "region", 1, NULL, 'r' },
		{ "anonymous", 0, NULL, 'N' }, { "connections", 1, NULL, 'c' }, { "threads", 1, NULL, 't' },
		{ "count", 1, NULL, 'n' }, { "seconds", 1, NULL, 'd' }, { "timeout", 1, NULL, 'T' },
		{ "first", 1, NULL, 'f' }, { "space", 1, NULL, 'k' }, { "size", 1, NULL, 's' },
		{ "part-size", 1, NULL, 'P' }, { "prefix", 1, NULL, 'x' }, { "seed", 1, NULL, 'e' },
		{ "flat", 0, NULL, 'F' }, { "random", 0, NULL, 'R' }, { "ordered", 0, NULL, 'O' },
		{ "unsigned-payload", 0, NULL, 'u' }, { "verify", 0, NULL, 'v' }, { "at", 1, NULL, 'a' },
		{ "page", 1, NULL, 'g' }, { "target", 1, NULL, 'G' },
		{ "next", 1, NULL, 'X' }, { "once", 0, NULL, '1' }, { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h:p:b:c:t:n:d:s:", names, NULL)) != -1)
		option(o, c, optarg);
	for (size_t i = 0; optind < argc && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(argv[optind], modes[i].name) == 0)
			o->mode = &modes[i];
	if (!o->mode || optind != argc - 1)
		usage("one mode is wanted");
	if (o->access && (!o->secret || strlen(o->secret) > 200 || strlen(o->access) > 128))
		usage("--access-key needs --secret-key");
	if (!o->connections || !o->threads || o->threads > o->connections || !o->count || o->timeout <= 0)
		usage("--connections, --threads (not more than connections), --count and --timeout are positive");
	if (strlen(o->bucket) > 63 || strlen(o->prefix) > 128 || strlen(o->host) > 255)
		usage("bucket, prefix or host too long");
	if (!o->part_size || o->size / o->part_size >= PARTS_MAX || o->part_size % 8)
		usage("--part-size is a multiple of 8 and makes at most 1,000 parts");
	if (strcmp(o->mode->name, "walk") == 0)
		o->access = NULL;
	if (strcmp(o->mode->name, "walk") == 0 && (!o->bearer || !o->target || !o->next || !strchr(o->next, '=') ||
	    strlen(o->bearer) > 400 || strcspn(o->target, "?") >= KEY_MAX_ || strlen(o->target) > 1000 || strlen(o->next) > 64))
		usage("walk needs FSD_TOKEN, --target and --next MEMBER=PARAM");
	if (!o->space)
		o->space = o->count;
	if (!strchr("wfl", o->at) || !o->page || (o->at == 'l' && o->space <= o->page))
		usage("--at walk|first|last; last needs --space of more than one page");
}

static void
resolve(const struct options *o)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	char port[16];

	snprintf(port, sizeof(port), "%u", o->port);
	snprintf(host_header, sizeof(host_header), "%s:%u", o->host, o->port);
	if (getaddrinfo(o->host, port, &hints, &found) != 0)
		usage("no such host");
	memcpy(&address, found->ai_addr, found->ai_addrlen);
	address_len = found->ai_addrlen;
	freeaddrinfo(found);
}

int
main(int argc, char **argv)
{
	struct options o = {
		.host = "127.0.0.1", .port = 9000, .bucket = "bench", .prefix = "", .region = "us-east-1",
		.access = getenv("AWS_ACCESS_KEY_ID"), .secret = getenv("AWS_SECRET_ACCESS_KEY"),
		.bearer = getenv("FSD_TOKEN"), .connections = 64, .threads = 1, .count = 1000, .size = 4096, .part_size = 16u << 20, .page = 1000,
		.seed = 1, .timeout = 600, .tree = true, .random = false, .sign_payload = true, .at = 'w',
	};

	signal(SIGPIPE, SIG_IGN);
	parse(&o, argc, argv);
	resolve(&o);
	began = now_us();
	return strcmp(o.mode->name, "wait-ready") == 0 ? wait_ready(&o) : load(&o);
}

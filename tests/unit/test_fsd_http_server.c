#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "clock.h"
#include "http_kit.h"

/* The server as a whole: its sockets, its threads, its start and its end. */

static void
test_addresses(void)
{
	static const char *const wrong[] = { "127.0.0.1", "nowhere.invalid:1", "127.0.0.1:", "::1:80", ":80",
		"127.0.0.1:99999x" };
	const char *listen[] = { NULL, NULL };
	struct http_options o = { .listen = listen, .unix_dirfd = -1, .threads = 1, .connections = 1,
		.idle_seconds = 1, .handlers = &handlers };
	struct http_server *other;
	char taken[32];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		listen[0] = wrong[i];
		CHECK_INT(ERR_INVALID, http_start(&o, &other));
	}
	CHECK_INT(0, start(1, 30, 100));
	snprintf(taken, sizeof(taken), "127.0.0.1:%d", http_port(server, 0));
	listen[0] = taken;
	CHECK_INT(ERR_EXISTS, http_start(&o, &other));
	CHECK_INT(-1, http_port(server, 7));
	stop();
}

/* The socket's mode, its peer, a stale socket in the way, and a path longer than sun_path. */
static void
test_unix(void)
{
	char path[512], want[64];
	struct stat st;
	struct got g;
	int s, dirfd;

	snprintf(path, sizeof(path), "%s/", test_tmpdir());
	memset(path + strlen(path), 'd', 150);
	CHECK(mkdir(path, 0700) == 0);
	CHECK((dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
	CHECK(mknodat(dirfd, "t.sock", S_IFREG | 0600, 0) == 0);
	unix_dirfd = dirfd;
	umask(0);
	CHECK_INT(0, start(2, 30, 100));
	umask(022);
	CHECK(fstatat(dirfd, "t.sock", &st, AT_SYMLINK_NOFOLLOW) == 0);
	CHECK(S_ISSOCK(st.st_mode));
	CHECK_INT(0600, st.st_mode & 0777);
	CHECK(http_unix_idle_us(server) > 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/t.sock", dirfd);
	CHECK((s = dial_path(path)) >= 0);
	CHECK(say(s, "GET /peer HTTP/1.1\r\nHost: a\r\n\r\n"));
	hear(s, false, &g);
	snprintf(want, sizeof(want), "/peer unix:uid=%u 1 -", (unsigned)getuid());
	CHECK_STR(want, g.body);
	close(s);
	stop();
	CHECK(fstatat(dirfd, "t.sock", &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT);
	close(dirfd);
	unix_dirfd = -1;
}

/* Whoever gets as far as connecting to the socket must still be root or the owner of its folder. */
static void
test_unix_stranger(void)
{
	int status = -1;
	pid_t pid;

	if (getuid() != 0) {
		test_skip("needs root");
		return;
	}
	CHECK(chmod(test_tmpdir(), 0755) == 0);
	CHECK((unix_dirfd = open(test_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
	CHECK_INT(0, start(1, 30, 100));
	CHECK(fchmodat(unix_dirfd, "t.sock", 0666, 0) == 0);
	CHECK((pid = fork()) >= 0);
	if (pid == 0) {
		int s;
		char c;

		/* Relative: the stranger may not be able to walk down to the folder, but starts in it. */
		if (fchdir(unix_dirfd) != 0 || setresuid(65534, 65534, 65534) != 0 || (s = dial_path("t.sock")) < 0)
			_exit(2);
		(void)send(s, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", 32, MSG_NOSIGNAL);
		_exit(recv(s, &c, 1, 0) == 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_INT(0, status);
	CHECK_INT(0, n_route);
	stop();
	close(unix_dirfd);
	unix_dirfd = -1;
}

static bool run(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool
run(char *out, size_t size, const char *format, ...)
{
	char command[1024];
	va_list args;
	FILE *f;
	size_t n;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (!(f = popen(command, "r")))
		return false;
	n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	return pclose(f) == 0;
}

/* TLS on TCP with the Unix socket in the clear beside it; by curl, since that knows TLS. */
static void
test_tls(void)
{
	static const char *const listen[] = { "127.0.0.1:0", NULL };
	struct http_options o = { .listen = listen, .unix_name = "t.sock", .threads = 2, .connections = 100,
		.idle_seconds = 30, .handlers = &handlers };
	static char key[8192], certificate[8192], out[8192];
	const char *d = test_tmpdir();
	int port;

	if (!run(key, sizeof(key), "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout %s/k "
				    "-out %s/c 2>/dev/null && cat %s/k", d, d, d) ||
	    !run(certificate, sizeof(certificate), "cat %s/c", d) || !run(out, sizeof(out), "command -v curl")) {
		test_skip("needs openssl and curl");
		return;
	}
	CHECK((o.unix_dirfd = open(d, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
	o.tls_key = key;
	o.tls_certificate = "nonsense";
	CHECK(http_start(&o, &server) != 0);
	o.tls_certificate = certificate;
	CHECK_INT(0, http_start(&o, &server));
	port = http_port(server, 0);
	CHECK(run(out, sizeof(out), "curl -sk -m 60 https://127.0.0.1:%d/hello", port));
	CHECK_STR("hello", out);
	CHECK(run(out, sizeof(out), "head -c 3000000 /dev/zero | curl -sk -m 60 -T - https://127.0.0.1:%d/sum", port));
	CHECK_STR("3000000", out);
	CHECK(run(out, sizeof(out), "head -c 3000000 /dev/zero >%s/z; curl -sk -m 60 -T %s/z https://127.0.0.1:%d/mid", d,
	    d, port));
	CHECK_STR("full", out);
	CHECK(run(out, sizeof(out), "curl -sk -m 60 https://127.0.0.1:%d/big | wc -c", port));
	CHECK_INT(5 << 20, atoi(out));
	CHECK(run(out, sizeof(out), "curl -s -m 60 --unix-socket %s/t.sock http://x/peer", d));
	CHECK(strstr(out, "/peer unix:uid="));
	stop();
	close(o.unix_dirfd);
}

static void
test_connection_limit(void)
{
	char path[128];
	struct got g;
	int s[4], u;

	CHECK((unix_dirfd = open(test_tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0);
	CHECK_INT(0, start(2, 30, 3));
	for (int i = 0; i < 4; i++) {
		s[i] = dial();
		CHECK(say(s[i], "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
		if (i < 3)
			hear(s[i], false, &g);
	}
	CHECK_INT(3, http_connections(server));
	/* The fourth waits in the queue; the administrator still gets in. */
	snprintf(path, sizeof(path), "%s/t.sock", test_tmpdir());
	CHECK((u = dial_path(path)) >= 0);
	CHECK(say(u, "GET /peer HTTP/1.1\r\nHost: a\r\n\r\n"));
	hear(u, false, &g);
	CHECK_INT(200, g.status);
	CHECK_INT(0, http_unix_idle_us(server));
	close(u);
	CHECK_INT(-1, recv(s[3], &(char) { 0 }, 1, MSG_DONTWAIT));
	close(s[0]);
	hear(s[3], false, &g);
	CHECK_INT(200, g.status);
	for (int i = 1; i < 4; i++)
		close(s[i]);
	WAIT_UNTIL(http_unix_idle_us(server) > 0);
	CHECK(http_unix_idle_us(server) > 0);
	stop();
	close(unix_dirfd);
	unix_dirfd = -1;
}

/* As many requests at once as the library takes events in one call: none has to wait for another event. */
static void
test_burst(void)
{
	enum { CLIENTS = 128 };
	int s[CLIENTS], slow;
	int64_t began;
	struct got g;

	CHECK_INT(0, start(1, 30, 200));
	slow = dial();
	for (int i = 0; i < CLIENTS; i++)
		s[i] = dial();
	for (int i = 0; i < CLIENTS; i++) {
		CHECK(say(s[i], "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
		hear(s[i], false, &g);
		CHECK_INT(200, g.status);
	}
	nap(100);
	began = clock_mono_us();
	CHECK(say(slow, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"));
	nap(100);
	for (int i = 0; i < CLIENTS; i++)
		CHECK(say(s[i], "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
	for (int i = 0; i < CLIENTS; i++) {
		hear(s[i], false, &g);
		CHECK_INT(200, g.status);
		close(s[i]);
	}
	CHECK(clock_mono_us() - began < 25000000);	/* before the connections' time is over */
	close(slow);
	stop();
}

/* Clients that come, do half of something, and go, from several threads. */
static void *
rude_client(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	static const char *const texts[] = { "GET /big HTTP/1.1\r\nHost: a\r\n\r\n",
		"PUT /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabcdefghi", "GET /he",
		"PUT /mid HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc",
		"GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /small HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\nX" };

	for (int i = 0; i < 60; i++) {
		int s = dial();

		(void)say(s, texts[rand_r(&seed) % 6]);
		if (rand_r(&seed) % 2)
			nap(1 + rand_r(&seed) % 4);
		close(s);
	}
	return NULL;
}

static void
test_rude_clients(void)
{
	pthread_t threads[4];
	struct got g;
	int s;

	CHECK_INT(0, start(4, 30, 100));
	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, rude_client, (void *)(uintptr_t)(i + 1)) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	s = dial();
	CHECK(say(s, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
	hear(s, false, &g);
	CHECK_INT(200, g.status);
	close(s);
	WAIT_UNTIL(n_done == n_route && !http_connections(server));
	CHECK_INT(n_route, n_done);
	CHECK_INT(0, http_connections(server));
	stop();
}

static void
test_stop(void)
{
	struct got g;
	int idle, poll, upload, half;
	int64_t began;

	CHECK_INT(0, start(2, 30, 100));
	idle = dial();
	CHECK(say(idle, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
	hear(idle, false, &g);
	poll = dial();
	CHECK(say(poll, "GET /poll HTTP/1.1\r\nHost: a\r\n\r\n"));
	upload = dial();
	CHECK(say(upload, "PUT /stuck HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nabc"));
	half = dial();
	CHECK(say(half, "GET /hel"));
	CHECK(becomes(&n_route, 3) && becomes(&n_done, 1) && becomes(&n_written, 1));
	nap(50);
	began = clock_mono_us();
	http_stop(server, 200);
	CHECK(clock_mono_us() - began < 25000000);
	CHECK_INT(3, n_done);
	CHECK_INT(1, n_complete);
	CHECK(closed(idle));
	close(idle);
	close(poll);
	close(upload);
	close(half);
}

static double
cpu_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void
test_throughput(void)
{
	static const char get[] = "GET /hello HTTP/1.1\r\nHost: localhost:9000\r\nUser-Agent: bench/1.0\r\n"
				  "Authorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261122/us-east-1/s3/aws4_request, "
				  "SignedHeaders=host;x-amz-date, Signature=00\r\nx-amz-date: 20261122T000000Z\r\n"
				  "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\nAccept: */*\r\n\r\n";
	enum { CLIENTS = 20, ROUNDS = 1000 };
	char reply[1024];
	double all, mine;
	int s[CLIENTS];

	CHECK_INT(0, start(1, 30, 100));
	for (int i = 0; i < CLIENTS; i++)
		CHECK((s[i] = dial()) >= 0);
	all = cpu_us(CLOCK_PROCESS_CPUTIME_ID);
	mine = cpu_us(CLOCK_THREAD_CPUTIME_ID);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CLIENTS; i++)
			CHECK(put(s[i], get, sizeof(get) - 1));
		for (int i = 0; i < CLIENTS; i++)
			CHECK(recv(s[i], reply, sizeof(reply), 0) > 5);
	}
	mine = cpu_us(CLOCK_THREAD_CPUTIME_ID) - mine;
	all = cpu_us(CLOCK_PROCESS_CPUTIME_ID) - all;
	printf("# %.2f us of server CPU each (%d keep-alive GETs)\n", (all - mine) / (CLIENTS * ROUNDS), CLIENTS * ROUNDS);
	for (int i = 0; i < CLIENTS; i++)
		close(s[i]);
	stop();
}

static const struct test tests[] = {
	TEST(test_addresses), TEST(test_unix), TEST(test_unix_stranger), TEST(test_tls),
	TEST(test_connection_limit), TEST(test_burst), TEST(test_rude_clients), TEST(test_stop),
	TEST(test_throughput), TEST_END
};
TEST_MAIN(tests)

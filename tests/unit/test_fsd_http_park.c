#include "http_kit.h"

/* Requests that wait without a thread, and replies without an end. */

static void
test_poll(void)
{
	struct http_request *req;
	struct got g;
	int s;

	CHECK_INT(0, start(2, 2, 100));
	s = dial();
	CHECK(say(s, "GET /poll HTTP/1.1\r\nHost: a\r\n\r\n"));
	/* Longer than twice the idle time and the sweep's pace: who waits for us is not idle. */
	nap(5500);
	CHECK((req = atomic_load(&polling)) != NULL);
	CHECK_INT(0, n_done);
	atomic_store(&poll_ready, true);
	http_resume(req);
	hear(s, false, &g);
	CHECK_INT(200, g.status);
	CHECK(say(s, "GET /poll-early HTTP/1.1\r\nHost: a\r\n\r\n"));
	hear(s, false, &g);
	CHECK_INT(200, g.status);
	close(s);
	stop();
}

/* The request that waits, as soon as it does; NULL if none comes. */
static struct http_request *
who_waits(void)
{
	struct http_request *req = NULL;

	WAIT_UNTIL((req = atomic_load(&polling)) != NULL);
	/* By now it has mostly left its lane; where it has not, http_resume() comes early, and all is as it is otherwise. */
	nap(20);
	return req;
}

/* Sends a request that waits, and returns when it does. */
static struct http_request *
poll_bytes(int s, const char *bytes, size_t len)
{
	atomic_store(&polling, NULL);
	(void)put(s, bytes, len);
	return who_waits();
}

static struct http_request *
poll_with(int s, const char *text)
{
	return poll_bytes(s, text, strlen(text));
}

/* False: it never came. */
static bool
let_poll(struct http_request *req)
{
	if (!req)
		return false;
	atomic_store(&poll_ready, true);
	http_resume(req);
	return true;
}

/* What a request brought is still there when it goes on, and the connection serves others then. */
static void
test_parked(void)
{
	static const char peer[] = "GET /poll-peer HTTP/1.1\r\nHost: a\r\nX-Blank:  a b \r\n\r\n";
	struct sockaddr_in me;
	socklen_t len = sizeof(me);
	char want[100];
	struct got g;
	int s;

	CHECK_INT(0, start(1, 30, 100));
	s = dial();
	CHECK(getsockname(s, (struct sockaddr *)&me, &len) == 0);
	snprintf(want, sizeof(want), "GET a b 127.0.0.1:%u 2 0", ntohs(me.sin_port));
	for (int i = 0; i < 3; i++) {
		atomic_store(&poll_ready, false);
		CHECK(let_poll(poll_with(s, peer)));
		hear(s, false, &g);
		CHECK_INT(200, g.status);
		CHECK_STR(want, g.body);
		CHECK(field(&g, "x-test") && field(&g, "Date") && !field(&g, "Connection"));
		CHECK_INT(1, http_connections(server));
		CHECK(say(s, "GET /peer HTTP/1.1\r\nHost: a\r\n\r\n"));
		hear(s, false, &g);
		CHECK_INT(200, g.status);
		CHECK(strstr(g.body, strrchr(inet_ntoa(me.sin_addr), '.')) != NULL);
	}
	atomic_store(&poll_ready, false);
	CHECK(let_poll(poll_with(s, "GET /poll-big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")));
	hear(s, false, &g);
	CHECK_INT(200, g.status);
	CHECK_INT(5 << 20, g.body_len);
	CHECK(closed(s));
	CHECK(becomes(&n_complete, 7));
	CHECK_INT(5 << 20, last_sent);
	close(s);
	stop();
	CHECK_INT(7, n_done);
	CHECK_INT(1, n_freed);
}

/*
 * The same request with another query is served without its lane; all others are not: other headers, another path, another method,
 * and what comes in pieces.
 */
static void
test_parked_again(void)
{
	static const char *const same[] = { "/poll-peer?a=1", "/poll-peer?b=%20", "/poll-peer" };
	static const char *const others[] = { "GET /poll-peer?c HTTP/1.1\r\nHost: b\r\nX-Blank: x\r\n\r\n",
		"GET /poll-peers HTTP/1.1\r\nHost: a\r\nX-Blank: x\r\n\r\n",
		"HEAD /poll-peer HTTP/1.1\r\nHost: a\r\nX-Blank: x\r\n\r\n",
		"GET /poll-peer HTTP/1.1\r\nHost: a\r\nX-Blank: x\r\nX-More: y\r\n\r\n",
		"GET /poll-peer HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /poll-peer HTTP/1.0\r\nHost: a\r\nX-Blank: x\r\n\r\n" };
	const char *first = "GET /poll-peer HTTP/1.1\r\nHost: a\r\nX-Blank: x\r\n\r\n";
	char text[200];
	struct got g;
	int s;

	CHECK_INT(0, start(1, 30, 100));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		s = dial();
		n_again = 0;
		atomic_store(&poll_ready, false);
		CHECK(let_poll(poll_with(s, first)));
		hear(s, false, &g);
		CHECK_INT(200, g.status);
		for (unsigned k = 0; k < 3; k++) {
			snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\nX-Blank: x\r\n\r\n", same[k]);
			atomic_store(&poll_ready, k == 1);
			if (k == 1)
				CHECK(say(s, text));
			else
				CHECK(let_poll(poll_with(s, text)));
			hear(s, false, &g);
			CHECK_INT(200, g.status);
			CHECK(!strncmp(g.body, "GET x 127.0.0.1:", 16));
			CHECK(becomes(&n_again, k + 1));
		}
		CHECK(say(s, others[i]));
		hear(s, !strncmp(others[i], "HEAD", 4), &g);
		CHECK_INT(200, g.status);
		CHECK_INT(3, n_again);
		close(s);
	}
	s = dial();
	atomic_store(&poll_ready, false);
	CHECK(let_poll(poll_with(s, first)));
	hear(s, false, &g);
	CHECK(put(s, first, 20));
	WAIT_UNTIL(is_read(s));
	CHECK(say(s, first + 20));
	hear(s, false, &g);
	CHECK_INT(200, g.status);
	CHECK_INT(3, n_again);
	close(s);
	stop();
	CHECK_INT(n_route, n_done);
}

/* Who sends no more is cut off after the idle time, as elsewhere. */
static void
test_parked_idle(void)
{
	struct got g;
	int s;

	CHECK_INT(0, start(1, 2, 100));
	s = dial();
	CHECK(let_poll(poll_with(s, "GET /poll HTTP/1.1\r\nHost: a\r\n\r\n")));
	hear(s, false, &g);
	CHECK_INT(200, g.status);
	CHECK(closed(s));
	close(s);
	stop();
}

/* What was sent behind a request that waits is answered after it, whether it came with it or later. */
static void
test_parked_pipelined(void)
{
	static const char both[] = "GET /poll HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
	struct got g;
	int s;

	CHECK_INT(0, start(1, 30, 100));
	s = dial();
	for (int together = 0; together < 2; together++) {
		struct http_request *req;
		char head[sizeof(both)];

		snprintf(head, sizeof(head), "%.*s", together ? (int)sizeof(both) : 32, both);
		atomic_store(&poll_ready, false);
		req = poll_with(s, head);
		CHECK(together || say(s, both + 32));
		nap(20);
		CHECK(let_poll(req));
		hear(s, false, &g);
		CHECK_STR("0", g.body);
		hear(s, false, &g);
		CHECK_STR("hello", g.body);
	}
	close(s);
	stop();
}

/* NULs behind a request are seen, also where it waits: what follows them is not swallowed. */
static void
test_parked_before_nul(void)
{
	static const char poll[] = "GET /poll HTTP/1.1\r\nHost: a\r\n\r\n\0GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
	struct got g;
	int s;

	CHECK_INT(0, start(1, 30, 100));
	s = dial();
	atomic_store(&poll_ready, false);
	CHECK(let_poll(poll_bytes(s, poll, sizeof(poll) - 1)));
	hear(s, false, &g);
	CHECK_INT(200, g.status);
	hear(s, false, &g);
	CHECK_INT(400, g.status);
	CHECK(closed(s));
	close(s);
	stop();
}

/* Who sends its last request and no more, on a connection that waited, is answered. */
static void
test_parked_half_closed(void)
{
	static const char poll[] = "GET /poll HTTP/1.1\r\nHost: a\r\n\r\n", last[] = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
	struct got g;
	int s;

	CHECK_INT(0, start(1, 30, 100));
	for (int i = 0; i < 20; i++) {
		s = dial();
		atomic_store(&poll_ready, false);
		CHECK(let_poll(poll_with(s, poll)));
		hear(s, false, &g);
		CHECK_STR("0", g.body);
		CHECK(send(s, last, sizeof(last) - 1, MSG_MORE | MSG_NOSIGNAL) == sizeof(last) - 1);
		CHECK(shutdown(s, SHUT_WR) == 0);
		hear(s, false, &g);
		CHECK_STR("hello", g.body);
		close(s);
	}
	stop();
}

/* Who hangs up while it waits is let go of at once. */
static void
test_parked_gone(void)
{
	int s;

	CHECK_INT(0, start(1, 30, 100));
	s = dial();
	CHECK(poll_with(s, "GET /poll HTTP/1.1\r\nHost: a\r\n\r\n") != NULL);
	close(s);
	CHECK(becomes(&n_done, 1));
	s = dial();
	CHECK(poll_with(s, "GET /tail HTTP/1.1\r\nHost: a\r\n\r\n") != NULL);
	close(s);
	CHECK(becomes(&n_done, 2));
	CHECK_INT(0, n_complete);
	CHECK_INT(1, n_freed);
	WAIT_UNTIL(!http_connections(server));
	CHECK_INT(0, http_connections(server));
	stop();
}

static void
test_endless(void)
{
	static const char *const versions[] = { "HTTP/1.1", "HTTP/1.0" };
	char text[64], got[64];
	struct got g;
	size_t n;
	int s;

	CHECK_INT(0, start(1, 30, 100));
	for (int i = 0; i < 2; i++) {
		const char *want = i ? "line\nline\nline\n" : "5\r\nline\n\r\n5\r\nline\n\r\n5\r\nline\n\r\n0\r\n\r\n";

		atomic_store(&tail_lines, 0);
		s = dial();
		snprintf(text, sizeof(text), "GET /tail %s\r\nHost: a\r\n\r\n", versions[i]);
		for (unsigned line = 1; line <= 3; line++) {
			struct http_request *req = line == 1 ? poll_with(s, text) : who_waits();

			CHECK(req);
			atomic_store(&polling, NULL);
			atomic_store(&tail_lines, line);
			http_resume(req);
		}
		hear(s, true, &g);
		CHECK_INT(200, g.status);
		CHECK(i || !strcmp(field(&g, "Transfer-Encoding"), "chunked"));
		for (n = 0; n < strlen(want) && one(s, &got[n]); n++)
			;
		got[n] = '\0';
		CHECK_STR(want, got);
		if (!i) {
			CHECK(say(s, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
			hear(s, false, &g);
			CHECK_STR("hello", g.body);
		}
		close(s);
	}
	CHECK(becomes(&n_freed, 2));
	stop();
}

/* Who reads slowly gets it all; who reads nothing is cut off after the idle time. */
static void
test_endless_blocked(void)
{
	char bytes[65536];
	int s, slow, more = 0;

	CHECK_INT(0, start(1, 3, 100));
	s = dial();
	slow = dial();
	CHECK(say(s, "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n"));
	CHECK(say(slow, "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n"));
	/* Also for a while after the other one is gone. */
	for (int i = 0; i < 600 && more < 20; i++) {
		for (int k = 0; k < 50; k++)
			CHECK(recv(slow, bytes, sizeof(bytes), 0) > 0);
		nap(100);
		more += n_done > 0;
	}
	CHECK_INT(1, n_done);
	CHECK_INT(0, n_complete);
	close(slow);
	CHECK(becomes(&n_done, 2));
	close(s);
	stop();
	CHECK_INT(2, n_freed);
}

static const struct test tests[] = {
	TEST(test_poll), TEST(test_parked), TEST(test_parked_again), TEST(test_parked_idle), TEST(test_parked_pipelined),
	TEST(test_parked_before_nul), TEST(test_parked_half_closed), TEST(test_parked_gone),
	TEST(test_endless), TEST(test_endless_blocked), TEST_END
};
TEST_MAIN(tests)

#include "budget.h"
#include "err.h"
#include "test.h"

#define UNITS 12u
#define RESERVE 4u

static bool
let_go(void *arg)
{
	++*(int *)arg;
	return true;
}

static void
no_wake(void *arg)
{
	(void)arg;
}

static struct budget_user
user(int *cut)
{
	return (struct budget_user) { .wake = no_wake, .cut = cut ? let_go : NULL, .arg = cut };
}

static unsigned
sweep(struct budget *b, int64_t seconds)
{
	struct budget_rule rule = { 1000000 + seconds * 1000000, 100, 10000000 };

	return budget_sweep(b, &rule);
}

/* Several units at once: all or none, and never so that the token's holder could not finish. */
static void
test_many_at_once(void)
{
	struct budget_user a = user(NULL), c = user(NULL), d = user(NULL);
	struct budget *b;

	CHECK_INT(0, budget_new(UNITS, RESERVE, &b));
	CHECK_INT(0, budget_take(b, &a, 4));
	CHECK_INT(0, budget_take(b, &c, 3));
	/* One is left above the reserve: who takes two holds the token, and may draw all. */
	CHECK_INT(0, budget_take(b, &d, 2));
	CHECK_INT(ERR_AGAIN, budget_take(b, &c, 1));
	CHECK_INT(0, budget_take(b, &d, 2));
	CHECK_INT(11, budget_used(b));
	budget_give(b, &a, 4);
	CHECK_INT(0, budget_take(b, &c, 1));
	budget_give(b, &c, 4);
	budget_give(b, &d, 4);
	CHECK_INT(0, budget_used(b));
	budget_forget(b, &a);
	budget_forget(b, &c);
	budget_forget(b, &d);
	budget_free(b);
	budget_free(NULL);
}

/* Nobody waits: as slow as it likes. Somebody waits: cut, unless it moved enough. */
static void
test_slow_are_cut_while_others_wait(void)
{
	int cut[3] = { 0 };
	struct budget_user slow = user(&cut[0]), brisk = user(&cut[1]), waits = user(&cut[2]);
	struct budget *b;

	CHECK_INT(0, budget_new(UNITS, RESERVE, &b));
	CHECK_INT(0, budget_take(b, &slow, 4));
	CHECK_INT(0, budget_take(b, &brisk, 4));
	for (int64_t s = 0; s < 60; s++) {
		budget_moved(b, &brisk, 50);
		CHECK_INT(0, sweep(b, s));
	}
	CHECK_INT(0, budget_take(b, &slow, 1));
	CHECK_INT(ERR_AGAIN, budget_take(b, &waits, 1));
	budget_moved(b, &brisk, 1000);
	CHECK_INT(1, sweep(b, 60));
	CHECK_INT(1, cut[0]);
	CHECK_INT(0, cut[1]);
	CHECK_INT(0, cut[2]);
	budget_give(b, &slow, 5);
	CHECK_INT(0, budget_take(b, &waits, 4));
	/* It was not its fault while it waited. */
	CHECK_INT(ERR_AGAIN, budget_take(b, &slow, 5));
	for (int64_t s = 61; s < 71; s++) {
		budget_moved(b, &brisk, 50);
		CHECK_INT(0, sweep(b, s));
	}
	CHECK_INT(1, sweep(b, 72));
	CHECK_INT(1, cut[2]);
	CHECK_INT(1, cut[0]);
	budget_give(b, &waits, 4);
	budget_give(b, &brisk, 4);
	budget_forget(b, &slow);
	budget_forget(b, &waits);
	budget_free(b);
}

/* No more are cut than wait, and the one that was slow for longest goes first. */
static void
test_no_more_than_needed(void)
{
	int cut[4] = { 0 };
	struct budget_user u[4] = { user(&cut[0]), user(&cut[1]), user(&cut[2]), user(&cut[3]) };
	struct budget *b;

	CHECK_INT(0, budget_new(UNITS, RESERVE, &b));
	for (int i = 0; i < 3; i++) {
		CHECK_INT(0, budget_take(b, &u[i], 3));
		CHECK_INT(0, sweep(b, i));
	}
	CHECK_INT(ERR_AGAIN, budget_take(b, &u[3], 1));
	CHECK_INT(1, sweep(b, 20));
	CHECK_INT(1, cut[0]);
	CHECK_INT(0, cut[1] + cut[2] + cut[3]);
	for (int i = 0; i < 3; i++)
		budget_give(b, &u[i], 3);
	for (int i = 0; i < 4; i++)
		budget_forget(b, &u[i]);
	budget_free(b);
}

/* One that is brisk alone does not make up for a queue of holders that wait: the oldest of them go. */
static void
test_stuck(void)
{
	int cut[4] = { 0 };
	struct budget_user u[4] = { user(&cut[0]), user(&cut[1]), user(&cut[2]), user(&cut[3]) };
	static const size_t held[4] = { 3, 3, 1, 2 };
	unsigned count = 0;
	int64_t last = 40;
	struct budget *b;

	CHECK_INT(0, budget_new(UNITS, RESERVE, &b));
	for (int i = 0; i < 4; i++)
		CHECK_INT(0, budget_take(b, &u[i], held[i]));
	for (int i = 0; i < 3; i++)
		CHECK_INT(ERR_AGAIN, budget_take(b, &u[i], 1));
	/* Thrice the least is enough for three. */
	for (int64_t s = 0; s < 40; s++) {
		budget_moved(b, &u[3], 50);
		CHECK_INT(0, sweep(b, s));
	}
	for (; last < 80 && count == 0; last++) {
		budget_moved(b, &u[3], 20);
		count = sweep(b, last);
	}
	CHECK(last > 50 && last < 60);
	CHECK_INT(2, count);
	CHECK_INT(1, cut[0]);
	CHECK_INT(1, cut[1]);
	CHECK_INT(0, cut[2] + cut[3]);
	for (int i = 0; i < 4; i++)
		budget_give(b, &u[i], held[i]);
	for (int i = 0; i < 4; i++)
		budget_forget(b, &u[i]);
	budget_free(b);
}

/* Where the slow ones hold half, nobody who waits has to go: once they give, who came last is all that still waits. */
static void
test_stuck_behind_slow_ones(void)
{
	int cut[3] = { 0 };
	struct budget_user u[3] = { user(&cut[0]), user(&cut[1]), user(&cut[2]) };
	static const size_t held[3] = { 6, 1, 1 };
	unsigned count = 0;
	struct budget *b;

	CHECK_INT(0, budget_new(UNITS, RESERVE, &b));
	for (int i = 0; i < 3; i++)
		CHECK_INT(0, budget_take(b, &u[i], held[i]));
	for (int i = 1; i < 3; i++)
		CHECK_INT(ERR_AGAIN, budget_take(b, &u[i], 5));
	for (int64_t s = 0; s < 40 && !count; s++)
		count = sweep(b, s);
	CHECK_INT(1, count);
	CHECK_INT(1, cut[0]);
	CHECK_INT(0, cut[1] + cut[2]);
	for (int i = 0; i < 3; i++)
		budget_give(b, &u[i], held[i]);
	for (int i = 0; i < 3; i++)
		budget_forget(b, &u[i]);
	budget_free(b);
}

static const struct test tests[] = {
	TEST(test_many_at_once), TEST(test_slow_are_cut_while_others_wait), TEST(test_no_more_than_needed),
	TEST(test_stuck), TEST(test_stuck_behind_slow_ones), TEST_END,
};
TEST_MAIN(tests)

#include <signal.h>
#include <unistd.h>

#include "base/cancel.h"
#include "tests/unit/unit.h"

/* In a child: how it ended, as waitpid(2) tells. */
static int
in_child(void (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		signal(SIGHUP, SIG_DFL);	/* whoever runs the test */
		cancel_catch_signals();
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (status);
}

static void
raise_twice(void)
{
	struct err e = { 0 };

	if (cancel_check(&e) != 0)
		_exit(1);
	raise(SIGINT);
	raise(SIGINT);
	raise(SIGTERM);
	if (cancel_check(&e) != -1)
		_exit(2);
	if (strcmp(e.msg, "interrupted (Interrupt)") != 0)
		_exit(3);
}

static void
hang_up(void)
{
	struct err e = { 0 };

	raise(SIGHUP);
	if (cancel_check(&e) != -1)
		_exit(1);
}

/* nohup(1) */
static void
hang_up_ignored(void)
{
	struct err e = { 0 };

	signal(SIGHUP, SIG_IGN);
	cancel_catch_signals();
	raise(SIGHUP);
	if (cancel_check(&e) != 0)
		_exit(1);
}

static void
raise_again_later(void)
{
	raise(SIGINT);
	usleep((CANCEL_ECHO_MS + 50) * 1000);
	raise(SIGTERM);
}

static void
test_echo(void **state)
{
	(void)state;
	assert_int_equal(in_child(raise_twice), 0);
}

static void
test_second(void **state)
{
	int status;

	(void)state;
	status = in_child(raise_again_later);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void
test_hang_up(void **state)
{
	(void)state;
	assert_int_equal(in_child(hang_up), 0);
	assert_int_equal(in_child(hang_up_ignored), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_second),
		cmocka_unit_test(test_hang_up),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

#include "remote/quote.h"
#include "tests/unit/unit.h"

/* What this host's shell makes of a command; at most size bytes. */
static size_t
by_shell(struct buf *command, uint8_t *out, size_t size, int *status)
{
	/* NOLINTNEXTLINE(cert-env33-c): a shell is what is tested */
	FILE *f = popen(buf_cstr(command), "r");
	size_t n;
	int rc;

	assert_non_null(f);
	n = fread(out, 1, size, f);
	rc = pclose(f);
	*status = WIFEXITED(rc) ? WEXITSTATUS(rc) : -1;
	return (n);
}

static void
test_quotes(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	remote_quote(&b, "", 0);
	buf_putc(&b, ' ');
	remote_quote(&b, "a b", 3);
	buf_putc(&b, ' ');
	remote_quote(&b, "it's", 4);
	buf_putc(&b, ' ');
	remote_quote(&b, "''", 2);
	assert_string_equal(buf_cstr(&b), "'' 'a b' 'it'\\''s' ''\\'''\\'''");
	buf_fini(&b);
}

/* Words of any bytes come through a shell as they are. */
static void
test_any_bytes_through_a_shell(void **state)
{
	static const char odd[] = "'''\"\"\\\\$$``\n\n \t!*?[]{}()<>|&;~#=%-";
	struct rng rng = { 11 };
	struct buf command = BUF_INIT;
	uint8_t word[40], out[64];
	size_t i, j, len, n;
	int status;

	(void)state;
	for (i = 0; i < 150; i++) {
		len = rng_below(&rng, sizeof(word) + 1);
		for (j = 0; j < len; j++)
			word[j] = rng_below(&rng, 3) != 0 ?
			    (uint8_t)odd[rng_below(&rng, sizeof(odd) - 1)] :
			    (uint8_t)(1 + rng_below(&rng, 255));
		buf_clear(&command);
		buf_puts(&command, "printf '%s.' ");
		remote_quote(&command, word, len);
		n = by_shell(&command, out, sizeof(out), &status);
		assert_int_equal(status, 0);
		assert_int_equal(n, len + 1);
		assert_memory_equal(out, word, len);
		assert_int_equal(out[len], '.');
	}
	buf_fini(&command);
}

static void
test_scripts(void **state)
{
	static const char *const args[] = { "it's", "", "-n", "a\nb" };
	struct buf command = BUF_INIT;
	uint8_t out[256];
	size_t n;
	int status;

	(void)state;
	setenv("TAR_OPTIONS", "-v", 1);
	setenv("LANG", "de_DE.UTF-8", 1);
	remote_command(&command, "printf '%s|' \"$0\" \"$@\" \"$LC_ALL\" "
	    "\"$LANG$TAR_OPTIONS\"\n# it's the end\nexit 7", args,
	    COUNT(args));
	n = by_shell(&command, out, sizeof(out) - 1, &status);
	out[n] = '\0';
	assert_int_equal(status, 7);
	assert_string_equal((char *)out, "xcatvault|it's||-n|a\nb|C||");
	unsetenv("TAR_OPTIONS");
	unsetenv("LANG");
	/* Nothing stands behind the script but its arguments. */
	buf_clear(&command);
	remote_command(&command, "exit 0", NULL, 0);
	assert_true(command.len > 10);
	assert_non_null(strstr(buf_cstr(&command), "/bin/sh -c 'exit 0' "));
	buf_fini(&command);
}

static void
test_xcat(void **state)
{
	struct buf command = BUF_INIT;
	uint8_t out[256];
	size_t n;
	int status;

	(void)state;
	if (shell("test ! -e /etc/profile.d/xcat.sh") != 0)
		skip();
	setenv("XCATBYPASS", "1", 1);
	remote_xcat_command(&command, "echo reached", 0, NULL, 0);
	buf_puts(&command, " 2>&1");
	n = by_shell(&command, out, sizeof(out) - 1, &status);
	out[n] = '\0';
	assert_int_equal(status, 127);
	assert_non_null(strstr((char *)out, "no xCAT here"));
	assert_null(strstr((char *)out, "reached"));
	assert_null(strstr(buf_cstr(&command), "XCATBYPASS=1"));
	buf_clear(&command);
	remote_xcat_command(&command, "", 1, NULL, 0);
	assert_non_null(strstr(buf_cstr(&command),
	    "PERL_BADLANG=0 XCATBYPASS=1 /bin/sh -c "));
	unsetenv("XCATBYPASS");
	buf_fini(&command);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_any_bytes_through_a_shell),
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_xcat),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

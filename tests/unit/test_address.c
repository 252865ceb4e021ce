#include "remote/session.h"
#include "tests/unit/unit.h"

struct parsed {
	const char *text, *user, *host;
	unsigned port;
	const char *path;
};

static void
same(const char *a, const char *b)
{
	if (b == NULL)
		assert_null(a);
	else {
		assert_non_null(a);
		assert_string_equal(a, b);
	}
}

static void
test_addresses(void **state)
{
	static const struct parsed good[] = {
		{ "mn1", NULL, "mn1", 0, NULL },
		{ "ssh://mn1", NULL, "mn1", 0, NULL },
		{ "root@mn1", "root", "mn1", 0, NULL },
		{ "root@mn1:2200", "root", "mn1", 2200, NULL },
		{ "mn1:1", NULL, "mn1", 1, NULL },
		{ "mn1:65535/", NULL, "mn1", 65535, "/" },
		{ "mn1:00022", NULL, "mn1", 22, NULL },
		{ "ssh://backup@vault.example.org:22/srv/a b/x:y@z%20",
		    "backup", "vault.example.org", 22,
		    "/srv/a b/x:y@z%20" },
		{ "10.1.2.3/srv", NULL, "10.1.2.3", 0, "/srv" },
		{ "[::1]", NULL, "::1", 0, NULL },
		{ "root@[fe80::1%eth0]:22/x", "root", "fe80::1%eth0", 22,
		    "/x" },
		{ "DOM.user@corp@mn_1-a", "DOM.user@corp", "mn_1-a", 0, NULL },
		{ "mn1//x", NULL, "mn1", 0, "//x" },
	};
	struct err e = { 0 };
	char *user, *host, *path;
	unsigned port;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(good); i++) {
		assert_int_equal(remote_parse(good[i].text, &user, &host,
		    &port, &path, &e), 0);
		same(user, good[i].user);
		same(host, good[i].host);
		same(path, good[i].path);
		assert_int_equal(port, good[i].port);
		free(user);
		free(host);
		free(path);
	}
}

static void
refuse(const char *text)
{
	char *user, *host, *path;
	struct err e = { 0 };
	unsigned port;

	check_failed(remote_parse(text, &user, &host, &port, &path, &e), &e,
	    ERR_USAGE);
	assert_null(user);
	assert_null(host);
	assert_null(path);
}

static void
test_no_addresses(void **state)
{
	static const char *const bad[] = {
		"", "ssh://", "ssh:///x", "/srv", "@", "@mn1", "root@",
		"root@/x", "-oProxyCommand=x", "root@-x", "-x@mn1", "[-x]",
		"mn1:", "mn1:0", "mn1:65536", "mn1:000022", "mn1:22x",
		"mn1:-1", "mn1:+1", "mn1: 22", "mn1:99999999999", "[::1",
		"::1", "fe80::1:22", "[]", "[::1]x", "[::1]:", "[::1]22",
		"[::1];x", "a b", "mn1;x", "$(x)", "`x`", "mn1|x", "a'b",
		"a\"b", "a\\b", "mn1\n", "mn1\r:22", "mn1/a\nb", "\033[1m",
		"root\n@mn1", "r;x@mn1", "r x@mn1", "r$(x)@mn1", "m\177n",
		"m\xc3\xbc", "sftp://mn1", "http://mn1/x", "user:pw@mn1",
	};
	char long_host[300];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		refuse(bad[i]);
	memset(long_host, 'a', sizeof(long_host));
	long_host[256] = '\0';
	refuse(long_host);
}

/* The message with the reason must not show it. */
static void
test_password_is_not_repeated(void **state)
{
	char *user, *host, *path;
	struct err e = { 0 };
	unsigned port;

	(void)state;
	assert_int_equal(remote_parse("root:hunter2@mn1", &user, &host, &port,
	    &path, &e), -1);
	assert_null(strstr(e.msg, "hunter2"));
}

/* Any text: refused, or taken apart into what makes it up again. */
static void
test_random_texts(void **state)
{
	static const char bytes[] = "ab1.-_:::@@//[]%$ '\"\\\n\t-s9";
	static const char *const starts[] = { "", "ssh://", "a@", "[::1]" };
	struct rng rng = { 7 };
	struct err e = { 0 };
	char text[64], again[200], *user, *host, *path;
	unsigned port, taken = 0;
	size_t i, j, n;

	(void)state;
	for (i = 0; i < 200000; i++) {
		n = (size_t)snprintf(text, sizeof(text), "%s",
		    starts[rng_below(&rng, COUNT(starts))]);
		for (j = rng_below(&rng, 14); j > 0; j--)
			text[n++] = bytes[rng_below(&rng,
			    sizeof(bytes) - 1)];
		text[n] = '\0';
		if (remote_parse(text, &user, &host, &port, &path, &e) == -1) {
			assert_int_equal(e.kind, ERR_USAGE);
			continue;
		}
		taken++;
		assert_true(host[0] != '\0' && host[0] != '-');
		assert_null(strpbrk(host, " '\"\\$\n\t/@[]"));
		assert_true(user == NULL || (user[0] != '\0' &&
		    user[0] != '-' && strpbrk(user, " '\"\\$\n\t/:") == NULL));
		n = (size_t)snprintf(again, sizeof(again), "%s%s%s%s%s",
		    user != NULL ? user : "", user != NULL ? "@" : "",
		    strchr(host, ':') || strchr(host, '%') ? "[" : "", host,
		    strchr(host, ':') || strchr(host, '%') ? "]" : "");
		/* Brackets around a name, and zeros before a port, go. */
		if (strchr(text, '[') == NULL && port == 0) {
			snprintf(again + n, sizeof(again) - n, "%s",
			    path != NULL ? path : "");
			assert_string_equal(again,
			    strncmp(text, "ssh://", 6) == 0 ? text + 6 : text);
		}
		free(user);
		free(host);
		free(path);
	}
	assert_true(taken > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_no_addresses),
		cmocka_unit_test(test_password_is_not_repeated),
		cmocka_unit_test(test_random_texts),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

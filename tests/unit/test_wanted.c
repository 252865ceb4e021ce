#include "backup/wanted.h"
#include "tests/unit/unit.h"

static void
test_refusal(void **state)
{
	static const char *const wrong[] = {
		"/", "/usr", "/bin", "/lib64", "/etc", "/home", "/root",
		"/opt", "/var", "/opt/xcat", "/opt/xcat/share/xcat", "/tmp",
		"/proc", "/proc/1/root", "/sys/kernel", "/dev/sda", "/run",
		"/run/x", "/boot", "/var/lib", "/usr/share", "/var/run/a",
	};
	static const char *const good[] = {
		"/etc/xcat", "/data", "/usr/local/images", "/opt/xcat2",
		"/opt/xcat/share/xcat/install/rh/compute.tmpl", "/tmp/x",
		"/root/.ssh", "/processor", "/devel", "/var/runner",
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrong); i++)
		if (wanted_refusal(wrong[i]) == NULL)
			fail_msg("%s is taken", wrong[i]);
	for (i = 0; i < COUNT(good); i++)
		if (wanted_refusal(good[i]) != NULL)
			fail_msg("%s is refused", good[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusal),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}

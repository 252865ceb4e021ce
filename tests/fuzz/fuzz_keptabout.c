#include <string.h>

#include "imgxfer/inspect.h"
#include "imgxfer/keptabout.h"
#include "tests/fuzz/fuzz.h"

/* What a vault tells of a bundle: what is accepted may be shown and used. */
static void
check_line(const char *s)
{
	MUST(s != NULL);
	for (; *s != '\0'; s++)
		MUST((unsigned char)*s >= ' ' && *s != 0x7f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keptabout a;
	struct err e = { 0 };

	if (keptabout_decode(&a, data, size, &e) == -1) {
		must_explain(&e, e.kind == ERR_USAGE ? ERR_USAGE :
		    ERR_DAMAGED);
		keptabout_fini(&a);
		return (0);
	}
	MUST(inspect_name(a.image) == NULL);
	check_line(a.osvers);
	check_line(a.osarch);
	check_line(a.provmethod);
	check_line(a.profile);
	check_line(a.origin);
	MUST(a.bundle_bytes <= INT64_MAX && a.tar_bytes <= INT64_MAX);
	keptabout_fini(&a);
	return (0);
}

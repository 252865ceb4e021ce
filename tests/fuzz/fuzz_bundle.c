#include "imgxfer/inspect.h"
#include "tests/fuzz/fuzz.h"

/*
 * A whole bundle.  With an odd first byte the checksum of each header in it
 * is put right, so that what lies behind is reached.
 */

/* What is promised of every verdict. */
static void
check(const struct inspect *in, size_t size)
{
	struct buf worst = BUF_INIT;
	json_t *j;
	size_t i;
	int bad = 0;

	MUST(in->bundle_bytes == size);
	for (i = 0; i < in->nfindings; i++) {
		MUST(in->findings[i].reason[0] != '\0');
		bad |= in->findings[i].level == INSPECT_BAD;
		MUST(i == 0 || in->findings[i - 1].level >=
		    in->findings[i].level);
	}
	MUST(bad == (in->status == STATUS_DAMAGED));
	inspect_worst(in, &worst);
	MUST((worst.len > 0) == bad);
	buf_fini(&worst);
	for (i = 0; i < in->nmembers; i++) {
		MUST(in->members[i].name[0] != '\0');
		/* Where it says that all is well, all is. */
		if (bad)
			continue;
		MUST(strstr(in->members[i].name, "..") == NULL ||
		    strstr(in->members[i].name, "../") == NULL);
		MUST(in->members[i].name[0] != '/');
		MUST(in->members[i].type == '0' ||
		    in->members[i].type == '5');
		MUST((in->members[i].mode & 06002) == 0);
		if (in->members[i].target != NULL)
			MUST(strncmp(in->members[i].target, "/install/",
			    9) == 0 || strncmp(in->members[i].target,
			    "/opt/xcat/share/", 16) == 0);
	}
	MUST(bad || in->has_manifest);
	MUST((j = inspect_json(in, "fuzz")) != NULL);
	json_decref(j);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	struct source_bytes b = { NULL, 0, 0 };
	struct source src = source_bytes(&b, "fuzz");
	struct inspect in;
	struct err e = { 0 };
	size_t at;

	MUST(copy != NULL);
	if (size > 0) {
		memcpy(copy, data + 1, size - 1);
		for (at = 0; (data[0] & 1) != 0 && at + 512 < size; at += 512)
			if (memcmp(copy + at + 257, "ustar", 5) == 0)
				seal_header(copy + at);
		b.p = copy;
		b.len = size - 1;
		MUST(inspect_run(&in, &src, NULL, &e) == 0);
		check(&in, size - 1);
		inspect_fini(&in);
	}
	free(copy);
	return (0);
}

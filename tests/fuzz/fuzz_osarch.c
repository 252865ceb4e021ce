#include "formats/osarch.h"
#include "tests/fuzz/fuzz.h"

/* Heads of kernels and programs, and names. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *form = "";
	enum osarch a;

	a = osarch_of_kernel(data, size, &form);
	MUST(a <= OSARCH_OTHER);
	MUST(form != NULL || a == OSARCH_UNKNOWN);
	MUST(form != NULL || osarch_kernel_bytes(data, size) == 0);
	MUST(osarch_name(a)[0] != '\0');
	a = osarch_of_elf(data, size);
	MUST(a <= OSARCH_OTHER);
	MUST(a == OSARCH_UNKNOWN || size >= OSARCH_ELF_HEAD);
	a = osarch_named((const char *)data, size);
	MUST(a != OSARCH_UNKNOWN && a <= OSARCH_OTHER);
	return (0);
}

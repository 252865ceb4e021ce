#include "base/confrule.h"
#include "remote/node/probetext.h"
#include "tests/fuzz/fuzz.h"

/* What a node says of itself: printable texts and clean paths, or nothing. */
static void
check_line(const char *s)
{
	MUST(s == NULL || *s == '\0' || confrule_text(s) == NULL);
}

static void
check_probe(const struct probe *p)
{
	const char *texts[] = {
		p->xcatd_reason, p->xcat_version, p->arch, p->hostname,
		p->os, p->db_engine, p->installdir, p->skiptables,
		p->master, p->tmpdir, p->domain, p->tables_reason,
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_line(texts[i]);
	for (i = 0; i < p->nvolumes; i++) {
		MUST(confrule_path(p->volumes[i].path) == NULL);
		MUST(confrule_path(p->volumes[i].source) == NULL);
		MUST(i == 0 || strcmp(p->volumes[i - 1].path,
		    p->volumes[i].path) <= 0);
	}
	for (i = 1; i < p->ntables; i++)
		MUST(strcmp(p->tables[i - 1], p->tables[i]) <= 0);
	for (i = 0; i < PROBE_TOOLS; i++) {
		MUST(p->tools[i].name != NULL);
		check_line(p->tools[i].version);
		check_line(p->tools[i].trouble);
	}
	MUST((unsigned)p->layout <= PROBE_XCATDATA);
	MUST((unsigned)p->xcatd <= PROBE_XCATD_HUNG);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct probe p;
	struct err e = { 0 };

	if (probetext_decode(&p, data, size, &e) == -1) {
		must_explain(&e, ERR_FAILED);
		return (0);
	}
	check_probe(&p);
	probe_fini(&p);
	return (0);
}

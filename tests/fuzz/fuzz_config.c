#include "base/config.h"
#include "base/confrule.h"
#include "tests/fuzz/fuzz.h"

/* A configuration file: what is accepted keeps to all that was promised. */
static void
check_site(const struct config_site *s)
{
	size_t i, j;

	MUST(confrule_site(s->name) == NULL && s->line > 0);
	MUST(s->max_loss >= 1 && s->max_loss <= 100 && s->lanes <= 16);
	MUST(s->connect_s <= 600 && s->idle_s <= 86400);
	MUST(s->dump_s <= 86400);
	MUST(s->address == NULL || confrule_address(s->address) == NULL);
	MUST(s->vault == NULL || confrule_vault(s->vault) == NULL);
	MUST(s->address != NULL || s->nvolumes > 0);
	for (i = 0; i < s->nvolumes; i++) {
		MUST(confrule_path(s->volumes[i].path) == NULL);
		MUST(s->address != NULL || s->volumes[i].local != NULL);
		for (j = 0; j < i; j++)
			MUST(!confrule_within(s->volumes[i].path,
			    s->volumes[j].path));
	}
	for (i = 0; i < s->extra.n; i++)
		MUST(confrule_path(s->extra.at[i]) == NULL);
	for (i = 0; i < s->excludes.n; i++)
		MUST(s->excludes.at[i][0] != '\0');
}

/* libconfig 1.5 loses a text that the end of the file cuts off. */
const char *__lsan_default_suppressions(void);	/* NOLINT */
const char *
__lsan_default_suppressions(void)		/* NOLINT */
{
	return ("leak:libconfig");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c;
	struct err e = { 0 };
	char *text;
	size_t i;

	/* Other files are not to be opened here. */
	if (memmem(data, size, "@include", 8) != NULL)
		return (0);
	MUST((text = malloc(size + 1)) != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if ((c = config_parse(text, "fuzz.conf", &e)) == NULL) {
		must_explain(&e, ERR_USAGE);
		MUST(strncmp(e.msg, "fuzz.conf:", 10) == 0);
	} else {
		for (i = 0; i < c->nsites; i++) {
			check_site(&c->sites[i]);
			MUST(config_find(c, c->sites[i].name, &e) ==
			    &c->sites[i]);
		}
	}
	config_free(c);
	free(text);
	return (0);
}

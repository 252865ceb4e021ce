#include "formats/pathtext.h"
#include "formats/snapshot.h"
#include "formats/treenode.h"
#include "tests/fuzz/fuzz.h"

/* A snapshot's JSON: what is accepted is usable, and stays what it is. */
static void
check_usable(const struct snapshot *s)
{
	const struct snapshot_volume *v;
	struct buf b = BUF_INIT;
	size_t i;

	MUST(snapshot_valid_site(s->site) && s->host != NULL);
	MUST(s->tool != NULL && strlen(s->id) == SNAPSHOT_ID_LEN);
	MUST(s->previous == NULL || strlen(s->previous) == SNAPSHOT_ID_LEN);
	MUST(s->nvolumes > 0 && s->stored_bytes <= INT64_MAX);
	MUST(s->start.tv_nsec >= 0 && s->start.tv_nsec < 1000000000);
	for (i = 0; i < s->nvolumes; i++) {
		v = &s->volumes[i];
		MUST(v->depth <= TREENODE_DEPTH_MAX && v->source != NULL);
		MUST(v->path[0] == '/');
		buf_clear(&b);
		buf_puts(&b, ".");
		if (v->path[1] != '\0')
			pathtext_encode(&b, v->path, strlen(v->path));
		MUST(pathtext_is_path((const char *)b.data, b.len));
	}
	for (i = 0; i < s->nreports; i++)
		MUST(s->reports[i].kind != NULL &&
		    s->reports[i].path != NULL &&
		    s->reports[i].message != NULL);
	buf_fini(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot s, again;
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct err e = { 0 };

	if (snapshot_decode(&s, data, size, &e) == -1) {
		must_explain(&e, e.kind == ERR_USAGE ? ERR_USAGE :
		    ERR_DAMAGED);
		MUST(s.site == NULL && s.volumes == NULL);
		return (0);
	}
	check_usable(&s);
	MUST(snapshot_encode(&one, &s, &e) == 0);
	MUST(snapshot_decode(&again, one.data, one.len, &e) == 0);
	MUST(strcmp(s.id, again.id) == 0);
	MUST(snapshot_encode(&two, &again, &e) == 0);
	must_equal(&two, one.data, one.len);
	buf_fini(&one);
	buf_fini(&two);
	snapshot_fini(&s);
	snapshot_fini(&again);
	return (0);
}

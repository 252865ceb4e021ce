#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/human.h"
#include "imgxfer/exportshow.h"

/* ------------------------------------------------------------------- plan */

static json_t *
texts_json(const struct exportplan_text *texts, size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		(void)json_array_append_new(list, json_string(texts[i].text));
	return (list);
}

static json_t *
files_json(const struct exportplan *p)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < p->nfiles; i++)
		(void)json_array_append_new(list, json_pack(
		    "{s:s, s:s, s:I}", "role", p->files[i].role,
		    "path", p->files[i].path,
		    "bytes", (json_int_t)p->files[i].bytes));
	return (list);
}

static json_t *
left_json(const struct exportplan *p)
{
	struct buf path = BUF_INIT;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < p->nleft; i++) {
		buf_clear(&path);
		buf_put_printable(&path, p->left[i].path,
		    strlen(p->left[i].path));
		(void)json_array_append_new(list, json_pack(
		    "{s:s, s:s, s:I, s:b}", "what", p->left[i].what,
		    "path", buf_cstr(&path),
		    "bytes", (json_int_t)p->left[i].size,
		    "carried", p->left[i].carried));
	}
	buf_fini(&path);
	return (list);
}

json_t *
exportshow_plan_json(const struct exportrun *run)
{
	const struct exportplan *p = &run->plan;

	return (json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:o,"
	    " s:{s:s, s:I, s:I, s:s, s:I, s:I}, s:o, s:o}",
	    "image", p->image, "site", run->node->site,
	    "provmethod", p->provmethod, "osarch", p->osarch,
	    "bytes", (json_int_t)p->bytes, "files", files_json(p),
	    "left_out", left_json(p),
	    "room", "work", p->base, "wanted", (json_int_t)p->base_wants,
	    "free", (json_int_t)p->base_has, "tmpdir", p->tmpdir,
	    "tmpdir_wanted", (json_int_t)p->tmp_wants,
	    "tmpdir_free", (json_int_t)p->tmp_has,
	    "problems", texts_json(p->problems, p->nproblems),
	    "warnings", texts_json(p->warnings, p->nwarnings)));
}

static void
print_room(const char *dir, uint64_t wants, uint64_t has)
{
	char w[HUMAN_LEN], h[HUMAN_LEN];

	human_bytes(wants, w);
	human_bytes(has, h);
	printf("room: %s: %s wanted, %s free\n", dir, w, h);
}

static void
print_plan(const struct exportrun *run)
{
	const struct exportplan *p = &run->plan;
	struct buf path = BUF_INIT;
	char bytes[HUMAN_LEN];
	size_t i;

	human_bytes(p->bytes, bytes);
	printf("osimage %s of %s: %s, %s, %s\n", p->image,
	    remote_name(run->node->r), p->provmethod[0] != '\0' ?
	    p->provmethod : "no provmethod", p->osarch[0] != '\0' ?
	    p->osarch : "no osarch", bytes);
	for (i = 0; i < p->nfiles; i++) {
		human_bytes(p->files[i].bytes, bytes);
		printf("  %-13s %9s  %s\n", p->files[i].role, bytes,
		    p->files[i].path);
	}
	for (i = 0; i < p->nleft; i++) {
		buf_clear(&path);
		buf_put_printable(&path, p->left[i].path,
		    strlen(p->left[i].path));
		printf("left out%s: %s %s\n", p->left[i].carried ?
		    ", carried beside it" : "", p->left[i].what,
		    buf_cstr(&path));
	}
	buf_fini(&path);
	if (p->base[0] != '\0')
		print_room(p->base, p->base_wants, p->base_has);
	if (p->tmp_wants > 0)
		print_room(p->tmpdir, p->tmp_wants, p->tmp_has);
	for (i = 0; i < p->nproblems; i++)
		printf("problem: %s\n", p->problems[i].text);
	for (i = 0; i < p->nwarnings; i++)
		printf("warning: %s\n", p->warnings[i].text);
	printf("%s\n", p->nproblems > 0 ? "It cannot be exported like that." :
	    "It can be exported.");
}

int
exportshow_plan(const struct exportrun *run, const struct cli *cli,
    struct err *e)
{
	const struct exportplan *p = &run->plan;
	int status = p->nproblems > 0 ? STATUS_FAILED :
	    p->nwarnings > 0 ? STATUS_REPORTED : STATUS_DONE;

	if (cli->json) {
		if (cli_json(exportshow_plan_json(run), e) == -1)
			return (-1);
	} else if (!cli->quiet)
		print_plan(run);
	return (cli_flush(e) == -1 ? -1 : status);
}

/* ------------------------------------------------------------------- done */

void
exportshow_warnings(const struct exportrun *run, const struct cli *cli)
{
	const struct inspect *in = &run->in;
	size_t i;

	if (cli->quiet)
		return;
	for (i = 0; i < run->plan.nwarnings; i++)
		cli_warn("%s: %s", run->plan.image,
		    run->plan.warnings[i].text);
	for (i = 0; i < in->nfindings; i++)
		if (in->findings[i].level != INSPECT_NOTE)
			cli_warn("%s: %s%s%s", run->plan.image,
			    in->findings[i].member,
			    in->findings[i].member[0] != '\0' ? ": " : "",
			    in->findings[i].reason);
}

void
exportshow_done(const struct exportrun *run, const struct sidecar *s,
    const char *file, FILE *f)
{
	char bytes[HUMAN_LEN], hex[DIGEST_HEX + 1];
	size_t i, carried = 0;

	human_bytes(s->bundle.bytes, bytes);
	digest_hexz(s->bundle.digest, hex);
	fprintf(f, "%s: %s, %zu files proved, %s%s%s\n", file, bytes,
	    run->plan.nfiles, s->osarch, s->osarch[0] != '\0' ? " " : "",
	    run->in.arch == INSPECT_ARCH_PROVED ? "proved" : "not proved");
	fprintf(f, "sha256 %s\n", hex);
	for (i = 0; i < s->nleft; i++)
		carried += s->left[i].carried != 0;
	if (s->nleft > 0)
		fprintf(f, "imgexport leaves out %zu of what the image "
		    "names: %s\n", s->nleft, carried == s->nleft ?
		    "carried beside it" : carried > 0 ? "most are carried "
		    "beside it; see the sidecar" :
		    "--complete brings it along");
}

int
exportshow_json(const struct exportrun *run, const struct sidecar *s,
    const char *file, int status, FILE *f, struct err *e)
{
	struct buf text = BUF_INIT;
	json_t *j = NULL;

	if (sidecar_encode(&text, s, e) == -1)
		return (-1);
	j = json_loadb((const char *)text.data, text.len, 0, NULL);
	buf_fini(&text);
	if (j == NULL || json_object_set_new(j, "path",
	    json_string(file)) == -1 || json_object_set_new(j, "status",
	    json_integer(status)) == -1 || json_object_set_new(j,
	    "reconnected", json_integer((json_int_t)run->reconnected)) == -1) {
		json_decref(j);
		return (err_nomem(e));
	}
	json_dumpf(j, f, JSON_INDENT(1));
	json_decref(j);
	fputc('\n', f);
	return (0);
}

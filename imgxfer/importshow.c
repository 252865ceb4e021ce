#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "imgxfer/import.h"

static const char *const fates[] = { "untouched", "imported", "put back",
	"stranded" };
static const char *const states[] = { "new", "same", "replaced" };

int
import_status(const struct import_result *res)
{
	return (res->nwarnings > 0 || (res->dry_run && res->nconflicts > 0) ?
	    STATUS_REPORTED : STATUS_DONE);
}

void
import_result_fini(struct import_result *res)
{
	free(res->files);
	free(res->removed);
	free(res->dirs);
	free(res->rows);
	free(res->conflicts);
	free(res->warnings);
	free(res->notes);
	free(res->standing);
	arena_fini(&res->arena);
	memset(res, 0, sizeof(*res));
}

static uint64_t
bytes_of(const struct import_result *res)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < res->nfiles; i++)
		sum += res->files[i].bytes;
	return (sum);
}

static void
print_lines(const char *label, const struct import_text *list, size_t n,
    FILE *f)
{
	size_t i;

	for (i = 0; i < n; i++)
		fprintf(f, "%s%s\n", label, list[i].text);
}

static void
print_plan(const struct import_result *res, FILE *f)
{
	char bytes[HUMAN_LEN];
	size_t i;

	print_lines("row        ", res->rows, res->nrows, f);
	print_lines("directory  ", res->dirs, res->ndirs, f);
	for (i = 0; i < res->nfiles; i++) {
		human_bytes(res->files[i].bytes, bytes);
		fprintf(f, "%-10s %s (%s, %s)\n", states[res->files[i].was],
		    res->files[i].path, res->files[i].role, bytes);
	}
	print_lines("removed    ", res->removed, res->nremoved, f);
	if (res->room != NULL)
		fprintf(f, "room       %s\n", res->room);
	print_lines("in the way ", res->conflicts, res->nconflicts, f);
}

void
import_print(const struct import_result *res, int quiet, FILE *f)
{
	char bytes[HUMAN_LEN];

	if (!quiet && res->dry_run && res->planned) {
		fprintf(f, "would import %s (%s)\n", res->image, res->arch);
		print_plan(res, f);
	} else if (!quiet && res->fate == IMPORT_DONE) {
		human_bytes(bytes_of(res), bytes);
		fprintf(f, "%s (%s): imported, %zu files of %s and its rows "
		    "proved\n", res->image, res->arch, res->nfiles, bytes);
		if (res->undo != NULL)
			fprintf(f, "what was replaced is kept: snapshot %s\n",
			    res->undo);
	}
	if (!quiet)
		print_lines("", res->notes, res->nnotes, f);
}

/* ---------------------------------------------------------------- JSON */

static json_t *
texts_json(const struct import_text *list, size_t n)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		(void)json_array_append_new(a, json_string(list[i].text));
	return (a);
}

static json_t *
hex_json(const uint8_t digest[DIGEST_LEN])
{
	char hex[DIGEST_HEX + 1];

	digest_hexz(digest, hex);
	return (json_string(hex));
}

static json_t *
files_json(const struct import_result *res)
{
	json_t *a = json_array(), *o;
	const struct import_file *f;
	size_t i;

	for (i = 0; i < res->nfiles; i++) {
		f = res->files + i;
		o = json_pack("{s:s, s:s, s:I, s:o, s:s, s:b}", "path",
		    f->path, "role", f->role, "bytes", (json_int_t)f->bytes,
		    "sha256", hex_json(f->digest), "was", f->was ==
		    IMPORT_FREE ? "absent" : f->was == IMPORT_SAME ?
		    "same" : "other", "proved", f->proved);
		(void)json_array_append_new(a, o);
	}
	return (a);
}

json_t *
import_json(const struct import_result *res)
{
	json_t *o = json_pack("{s:s?, s:s?, s:s, s:b, s:I, s:I, s:o}",
	    "image", res->image, "arch", res->arch, "fate", fates[res->fate],
	    "dry_run", res->dry_run, "bundle_bytes",
	    (json_int_t)res->bundle_bytes, "sent", (json_int_t)res->sent,
	    "bundle_sha256", hex_json(res->bundle_digest));

	if (o == NULL)
		return (NULL);
	(void)json_object_set_new(o, "files", files_json(res));
	(void)json_object_set_new(o, "rows", texts_json(res->rows,
	    res->nrows));
	(void)json_object_set_new(o, "directories", texts_json(res->dirs,
	    res->ndirs));
	(void)json_object_set_new(o, "removed", texts_json(res->removed,
	    res->nremoved));
	(void)json_object_set_new(o, "conflicts", texts_json(res->conflicts,
	    res->nconflicts));
	(void)json_object_set_new(o, "warnings", texts_json(res->warnings,
	    res->nwarnings));
	(void)json_object_set_new(o, "notes", texts_json(res->notes,
	    res->nnotes));
	(void)json_object_set_new(o, "standing", texts_json(res->standing,
	    res->nstanding));
	(void)json_object_set_new(o, "room", res->room != NULL ?
	    json_string(res->room) : json_null());
	(void)json_object_set_new(o, "undo", res->undo != NULL ?
	    json_string(res->undo) : json_null());
	return (o);
}

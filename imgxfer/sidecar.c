#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/io.h"
#include "formats/pathtext.h"
#include "imgxfer/sidecar.h"

#define VERSION 1
#define FORMAT "xcatvault-image"
#define ITEMS_MAX 1000000	/* members, files left out, warnings */

/* Texts by object and name. */
static const struct text {
	const char *object, *name;
	size_t offset;
} texts[] = {
#define TEXT(object, name) { object, #name, offsetof(struct sidecar, name) }
	TEXT("provenance", site), TEXT("provenance", address),
	TEXT("provenance", hostname), TEXT("provenance", host_key),
	TEXT("provenance", xcat), TEXT("provenance", time),
	TEXT("provenance", tool), TEXT("provenance", engine),
	TEXT("arch", osarch), TEXT("arch", kernel_arch),
	TEXT("arch", kernel_form), TEXT("arch", rootimg_arch),
	TEXT("arch", rootimg_form), TEXT("arch", proof),
	TEXT("osimage", provmethod), TEXT("osimage", osvers),
	TEXT("osimage", profile),
#undef TEXT
};
#define NTEXTS (sizeof(texts) / sizeof(texts[0]))

static const char **
text_at(struct sidecar *s, const struct text *t)
{
	return ((const char **)(void *)((char *)s + t->offset));
}

/* --------------------------------------------------------------- encoding */

static json_t *
digest_json(const uint8_t digest[DIGEST_LEN])
{
	char hex[DIGEST_HEX + 1];

	digest_hexz(digest, hex);
	return (json_string(hex));
}

static json_t *
file_json(const struct sidecar_file *f)
{
	return (json_pack("{s:s, s:I, s:o, s:s, s:I, s:o}", "file", f->file,
	    "bytes", (json_int_t)f->bytes, "sha256", digest_json(f->digest),
	    "compression", f->compression,
	    "tar_bytes", (json_int_t)f->tar_bytes,
	    "tar_sha256", digest_json(f->tar_digest)));
}

static json_t *
mode_json(unsigned mode)
{
	char text[16];

	snprintf(text, sizeof(text), "%04o", mode & 07777);
	return (json_string(text));
}

static json_t *
type_json(char type)
{
	char text[2] = { type, '\0' };

	return (json_string(type == '0' ? "file" :
	    type == '5' ? "directory" : text));
}

static json_t *
member_json(const struct sidecar_member *m)
{
	json_t *j;

	j = json_pack("{s:o, s:o, s:o, s:I}", "name", pathtext_json(m->name),
	    "type", type_json(m->type), "mode", mode_json(m->mode),
	    "bytes", (json_int_t)m->size);
	if (j != NULL && ((m->type == '0' && json_object_set_new(j, "sha256",
	    digest_json(m->digest)) == -1) || (m->target != NULL &&
	    json_object_set_new(j, "target", pathtext_json(m->target)) ==
	    -1))) {
		json_decref(j);
		return (NULL);
	}
	return (j);
}

static json_t *
left_json(const struct sidecar_left *l)
{
	json_t *j;
	int rc;

	j = json_pack("{s:s, s:o, s:o, s:o, s:I, s:b}", "what", l->what,
	    "path", pathtext_json(l->path), "type", type_json(l->type),
	    "mode", mode_json(l->mode), "bytes", (json_int_t)l->size,
	    "carried", l->carried);
	if (j == NULL)
		return (NULL);
	rc = l->type == '0' ? json_object_set_new(j, "sha256",
	    digest_json(l->digest)) : json_object_set_new(j, "files",
	    json_integer((json_int_t)l->files));
	if (rc == -1) {
		json_decref(j);
		return (NULL);
	}
	return (j);
}

/* Every append is checked: nothing must be missing silently. */
static int
add_lists(json_t *j, const struct sidecar *s)
{
	json_t *members = json_array(), *left = json_array();
	json_t *warnings = json_array();
	size_t i;

	if (json_object_set_new(j, "members", members) == -1 ||
	    json_object_set_new(j, "left_out", left) == -1 ||
	    json_object_set_new(j, "warnings", warnings) == -1)
		return (-1);
	for (i = 0; i < s->nmembers; i++)
		if (json_array_append_new(members,
		    member_json(&s->members[i])) == -1)
			return (-1);
	for (i = 0; i < s->nleft; i++)
		if (json_array_append_new(left, left_json(&s->left[i])) == -1)
			return (-1);
	for (i = 0; i < s->nwarnings; i++)
		if (json_array_append_new(warnings,
		    json_string(s->warnings[i])) == -1)
			return (-1);
	return (0);
}

static int
add_texts(json_t *j, const struct sidecar *s)
{
	struct sidecar copy = *s;
	const char *text;
	json_t *o;
	size_t i;

	for (i = 0; i < NTEXTS; i++) {
		o = json_object_get(j, texts[i].object);
		if (o == NULL && json_object_set_new(j, texts[i].object,
		    o = json_object()) == -1)
			return (-1);
		text = *text_at(&copy, &texts[i]);
		if (text != NULL && text[0] != '\0' && json_object_set_new(o,
		    texts[i].name, json_string(text)) == -1)
			return (-1);
	}
	return (0);
}

int
sidecar_encode(struct buf *out, const struct sidecar *s, struct err *e)
{
	json_t *j;
	char *text = NULL;

	j = json_pack("{s:s, s:i, s:s, s:o}", "format", FORMAT, "version",
	    VERSION, "image", s->image, "bundle", file_json(&s->bundle));
	if (j != NULL && (s->extra.file == NULL || json_object_set_new(j,
	    "extra", file_json(&s->extra)) == 0) && add_texts(j, s) == 0 &&
	    add_lists(j, s) == 0)
		text = json_dumps(j, JSON_INDENT(1));
	json_decref(j);
	if (text == NULL)
		return (err_set(e, ERR_FAILED, "%s: the sidecar cannot be "
		    "written as JSON (out of memory, or a text that is not "
		    "UTF-8)", s->image));
	buf_puts(out, text);
	buf_putc(out, '\n');
	free(text);
	return (buf_ok(out, e));
}

/* --------------------------------------------------------------- decoding */

static int
bad(struct err *e, const char *what)
{
	return (err_set(e, ERR_DAMAGED, "sidecar: bad or missing \"%s\"",
	    what));
}

static const char *
keep(struct sidecar *s, const char *p, size_t len, struct err *e)
{
	char *copy = arena_alloc(&s->arena, len + 1);

	if (copy == NULL) {
		err_nomem(e);
		return (NULL);
	}
	memcpy(copy, p, len);
	copy[len] = '\0';
	return (copy);
}

/* jansson refuses NUL bytes, and what is not UTF-8. */
static int
take_text(struct sidecar *s, const json_t *o, const char *name,
    const char **out, struct err *e)
{
	const char *text = json_string_value(json_object_get(o, name));

	if (text == NULL)
		return (bad(e, name));
	*out = keep(s, text, strlen(text), e);
	return (*out != NULL ? 0 : -1);
}

static int
take_path(struct sidecar *s, const json_t *o, const char *name,
    const char **out, struct err *e)
{
	const char *text = json_string_value(json_object_get(o, name));
	struct buf raw = BUF_INIT;
	int rc = -1;

	if (text == NULL || text[0] == '\0' ||
	    pathtext_decode(&raw, text, strlen(text)) == -1 ||
	    memchr(raw.data, '\0', raw.len) != NULL)
		bad(e, name);
	else if (buf_ok(&raw, e) == 0) {
		*out = keep(s, (const char *)raw.data, raw.len, e);
		rc = *out != NULL ? 0 : -1;
	}
	buf_fini(&raw);
	return (rc);
}

static int
take_number(const json_t *o, const char *name, uint64_t *out, struct err *e)
{
	const json_t *n = json_object_get(o, name);

	if (!json_is_integer(n) || json_integer_value(n) < 0)
		return (bad(e, name));
	*out = (uint64_t)json_integer_value(n);
	return (0);
}

static int
take_digest(const json_t *o, const char *name, uint8_t out[DIGEST_LEN],
    struct err *e)
{
	const char *text = json_string_value(json_object_get(o, name));

	if (text == NULL || strlen(text) != DIGEST_HEX ||
	    digest_parse(text, out) == -1)
		return (bad(e, name));
	return (0);
}

static int
take_mode(const json_t *o, unsigned *mode, struct err *e)
{
	const char *text = json_string_value(json_object_get(o, "mode"));

	if (text == NULL || strlen(text) != 4 ||
	    strspn(text, "01234567") != 4)
		return (bad(e, "mode"));
	*mode = (unsigned)strtoul(text, NULL, 8);
	return (0);
}

static int
take_type(const json_t *o, char *type, struct err *e)
{
	const char *text = json_string_value(json_object_get(o, "type"));

	if (text != NULL && strcmp(text, "file") == 0)
		*type = '0';
	else if (text != NULL && strcmp(text, "directory") == 0)
		*type = '5';
	else if (text != NULL && text[0] > ' ' && text[0] <= '~' &&
	    text[1] == '\0' && text[0] != '0' && text[0] != '5')
		*type = text[0];
	else
		return (bad(e, "type"));
	return (0);
}

/* A name beside the sidecar, never a way to somewhere else. */
static int
take_file(struct sidecar *s, const json_t *o, struct sidecar_file *f,
    const char *name, struct err *e)
{
	if (!json_is_object(o))
		return (bad(e, name));
	if (take_text(s, o, "file", &f->file, e) == -1 ||
	    take_text(s, o, "compression", &f->compression, e) == -1 ||
	    take_number(o, "bytes", &f->bytes, e) == -1 ||
	    take_digest(o, "sha256", f->digest, e) == -1 ||
	    take_number(o, "tar_bytes", &f->tar_bytes, e) == -1 ||
	    take_digest(o, "tar_sha256", f->tar_digest, e) == -1)
		return (-1);
	if (f->file[0] == '\0' || f->file[0] == '.' ||
	    strchr(f->file, '/') != NULL)
		return (bad(e, "file"));
	return (0);
}

static int
take_member(struct sidecar *s, const json_t *o, struct sidecar_member *m,
    struct err *e)
{
	if (!json_is_object(o))
		return (bad(e, "members"));
	if (take_path(s, o, "name", &m->name, e) == -1 ||
	    take_type(o, &m->type, e) == -1 ||
	    take_mode(o, &m->mode, e) == -1 ||
	    take_number(o, "bytes", &m->size, e) == -1 ||
	    (m->type == '0' && take_digest(o, "sha256", m->digest, e) == -1))
		return (-1);
	return (json_object_get(o, "target") == NULL ? 0 :
	    take_path(s, o, "target", &m->target, e));
}

/* Without "//", "." and ".." parts: what is unpacked below "/" stays. */
static int
is_clean(const char *path)
{
	const char *p, *end;

	if (path[0] != '/' || path[1] == '\0')
		return (0);
	for (p = path; *p == '/'; p = end) {
		end = strchrnul(++p, '/');
		if (end == p || (end - p == 1 && p[0] == '.') ||
		    (end - p == 2 && p[0] == '.' && p[1] == '.'))
			return (0);
	}
	return (1);
}

static int
take_left(struct sidecar *s, const json_t *o, struct sidecar_left *l,
    struct err *e)
{
	if (!json_is_object(o))
		return (bad(e, "left_out"));
	if (take_text(s, o, "what", &l->what, e) == -1 ||
	    take_path(s, o, "path", &l->path, e) == -1 ||
	    take_type(o, &l->type, e) == -1 ||
	    take_mode(o, &l->mode, e) == -1 ||
	    take_number(o, "bytes", &l->size, e) == -1)
		return (-1);
	if (!is_clean(l->path))
		return (bad(e, "path"));
	if (l->type != '0' && l->type != '5')
		return (bad(e, "type"));
	if (!json_is_boolean(json_object_get(o, "carried")))
		return (bad(e, "carried"));
	l->carried = json_is_true(json_object_get(o, "carried"));
	return (l->type == '0' ? take_digest(o, "sha256", l->digest, e) :
	    take_number(o, "files", &l->files, e));
}

/* An array's items, zeroed. */
static void *
take_items(struct sidecar *s, const json_t *list, size_t each, size_t *n,
    const char *name, struct err *e)
{
	void *p;

	*n = 0;
	if (!json_is_array(list) || json_array_size(list) > ITEMS_MAX) {
		bad(e, name);
		return (NULL);
	}
	p = arena_alloc(&s->arena, json_array_size(list) * each + 1);
	if (p == NULL) {
		err_nomem(e);
		return (NULL);
	}
	memset(p, 0, json_array_size(list) * each);
	*n = json_array_size(list);
	return (p);
}

static int
take_lists(struct sidecar *s, const json_t *j, struct err *e)
{
	const json_t *members = json_object_get(j, "members");
	const json_t *left = json_object_get(j, "left_out");
	const json_t *warnings = json_object_get(j, "warnings");
	const char *text;
	size_t i;

	if ((s->members = take_items(s, members, sizeof(*s->members),
	    &s->nmembers, "members", e)) == NULL ||
	    (s->left = take_items(s, left, sizeof(*s->left), &s->nleft,
	    "left_out", e)) == NULL ||
	    (s->warnings = take_items(s, warnings, sizeof(*s->warnings),
	    &s->nwarnings, "warnings", e)) == NULL)
		return (-1);
	for (i = 0; i < s->nmembers; i++)
		if (take_member(s, json_array_get(members, i),
		    &s->members[i], e) == -1)
			return (-1);
	for (i = 0; i < s->nleft; i++)
		if (take_left(s, json_array_get(left, i), &s->left[i],
		    e) == -1)
			return (-1);
	for (i = 0; i < s->nwarnings; i++) {
		text = json_string_value(json_array_get(warnings, i));
		if (text == NULL)
			return (bad(e, "warnings"));
		s->warnings[i] = keep(s, text, strlen(text), e);
		if (s->warnings[i] == NULL)
			return (-1);
	}
	return (0);
}

static int
take_all(struct sidecar *s, const json_t *j, struct err *e)
{
	const json_t *o, *extra = json_object_get(j, "extra");
	const char *format;
	uint64_t version = 0;
	size_t i;

	format = json_string_value(json_object_get(j, "format"));
	if (format == NULL || strcmp(format, FORMAT) != 0)
		return (bad(e, "format"));
	if (take_number(j, "version", &version, e) == -1)
		return (-1);
	if (version > VERSION)
		return (err_set(e, ERR_USAGE, "sidecar: of version %llu, "
		    "which this program does not know",
		    (unsigned long long)version));
	for (i = 0; i < NTEXTS; i++) {
		*text_at(s, &texts[i]) = "";
		o = json_object_get(j, texts[i].object);
		if (json_object_get(o, texts[i].name) != NULL &&
		    take_text(s, o, texts[i].name, text_at(s, &texts[i]),
		    e) == -1)
			return (-1);
	}
	if (take_text(s, j, "image", &s->image, e) == -1 ||
	    take_file(s, json_object_get(j, "bundle"), &s->bundle, "bundle",
	    e) == -1 ||
	    (extra != NULL && take_file(s, extra, &s->extra, "extra",
	    e) == -1))
		return (-1);
	return (take_lists(s, j, e));
}

int
sidecar_decode(struct sidecar *s, const void *text, size_t len,
    struct err *e)
{
	json_error_t why;
	json_t *j;
	int rc;

	memset(s, 0, sizeof(*s));
	if (len > SIDECAR_MAX)
		return (err_set(e, ERR_DAMAGED, "sidecar: larger than %zu "
		    "bytes", SIDECAR_MAX));
	j = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (j == NULL)
		return (err_set(e, ERR_DAMAGED, "sidecar: line %d: %s",
		    why.line, why.text));
	rc = take_all(s, j, e);
	json_decref(j);
	return (rc);
}

void
sidecar_fini(struct sidecar *s)
{
	arena_fini(&s->arena);
	memset(s, 0, sizeof(*s));
}

int
sidecar_load(struct sidecar *s, const char *bundle, struct err *e)
{
	struct buf name = BUF_INIT, text = BUF_INIT;
	int rc = -1;

	memset(s, 0, sizeof(*s));
	buf_printf(&name, "%s" SIDECAR_SUFFIX, bundle);
	if (buf_ok(&name, e) == -1)
		goto out;
	if (access(buf_cstr(&name), F_OK) == -1 && errno == ENOENT) {
		rc = 0;
		goto out;
	}
	if (io_load(AT_FDCWD, buf_cstr(&name), SIDECAR_MAX, &text, e) == -1)
		goto out;
	rc = sidecar_decode(s, text.data, text.len, e);
	rc = rc == 0 ? 1 : err_wrap(e, "%s", buf_cstr(&name));
out:
	buf_fini(&name);
	buf_fini(&text);
	return (rc);
}

const struct sidecar_left *
sidecar_find(const struct sidecar *s, const char *path)
{
	size_t i;

	for (i = 0; i < s->nleft; i++)
		if (strcmp(s->left[i].path, path) == 0)
			return (&s->left[i]);
	return (NULL);
}

#include <string.h>

#include "imgxfer/imgkeep.h"
#include "imgxfer/keptabout.h"

static int
bad(const char *why, struct err *e)
{
	return (err_set(e, ERR_DAMAGED, "%s: %s", KEEP_ABOUT, why));
}

/* A text of one line, which may go to a terminal as it is. */
static int
take_text(const json_t *json, const char *object, const char *name,
    const char **out, struct err *e)
{
	const json_t *o = json_object_get(json, object);
	const char *p;

	*out = "";
	if ((o = json_object_get(o, name)) == NULL)
		return (0);
	if (!json_is_string(o))
		return (bad("a text is none", e));
	*out = json_string_value(o);
	if (strlen(*out) != json_string_length(o))
		return (bad("a text has a NUL in it", e));
	for (p = *out; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return (bad("a text has control bytes", e));
	return (0);
}

static int
take_bytes(const json_t *bundle, const char *name, uint64_t *out,
    struct err *e)
{
	const json_t *n = json_object_get(bundle, name);

	if (!json_is_integer(n) || json_integer_value(n) < 0)
		return (bad("the bundle's length is missing", e));
	*out = (uint64_t)json_integer_value(n);
	return (0);
}

static int
take_bundle(struct keptabout *a, struct err *e)
{
	const json_t *b = json_object_get(a->json, "bundle");
	const char *hex;

	if (take_bytes(b, "bytes", &a->bundle_bytes, e) == -1 ||
	    take_bytes(b, "tar_bytes", &a->tar_bytes, e) == -1)
		return (-1);
	hex = json_string_value(json_object_get(b, "tar_sha256"));
	if (hex == NULL || strlen(hex) != DIGEST_HEX ||
	    digest_parse(hex, a->tar_digest) == -1)
		return (bad("the archive's digest is missing", e));
	return (0);
}

static int
take_all(struct keptabout *a, struct err *e)
{
	const char *format;
	const json_t *version = json_object_get(a->json, "version");

	format = json_string_value(json_object_get(a->json, "format"));
	if (format == NULL || strcmp(format, KEEP_FORMAT) != 0 ||
	    !json_is_integer(version) || json_integer_value(version) < 1)
		return (bad("of another format", e));
	if (json_integer_value(version) > 1)
		return (err_set(e, ERR_USAGE, "%s: kept by a later version "
		    "of xcatvault", KEEP_ABOUT));
	a->image = json_string_value(json_object_get(a->json, "image"));
	if (a->image == NULL)
		return (bad("the image's name is missing", e));
	if (inspect_name(a->image) != NULL)
		return (bad("the image has a name that none may have", e));
	if (take_bundle(a, e) == -1 ||
	    take_text(a->json, "osimage", "osvers", &a->osvers, e) == -1 ||
	    take_text(a->json, "osimage", "osarch", &a->osarch, e) == -1 ||
	    take_text(a->json, "osimage", "provmethod", &a->provmethod,
	    e) == -1 ||
	    take_text(a->json, "osimage", "profile", &a->profile, e) == -1)
		return (-1);
	return (take_text(a->json, "origin", "site", &a->origin, e));
}

int
keptabout_decode(struct keptabout *a, const void *text, size_t len,
    struct err *e)
{
	json_error_t why;

	memset(a, 0, sizeof(*a));
	if (len > KEEP_ABOUT_MAX)
		return (bad("too long", e));
	a->json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (a->json == NULL)
		return (bad(why.text, e));
	return (take_all(a, e));
}

void
keptabout_fini(struct keptabout *a)
{
	json_decref(a->json);
	memset(a, 0, sizeof(*a));
}

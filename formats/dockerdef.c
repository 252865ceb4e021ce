#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "formats/dockerdef.h"

#define DUMP_FLAGS (JSON_INDENT(2) | JSON_SORT_KEYS)

static json_t *
load(const void *p, size_t len, struct err *e)
{
	json_error_t why;
	json_t *j = NULL;

	why.text[0] = '\0';
	if (len <= DOCKERDEF_MAX)
		j = json_loadb(p, len, JSON_REJECT_DUPLICATES, &why);
	if (json_is_array(j))
		return (j);
	json_decref(j);
	err_set(e, ERR_FAILED, "what docker says is not understood%s%s",
	    why.text[0] != '\0' ? ": " : "", why.text);
	return (NULL);
}

static int
dump(struct buf *out, const json_t *j, struct err *e)
{
	char *text;

	if ((text = json_dumps(j, DUMP_FLAGS)) == NULL)
		return (err_nomem(e));
	buf_puts(out, text);
	buf_putc(out, '\n');
	free(text);
	return (buf_ok(out, e));
}

int
dockerdef_is_name(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-";
	size_t n = strlen(s);

	return (n > 0 && n <= 255 && strchr("_.:-", s[0]) == NULL &&
	    strspn(s, letters) == n);
}

void
dockerdef_fini(struct dockerdef *d)
{
	size_t i;

	for (i = 0; i < d->nnetworks; i++)
		free(d->networks[i]);
	for (i = 0; i < d->nfiles; i++)
		free(d->files[i]);
	free(d->networks);
	free(d->files);
	free(d->id);
	free(d->image);
	memset(d, 0, sizeof(*d));
}

static int
add(char ***list, size_t *n, const char *p, size_t len, struct err *e)
{
	if (*n == DOCKERDEF_LIST_MAX)
		return (0);
	if (*list == NULL && (*list = calloc(DOCKERDEF_LIST_MAX,
	    sizeof(**list))) == NULL)
		return (err_nomem(e));
	if (((*list)[*n] = strndup(p, len)) == NULL)
		return (err_nomem(e));
	++*n;
	return (0);
}

/* Absolute paths with commas between them. */
static int
add_files(struct dockerdef *d, const char *s, struct err *e)
{
	size_t n;

	for (; s != NULL && *s != '\0'; s += n + (s[n] == ',')) {
		n = strcspn(s, ",");
		if (*s == '/' && add(&d->files, &d->nfiles, s, n, e) == -1)
			return (-1);
	}
	return (0);
}

static int
decode(struct dockerdef *d, json_t *c, struct err *e)
{
	json_t *labels = json_object_get(json_object_get(c, "Config"),
	    "Labels");
	json_t *networks = json_object_get(json_object_get(c,
	    "NetworkSettings"), "Networks");
	const char *s, *name;
	json_t *value;

	s = json_string_value(json_object_get(c, "Id"));
	if (s == NULL || !dockerdef_is_name(s))
		return (err_set(e, ERR_FAILED, "docker tells of a container "
		    "without an identifier"));
	if ((d->id = strdup(s)) == NULL)
		return (err_nomem(e));
	s = json_string_value(json_object_get(c, "Image"));
	if (s != NULL && dockerdef_is_name(s) &&
	    (d->image = strdup(s)) == NULL)
		return (err_nomem(e));
	json_object_foreach(networks, name, value) {
		if (dockerdef_is_name(name) && add(&d->networks,
		    &d->nnetworks, name, strlen(name), e) == -1)
			return (-1);
	}
	if (add_files(d, json_string_value(json_object_get(labels,
	    "com.docker.compose.project.config_files")), e) == -1)
		return (-1);
	return (add_files(d, json_string_value(json_object_get(labels,
	    "com.docker.compose.project.environment_file")), e));
}

/* What each start and each check of its health changes. */
static void
make_still(json_t *c)
{
	static const char *const moving[] = {
		"ExitCode", "Error", "FinishedAt", "Health", "Pid",
		"StartedAt",
	};
	json_t *state = json_object_get(c, "State");
	size_t i;

	for (i = 0; i < sizeof(moving) / sizeof(moving[0]); i++)
		(void)json_object_del(state, moving[i]);
	(void)json_object_del(c, "RestartCount");
}

int
dockerdef_decode(struct dockerdef *d, struct buf *clean, const void *p,
    size_t len, struct err *e)
{
	json_t *j;
	int rc;

	memset(d, 0, sizeof(*d));
	if ((j = load(p, len, e)) == NULL)
		return (-1);
	if (json_array_size(j) != 1)
		rc = err_set(e, ERR_FAILED, "docker tells of %zu containers, "
		    "not of one", json_array_size(j));
	else
		rc = decode(d, json_array_get(j, 0), e);
	if (rc == 0) {
		make_still(json_array_get(j, 0));
		rc = dump(clean, j, e);
	}
	json_decref(j);
	if (rc == -1)
		dockerdef_fini(d);
	return (rc);
}

/* "Ports": { "22/tcp": [ { "HostIp": "0.0.0.0", "HostPort": "2200" } ] } */
static int
publishes(json_t *c, unsigned port)
{
	json_t *ports = json_object_get(json_object_get(c,
	    "NetworkSettings"), "Ports");
	const char *name, *s;
	json_t *list, *one;
	size_t i, n;
	char *end;

	json_object_foreach(ports, name, list) {
		n = strlen(name);
		if (n < 4 || strcmp(name + n - 4, "/tcp") != 0)
			continue;
		json_array_foreach(list, i, one) {
			s = json_string_value(json_object_get(one,
			    "HostPort"));
			if (s != NULL && *s >= '0' && *s <= '9' &&
			    strtoul(s, &end, 10) == port && *end == '\0')
				return (1);
		}
	}
	return (0);
}

int
dockerdef_publisher(struct buf *id, unsigned port, const void *p, size_t len,
    struct err *e)
{
	const char *s;
	json_t *j, *c;
	size_t i;
	int found = 0;

	if ((j = load(p, len, e)) == NULL)
		return (-1);
	json_array_foreach(j, i, c) {
		s = json_string_value(json_object_get(c, "Id"));
		if (!found && s != NULL && dockerdef_is_name(s) &&
		    publishes(c, port)) {
			buf_puts(id, s);
			found = 1;
		}
	}
	json_decref(j);
	return (buf_ok(id, e) == -1 ? -1 : found);
}

int
dockerdef_clean(struct buf *clean, const void *p, size_t len, struct err *e)
{
	json_t *j;
	int rc;

	if ((j = load(p, len, e)) == NULL)
		return (-1);
	rc = dump(clean, j, e);
	json_decref(j);
	return (rc);
}

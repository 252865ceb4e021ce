#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "imgxfer/inspect.h"

#define PATH_MAX_BYTES 1024
#define NAME_MAX_BYTES 128

static const char *const default_roots[] = { "/install", "/opt/xcat/share" };

static int
is_plain(char c)
{
	return ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '+' ||
	    c == '-');
}

static const char *
bad_character(const char *path)
{
	for (; *path != '\0'; path++) {
		if (is_plain(*path) || strchr("@:=%/", *path) != NULL)
			continue;
		if (*path == ' ' || *path == '\t' || *path == '\n')
			return ("it has a blank in it: xCAT's scripts would "
			    "cut it there");
		if (*path == ',')
			return ("it has a comma in it: xCAT would cut it "
			    "there");
		return ("it has characters in it that a shell would take, or "
		    "others that xCAT's own paths never have");
	}
	return (NULL);
}

static const char *
bad_part(const char *path)
{
	const char *p = path;
	size_t n;

	while (*p == '/') {
		n = strcspn(++p, "/");
		if (n == 0)
			return (*p == '\0' ? "it ends in \"/\" and names no "
			    "file" : "it has \"//\" in it");
		if (n == 1 && p[0] == '.')
			return ("it has a \".\" part");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return ("it has a \"..\" part");
		p += n;
	}
	return (NULL);
}

static int
is_below(const char *path, const char *root)
{
	size_t n = strlen(root);

	while (n > 0 && root[n - 1] == '/')
		n--;
	return (strncmp(path, root, n) == 0 && path[n] == '/' &&
	    path[n + 1] != '\0');
}

const char *
inspect_path(const char *path, const struct inspect_options *opt)
{
	const char *const *roots = default_roots;
	size_t i, n = sizeof(default_roots) / sizeof(default_roots[0]);
	const char *why;

	if (opt != NULL && opt->nroots > 0) {
		roots = opt->roots;
		n = opt->nroots;
	}
	if (path[0] != '/')
		return (path[0] == '\0' ? "it is empty" :
		    "it is not absolute");
	if (strlen(path) > PATH_MAX_BYTES)
		return ("it is longer than 1024 bytes");
	if ((why = bad_character(path)) != NULL ||
	    (why = bad_part(path)) != NULL)
		return (why);
	for (i = 0; i < n; i++)
		if (is_below(path, roots[i]))
			return (NULL);
	return ("it lies outside of the directories where images may be "
	    "put (see --root)");
}

void
inspect_roots(struct inspect_roots *r, const char *const *given,
    size_t ngiven, const char *installdir)
{
	static const char *const top = "/";
	const struct inspect_options anywhere = { &top, 1, 0 };
	size_t n = ngiven, len;
	char clean[PATH_MAX_BYTES + 1];

	memset(r, 0, sizeof(*r));
	if (ngiven == 0) {
		given = default_roots;
		n = sizeof(default_roots) / sizeof(default_roots[0]);
	}
	assert(n <= INSPECT_ROOTS_MAX);
	memcpy(r->at, given, n * sizeof(*given));
	/* "/data/" is as good as "/data". */
	len = installdir != NULL ? strlen(installdir) : 0;
	while (len > 1 && installdir[len - 1] == '/')
		len--;
	snprintf(clean, sizeof(clean), "%.*s", (int)len, len > 0 &&
	    len < sizeof(clean) ? installdir : "");
	if (inspect_path(clean, &anywhere) == NULL)
		r->at[n++] = installdir;
	r->opt.roots = r->at;
	r->opt.nroots = n;
}

const char *
inspect_name(const char *name)
{
	const char *p;

	if (name[0] == '\0')
		return ("it is empty");
	if (name[0] == '.' || name[0] == '-')
		return ("it begins with \".\" or \"-\"");
	for (p = name; *p != '\0'; p++)
		if (!is_plain(*p))
			return ("it has other characters than letters, "
			    "digits and \"._+-\" in it");
	if (p - name > NAME_MAX_BYTES)
		return ("it is longer than 128 bytes");
	return (NULL);
}

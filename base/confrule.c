#include <string.h>

#include "base/confrule.h"

#define WORD_MAX 32		/* longest name of a setting */
#define NEAR 2			/* mistakes that still look like it */
#define PATH_LONGEST 4095
#define TEXT_LONGEST 4096

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* The length of the UTF-8 sequence at s; 0 when it is none or too long. */
static size_t
utf8_len(const unsigned char *s)
{
	unsigned long v;
	size_t n, i;

	if (s[0] < 0x80)
		return (1);
	n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return (0);
	v = s[0] & (0x7fU >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return (0);
		v = v << 6 | (s[i] & 0x3f);
	}
	if ((n == 3 && v < 0x800) || (n == 4 && v < 0x10000) ||
	    v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return (0);
	return (n);
}

const char *
confrule_text(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n;

	if (*s == '\0')
		return ("must not be empty");
	if (strlen(s) > TEXT_LONGEST)
		return ("longer than 4096 bytes");
	for (; *p != '\0'; p += n)
		if (*p < 0x20 || *p == 0x7f || (n = utf8_len(p)) == 0)
			return ("one line of UTF-8 text is wanted");
	return (NULL);
}

const char *
confrule_path(const char *s)
{
	const char *p, *why;
	size_t n;

	if ((why = confrule_text(s)) != NULL)
		return (why);
	if (*s != '/')
		return ("an absolute path is wanted");
	if (strlen(s) > PATH_LONGEST)
		return ("longer than a path can be");
	if (s[1] == '\0')
		return (NULL);
	for (p = s; *p != '\0'; p += n) {
		p++;
		n = strcspn(p, "/");
		if (n == 0)
			return ("a path without \"//\" and without \"/\" at "
			    "its end is wanted");
		if ((n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return ("a path without \".\" and \"..\" is wanted");
	}
	return (NULL);
}

const char *
confrule_site(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > 64 || s[0] == '.' ||
	    strspn(s, LETTERS DIGITS "._-") != n)
		return ("the name of a site is 1 to 64 letters, digits, "
		    "\".\", \"_\", \"-\", and does not begin with \".\"");
	if (s[0] == '-')
		return ("the name of a site must not begin with \"-\"");
	if (strcmp(s, "latest") == 0)
		return ("a site cannot be called \"latest\"");
	return (NULL);
}

/* A whole number from 1 to 65535, n digits long. */
static int
is_port(const char *s, size_t n)
{
	unsigned long v = 0;
	size_t i;

	if (n == 0 || n > 5 || strspn(s, DIGITS) < n)
		return (0);
	for (i = 0; i < n; i++)
		v = v * 10 + (unsigned long)(s[i] - '0');
	return (v >= 1 && v <= 65535);
}

/* [user@]host[:port] in the first n bytes. */
static const char *
host_rule(const char *s, size_t n)
{
	static const char want[] = "[user@]host[:port] is wanted";
	const char *at = memrchr(s, '@', n), *end = s + n, *colon;
	size_t host;

	if (n == 0 || s[0] == '-')
		return ("an address must not be empty or begin with \"-\"");
	if (at != NULL) {
		if (at == s || memchr(s, '/', (size_t)(at - s)) != NULL)
			return (want);
		s = at + 1;
	}
	n = (size_t)(end - s);
	if (n > 0 && s[0] == '[') {
		host = strspn(s + 1, DIGITS "abcdefABCDEF:.");
		if (host == 0 || host + 2 > n || s[host + 1] != ']')
			return ("an IPv6 address in brackets is wanted");
		host += 2;
	} else {
		colon = memchr(s, ':', n);
		host = colon != NULL ? (size_t)(colon - s) : n;
		if (host == 0 || s[0] == '-' ||
		    memchr(s, '/', host) != NULL)
			return (want);
	}
	if (host < n && (s[host] != ':' ||
	    !is_port(s + host + 1, n - host - 1)))
		return ("the port must be a number from 1 to 65535 (an IPv6 "
		    "address stands in brackets)");
	return (NULL);
}

const char *
confrule_address(const char *s)
{
	const char *why;

	if ((why = confrule_text(s)) != NULL)
		return (why);
	if (strpbrk(s, " \"'\\") != NULL)
		return ("an address has no blanks and quotes");
	return (host_rule(s, strlen(s)));
}

const char *
confrule_vault(const char *s)
{
	const char *why, *slash;

	if (strncmp(s, "ssh://", 6) != 0)
		return (s[0] == '/' ? confrule_path(s) : "the name of one of "
		    "\"vaults\", an absolute path or ssh://host/dir is "
		    "wanted");
	s += 6;
	if ((why = confrule_text(s)) != NULL)
		return (why);
	if ((slash = strchr(s, '/')) == NULL || slash[1] == '\0')
		return ("ssh://[user@]host[:port]/dir is wanted");
	if (strcspn(s, " \"'\\") < (size_t)(slash - s))
		return ("an address has no blanks and quotes");
	if ((why = host_rule(s, (size_t)(slash - s))) != NULL)
		return (why);
	return (confrule_path(slash));
}

const char *
confrule_container(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > 255 || strspn(s, LETTERS DIGITS "_.-") != n ||
	    strchr("_.-", s[0]) != NULL)
		return ("the name of a container is wanted");
	return (NULL);
}

int
confrule_within(const char *path, const char *top)
{
	size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);

	return (strncmp(path, top, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0'));
}

/* How many letters to add, drop or change (Levenshtein). */
static size_t
distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], i, j, diagonal, above, best;
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return (WORD_MAX);
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= lb; j++) {
			above = row[j];
			best = diagonal + (a[i - 1] != b[j - 1]);
			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return (row[lb]);
}

const char *
confrule_nearest(const char *word, const void *words, size_t n,
    size_t stride)
{
	const char *nearest = NULL, *known;
	size_t i, d, best = NEAR + 1;

	for (i = 0; i < n; i++) {
		memcpy(&known, (const char *)words + i * stride,
		    sizeof(known));
		d = distance(word, known);
		if (d < best && d < strlen(known) / 2 + 1) {
			best = d;
			nearest = known;
		}
	}
	return (nearest);
}

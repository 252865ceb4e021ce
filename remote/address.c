#include <stdlib.h>
#include <string.h>

#include "remote/session.h"

/* The parts of an address, within its text. */
struct parts {
	const char *user, *host, *port, *path;
	size_t user_len, host_len, port_len;
};

static int
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

static int
is_alnum(char c)
{
	return (is_digit(c) || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'));
}

static int
has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return (1);
	return (0);
}

/* All of these bytes are letters, digits or among the others. */
static int
only(const char *s, size_t len, const char *others)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!is_alnum(s[i]) && strchr(others, s[i]) == NULL)
			return (0);
	return (1);
}

/* What is wrong with it, or NULL. */
static const char *
check_user(const struct parts *a)
{
	size_t i;

	if (a->user == NULL)
		return (NULL);
	if (a->user_len == 0)
		return ("the user is empty");
	if (a->user[0] == '-')
		return ("a user does not begin with \"-\"");
	for (i = 0; i < a->user_len; i++)
		if (strchr(" '\"\\`$;&|<>(){}*?!#", a->user[i]) != NULL)
			return ("the user has odd characters");
	return (NULL);
}

static const char *
split_host(struct parts *a, const char *s, size_t len)
{
	const char *end, *others = "._-";

	a->host = s;
	if (len > 0 && s[0] == '[') {
		if ((end = memchr(s, ']', len)) == NULL)
			return ("\"[\" without \"]\"");
		a->host++;
		a->host_len = (size_t)(end - a->host);
		end++;
		others = ".:%-_";
	} else {
		if ((end = memchr(s, ':', len)) == NULL)
			end = s + len;
		a->host_len = (size_t)(end - s);
	}
	if (a->host_len == 0)
		return ("the host is empty");
	if (a->host_len > 255)
		return ("the host is too long");
	if (a->host[0] == '-')
		return ("a host does not begin with \"-\"");
	if (!only(a->host, a->host_len, others))
		return ("the host has odd characters");
	if (end == s + len)
		return (NULL);
	if (*end != ':')
		return ("only \":PORT\" may follow \"]\"");
	a->port = end + 1;
	a->port_len = (size_t)(s + len - a->port);
	if (memchr(a->port, ':', a->port_len) != NULL)
		return ("an IPv6 address is written [ADDRESS]");
	return (NULL);
}

/* 1 to 65535, or 0 for anything else. */
static unsigned
port_number(const char *s, size_t len)
{
	unsigned v = 0;
	size_t i;

	if (len == 0 || len > 5)
		return (0);
	for (i = 0; i < len; i++) {
		if (!is_digit(s[i]))
			return (0);
		v = v * 10 + (unsigned)(s[i] - '0');
	}
	return (v <= 65535 ? v : 0);
}

static const char *
split(struct parts *a, const char *text)
{
	const char *at, *end, *why;

	memset(a, 0, sizeof(*a));
	if (has_control(text))
		return ("control characters");
	if (strncmp(text, "ssh://", 6) == 0)
		text += 6;
	end = text + strcspn(text, "/");
	if (*end == '/')
		a->path = end;
	if ((at = memrchr(text, '@', (size_t)(end - text))) != NULL) {
		a->user = text;
		a->user_len = (size_t)(at - text);
		text = at + 1;
	}
	if ((why = check_user(a)) != NULL)
		return (why);
	return (split_host(a, text, (size_t)(end - text)));
}

int
remote_parse(const char *text, char **user, char **host, unsigned *port,
    char **path, struct err *e)
{
	struct parts a;
	const char *why;

	*user = *host = *path = NULL;
	*port = 0;
	why = split(&a, text);
	/* A password would be shown by every message that names the text. */
	if (a.user != NULL && memchr(a.user, ':', a.user_len) != NULL)
		return (err_set(e, ERR_USAGE, "an address holds no password: "
		    "[ssh://][USER@]HOST[:PORT][/PATH]"));
	if (why == NULL && a.port != NULL &&
	    (*port = port_number(a.port, a.port_len)) == 0)
		why = "the port is not a number from 1 to 65535";
	if (why != NULL)
		return (err_set(e, ERR_USAGE, "%s: not an address: %s", text,
		    why));
	*host = strndup(a.host, a.host_len);
	if (a.user != NULL)
		*user = strndup(a.user, a.user_len);
	if (a.path != NULL)
		*path = strdup(a.path);
	if (*host != NULL && (a.user == NULL || *user != NULL) &&
	    (a.path == NULL || *path != NULL))
		return (0);
	free(*user);
	free(*host);
	free(*path);
	*user = *host = *path = NULL;
	return (err_nomem(e));
}

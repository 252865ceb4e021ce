#include <stdlib.h>
#include <string.h>

#include "remote/node/reach.h"

static int
take_address(struct reach *h, const char *address, struct err *e)
{
	char *path = NULL;
	int rc;

	rc = remote_parse(address, &h->user, &h->host, &h->target.port,
	    &path, e);
	/* That of a vault is fine: its host is meant. */
	if (rc == 0 && path != NULL && strncmp(address, "ssh://", 6) != 0)
		rc = err_set(e, ERR_USAGE, "%s: the address of a node has no "
		    "path", address);
	free(path);
	h->target.user = h->user;
	h->target.host = h->host;
	return (rc);
}

int
reach_site(struct reach *h, const struct config_site *s, int ask,
    struct err *e)
{
	memset(h, 0, sizeof(*h));
	h->site = s;
	h->target.ask = ask;
	h->target.identity = s->identity;
	h->target.password_file = s->password_file;
	h->target.connect_s = s->connect_s;
	h->target.idle_s = s->idle_s;
	if (s->address == NULL)
		return (err_set(e, ERR_USAGE, "site %s has no address",
		    s->name));
	return (take_address(h, s->address, e));
}

int
reach_init(struct reach *h, const struct config *c, const char *name,
    int ask, struct err *e)
{
	const struct config_site *s;

	memset(h, 0, sizeof(*h));
	if ((s = config_find(c, name, e)) != NULL)
		return (reach_site(h, s, ask, e));
	if (strpbrk(name, "@:.") == NULL && c->nsites > 0)
		return (-1);
	h->target.ask = ask;
	return (take_address(h, name, e));
}

void
reach_fini(struct reach *h)
{
	free(h->user);
	free(h->host);
	memset(h, 0, sizeof(*h));
}

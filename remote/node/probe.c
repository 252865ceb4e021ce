#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "remote/node/probe.h"
#include "remote/node/probetext.h"
#include "remote/quote.h"

#define VOLUME_COUNT_MAX 4	/* that the script asks "du" for */

extern const char remote_node_probe_sh[];

static const struct {
	const char *name;
	int needed;
} tools[PROBE_TOOLS] = {
	[PROBE_FIND] = { "find", 1 },
	[PROBE_TAR] = { "tar", 1 },
	[PROBE_TAR_XATTRS] = { "tar --xattrs", 0 },
	[PROBE_TAR_ACLS] = { "tar --acls", 0 },
	[PROBE_TAR_SPARSE] = { "tar --sparse", 0 },
	[PROBE_MKTEMP] = { "mktemp", 1 },
	[PROBE_SHA256SUM] = { "sha256sum", 0 },
	[PROBE_PERL] = { "perl", 0 },
	[PROBE_ZSTD] = { "zstd", 0 },
	[PROBE_TIMEOUT] = { "timeout", 0 },
	[PROBE_TABDUMP] = { "tabdump", 0 },
	[PROBE_DUMP] = { "dumpxCATdb", 0 },
};

int
probe_init(struct probe *p, struct err *e)
{
	size_t i;

	memset(p, 0, sizeof(*p));
	p->dbbackup.free_bytes = PROBE_UNKNOWN;
	for (i = 0; i < PROBE_TOOLS; i++) {
		p->tools[i].name = tools[i].name;
		p->tools[i].needed = tools[i].needed;
		p->tools[i].trouble = strdup("nothing was said of it");
		if (p->tools[i].trouble == NULL) {
			probe_fini(p);
			return (err_nomem(e));
		}
	}
	return (0);
}

void
probe_volume_fini(struct probe_volume *v)
{
	free(v->path);
	free(v->source);
}

void
probe_fini(struct probe *p)
{
	size_t i;

	free(p->xcatd_reason);
	free(p->xcat_version);
	free(p->arch);
	free(p->hostname);
	free(p->os);
	free(p->db_engine);
	free(p->installdir);
	free(p->skiptables);
	free(p->master);
	free(p->tmpdir);
	free(p->domain);
	for (i = 0; i < p->nvolumes; i++)
		probe_volume_fini(&p->volumes[i]);
	free(p->volumes);
	for (i = 0; i < PROBE_TOOLS; i++) {
		free(p->tools[i].version);
		free(p->tools[i].trouble);
	}
	for (i = 0; i < p->ntables; i++)
		free(p->tables[i]);
	free(p->tables);
	free(p->tables_reason);
	memset(p, 0, sizeof(*p));
}

/* Why tabdump failed: it said so where only the channel could hear it. */
static int
note_errors(struct probe *p, struct buf *errors, struct err *e)
{
	if (p->ntables > 0 || errors->len == 0)
		return (0);
	free(p->tables_reason);
	p->tables_reason = probetext_line(buf_cstr(errors));
	return (p->tables_reason != NULL ? 0 : err_nomem(e));
}

/* The node's shell could not do its part. */
static int
refused(const struct remote_io *io, struct buf *errors, struct err *e)
{
	char *line = probetext_line(buf_cstr(errors));

	err_set(e, ERR_FAILED, "it cannot be probed (status %d): %s",
	    io->status, line != NULL && *line != '\0' ? line :
	    "it says nothing");
	free(line);
	return (-1);
}

int
probe_site(struct remote *r, unsigned du_s, struct probe *p, struct err *e)
{
	struct buf command = BUF_INIT, out = BUF_INIT, errors = BUF_INIT;
	struct remote_io io = {
		.max = PROBETEXT_MAX, .out = &out, .errors = &errors,
		.limit_s = PROBE_LIMIT_S + du_s * VOLUME_COUNT_MAX,
	};
	char seconds[16];
	const char *args[] = { seconds };
	int rc;

	memset(p, 0, sizeof(*p));
	snprintf(seconds, sizeof(seconds), "%u", du_s);
	/* Not behind xCAT's settings: a node without xCAT is no failure. */
	remote_command(&command, remote_node_probe_sh, args, 1);
	rc = buf_ok(&command, e);
	if (rc == 0)
		rc = remote_run(r, buf_cstr(&command), &io, e);
	/* Above is what names the host already. */
	if (rc == 0) {
		rc = io.status != 0 ? refused(&io, &errors, e) :
		    probetext_decode(p, out.data, out.len, e);
		if (rc == -1)
			err_wrap(e, "%s", remote_name(r));
	}
	if (rc == 0 && (rc = note_errors(p, &errors, e)) == -1)
		probe_fini(p);
	buf_fini(&command);
	buf_fini(&out);
	buf_fini(&errors);
	return (rc);
}

const char *
probe_layout_name(enum probe_layout layout)
{
	switch (layout) {
	case PROBE_CONTAINER:
		return ("container");
	case PROBE_XCATDATA:
		return ("xcatdata");
	case PROBE_BARE:
		break;
	}
	return ("bare");
}

const char *
probe_layout_text(enum probe_layout layout)
{
	switch (layout) {
	case PROBE_CONTAINER:
		return ("container with /install and /.dbbackup");
	case PROBE_XCATDATA:
		return ("container with /xcatdata");
	case PROBE_BARE:
		break;
	}
	return ("no container");
}

int
probe_check_tools(const struct probe *p, struct err *e)
{
	size_t i;

	for (i = 0; i < PROBE_TOOLS; i++)
		if (p->tools[i].needed && p->tools[i].trouble != NULL)
			return (err_set(e, ERR_FAILED, "%s on the node: %s",
			    p->tools[i].name, p->tools[i].trouble));
	return (0);
}

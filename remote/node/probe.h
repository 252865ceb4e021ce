#ifndef REMOTE_NODE_PROBE_H_
#define REMOTE_NODE_PROBE_H_

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "remote/exec.h"

/*
 * What a management node is: asked of it with one command, believed only as
 * far as it reads well.  Texts are one line of printable UTF-8 ("?" for what
 * was not), paths are absolute and clean.
 */
enum probe_layout {
	PROBE_BARE,		/* no container that we know */
	PROBE_CONTAINER,	/* /install, /var/log/xcat and /.dbbackup */
	PROBE_XCATDATA,		/* /install is a link into /xcatdata */
};

enum probe_xcatd {
	PROBE_XCATD_ABSENT,	/* xCAT's commands are not there */
	PROBE_XCATD_UP,
	PROBE_XCATD_DOWN,	/* use bypass */
	PROBE_XCATD_HUNG,	/* did not answer in time; use bypass */
};

enum probe_tool_id {
	PROBE_FIND,		/* GNU find, with -printf */
	PROBE_TAR,		/* GNU tar, with --null --no-recursion -T - */
	PROBE_TAR_XATTRS,	/* tar --xattrs */
	PROBE_TAR_ACLS,		/* tar --acls */
	PROBE_TAR_SPARSE,	/* tar --sparse */
	PROBE_MKTEMP,
	PROBE_SHA256SUM,
	PROBE_PERL,
	PROBE_ZSTD,
	PROBE_TIMEOUT,
	PROBE_TABDUMP,
	PROBE_DUMP,		/* dumpxCATdb */
	PROBE_TOOLS
};

struct probe_tool {
	const char *name;	/* "find", "tar --xattrs", ... */
	int needed;		/* a backup over ssh is impossible without */
	char *version;		/* first line of --version, or NULL */
	char *trouble;		/* NULL: works; else why not */
};

#define PROBE_UNKNOWN UINT64_MAX	/* a size nobody could tell */

struct probe_volume {
	char *path;		/* its name in a snapshot, "/install" */
	char *source;		/* the directory itself, links resolved */
	int there;		/* 0: not there, or not yet (/.dbbackup) */
	uint64_t bytes;		/* of what lies in it (du) */
	uint64_t free_bytes;	/* of its file system */
};

struct probe {
	enum probe_xcatd xcatd;
	char *xcatd_reason;	/* when not up: what it said, or NULL */
	char *xcat_version;	/* "2.19.0", or NULL */
	char *arch, *hostname, *os;	/* or NULL */
	char *db_engine;	/* "SQLite", "Pg", "mysql", or NULL */
	/* Of the site table; NULL when it has none or could not be read. */
	char *installdir, *skiptables, *master, *tmpdir, *domain;
	enum probe_layout layout;
	struct probe_volume *volumes;	/* in the order of their paths */
	size_t nvolumes;
	struct {
		int there;
		int mounted;	/* a mount point: rename cannot replace it */
		uint64_t free_bytes;	/* where it is or would be */
	} dbbackup;
	struct probe_tool tools[PROBE_TOOLS];
	char **tables;		/* what "tabdump" lists, sorted */
	size_t ntables;		/* 0: could not be read */
	char *tables_reason;	/* then why, or NULL */
};

/*
 * Ask.  du_s: seconds that "du" may take for each volume; 0: no sizes.  One
 * round trip, no longer than PROBE_LIMIT_S plus that.  A node that lacks
 * things is no error: look at tools and xcatd.  ERR_FAILED when the command
 * could not be run or answered something else.
 */
#define PROBE_LIMIT_S 240
int probe_site(struct remote *r, unsigned du_s, struct probe *p,
    struct err *e);
void probe_fini(struct probe *p);

/* An empty one, of whose tools nothing is known; probe_fini() it. */
int probe_init(struct probe *p, struct err *e);
void probe_volume_fini(struct probe_volume *v);

/* "container, /install ..." for people; "container" for programs. */
const char *probe_layout_text(enum probe_layout layout);
const char *probe_layout_name(enum probe_layout layout);

/*
 * The first tool that a backup over ssh cannot do without and that is not
 * there or not GNU: ERR_FAILED with its name and reason, else 0.
 */
int probe_check_tools(const struct probe *p, struct err *e);

#endif

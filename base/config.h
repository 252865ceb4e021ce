#ifndef BASE_CONFIG_H_
#define BASE_CONFIG_H_

#include <stddef.h>

#include "base/err.h"

/*
 * The configuration file; xcatvault.conf(5).  Everything is checked when it
 * is loaded: unknown settings, wrong types and values out of range are
 * ERR_USAGE with file, line and reason.  Read-only after that.
 */
#define CONFIG_PATH "/etc/xcatvault.conf"	/* or $XCATVAULT_CONFIG */

#define CONFIG_MAX_LOSS 20	/* where max_loss is not set */

struct config_volume {
	char *path;		/* on the node, absolute, clean */
	char *local;		/* read from here on this host, or NULL */
};

struct config_strings {
	char **at;
	size_t n;
};

struct config_site {
	char *name;
	char *address;		/* "[user@]host[:port]", or NULL: see local */
	char *identity;		/* private key file, or NULL */
	char *password_file;	/* or NULL */
	char *vault;		/* path or ssh:// address, names resolved */
	struct config_volume *volumes;
	size_t nvolumes;	/* 0: those that the node is found to have */
	struct config_strings excludes;	/* globs, as backup --exclude */
	struct config_strings extra;	/* more paths of the node */
	int full;		/* profile = "full" */
	int one_file_system;
	unsigned max_loss;	/* percent of nodelist's rows, 1 to 100 */
	unsigned lanes;		/* ssh sessions at once; 0: as many as cores */
	unsigned connect_s, idle_s, dump_s;	/* time-outs; 0: default */
	char *before, *after;	/* commands of this host, or NULL */
	char *container;	/* docker container of the node, or NULL */
	int line;		/* where it is in the file */
};

struct config {
	char *path;
	char *vault;		/* the default one, or NULL */
	char *ssh_dir;		/* or NULL */
	char *log;		/* file for details of a night, or NULL */
	struct config_site *sites;	/* in the file's order */
	size_t nsites;
};

/*
 * path: NULL for $XCATVAULT_CONFIG or CONFIG_PATH, which then need not be
 * there (no sites).  A file that others than its owner may write is refused.
 */
#define CONFIG_MAX ((size_t)1 << 20)	/* largest file read */
struct config *config_load(const char *path, struct err *e);
/*
 * The same for a text that was read from path, which only errors name; its
 * includes are looked for beside it.
 */
struct config *config_parse(const char *text, const char *path,
    struct err *e);
void config_free(struct config *c);

/* A site by name; NULL with ERR_USAGE that lists the names there are. */
const struct config_site *config_find(const struct config *c,
    const char *name, struct err *e);

#endif

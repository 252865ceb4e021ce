#ifndef BACKUP_VOLUME_H_
#define BACKUP_VOLUME_H_

#include <stddef.h>

/* A directory to be stored, of this host or of a node. */
struct backup_volume {
	char *source;		/* the directory */
	char *path;		/* its name in the snapshot, absolute */
	char **only;		/* of a node: just these paths ("./a/b") of
				   it, none within another; NULL: all */
	size_t nonly;
};

#endif

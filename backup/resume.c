#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backup/resume.h"
#include "base/io.h"

static void
file_name(char name[96], const char *site)
{
	snprintf(name, 96, "unfinished-%.64s.json", site);
}

static int
open_cache(const struct vault *v)
{
	return (v->cache == NULL ? -1 : open(v->cache, O_RDONLY |
	    O_DIRECTORY | O_CLOEXEC));
}

int
resume_load(struct snapshot *s, struct vault *v, const char *site)
{
	struct buf text = BUF_INIT;
	struct err ignored;
	char name[96];
	int fd, found = 0;

	memset(s, 0, sizeof(*s));
	if ((fd = open_cache(v)) == -1)
		return (0);
	file_name(name, site);
	if (io_load(fd, name, SNAPSHOT_MAX, &text, &ignored) == 0 &&
	    snapshot_decode(s, text.data, text.len, &ignored) == 0)
		found = strcmp(s->site, site) == 0;
	if (!found)
		snapshot_fini(s);
	buf_fini(&text);
	close(fd);
	return (found);
}

int
resume_save(struct snapshot *s, struct vault *v)
{
	struct buf text = BUF_INIT;
	struct err ignored;
	char name[96];
	int fd, rc = -1;

	if ((fd = open_cache(v)) == -1)
		return (-1);
	file_name(name, s->site);
	if (snapshot_encode(&text, s, &ignored) == 0)
		rc = io_save(fd, name, text.data, text.len, &ignored);
	buf_fini(&text);
	close(fd);
	return (rc);
}

void
resume_remove(struct vault *v, const char *site)
{
	char name[96];
	int fd;

	if ((fd = open_cache(v)) == -1)
		return;
	file_name(name, site);
	(void)unlinkat(fd, name, 0);
	close(fd);
}

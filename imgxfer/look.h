#ifndef IMGXFER_LOOK_H_
#define IMGXFER_LOOK_H_

#include <uthash.h>

#include "imgxfer/inspect.h"
#include "imgxfer/rootimg.h"

/*
 * An inspection under way: inspect.c reads and fills it in, judge*.c say
 * what is to be said of it.
 */
#define LOOK_MEMBERS_MAX ((size_t)100000)
#define LOOK_NAMES_MAX ((size_t)16 << 20)	/* bytes of all names */
#define LOOK_FINDINGS_MAX 256
#define LOOK_IMAGES_MAX 8			/* root images opened */

/* What is known of a file at the image's top, beside its inspect_member. */
struct look_head {
	enum osarch arch;	/* as a kernel */
	const char *form;	/* NULL: no kernel */
	const char *cut;	/* why it cannot be whole, or NULL */
};

struct look_image {
	size_t member;		/* index */
	enum rootimg_kind kind;
	struct rootimg root;
};

/* A member by its name, or what the manifest wants of one. */
struct look_name {
	const char *name;
	size_t member;		/* index */
	const char *path, *element;	/* of claims */
	UT_hash_handle hh;
};

struct look {
	struct inspect *in;
	const struct inspect_options *opt;
	struct buf members;	/* of struct inspect_member */
	struct buf heads;	/* of struct look_head, one a member */
	struct buf links;	/* of const char *, one a member */
	struct buf findings;	/* of struct inspect_finding */
	size_t names;		/* bytes */
	enum inspect_level worst;
	int said;		/* there is a finding */
	struct buf xml;
	int has_xml, nomem;
	struct look_image images[LOOK_IMAGES_MAX];
	size_t nimages, missed;	/* missed: for which there was no room */
	/* judge_*: names of members, and of what is claimed. */
	struct look_name *by_name, *claims;
};

/* Add a finding; member may be of any bytes. */
void look_say(struct look *l, enum inspect_level level, const char *member,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* A string in the inspection's arena; "" when memory is short. */
const char *look_keep(struct look *l, const char *s);

/*
 * The image's directory, whether the members' names and types may be, and
 * the manifest's: what it says, and which member it means by it.
 */
void judge_members(struct look *l);
void judge_manifest(struct look *l);
void judge_surplus(struct look *l);
void judge_fini(struct look *l);

/* The member "IMAGE/name"; NULL when there is none. */
struct inspect_member *judge_member(const struct look *l, const char *name);

/* Whether it is "IMAGE/extra", or below it. */
int judge_is_extra(const struct look *l, const struct inspect_member *m);

/* Say what is to be said of a mode. */
void judge_mode(struct look *l, const char *name, unsigned mode);

/* A new name; NULL when it is there (*had is that) or memory is short. */
struct look_name *judge_name(struct look *l, struct look_name **hash,
    const char *name, struct look_name **had);

/* The kernel, what was opened, and the architecture. */
void judge_images(struct look *l);

#endif

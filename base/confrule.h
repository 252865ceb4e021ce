#ifndef BASE_CONFRULE_H_
#define BASE_CONFRULE_H_

#include <stddef.h>

/*
 * What the values of the configuration must look like; xcatvault.conf(5).
 * Each rule returns NULL for a good value, else what is wanted, to be put
 * behind the setting's name.
 */

/* Anything in one line: not empty, no control bytes, valid UTF-8. */
const char *confrule_text(const char *s);

/* Absolute, without empty, "." and ".." parts, without a "/" at the end. */
const char *confrule_path(const char *s);

/* 1 to 64 letters, digits, ".", "_", "-"; no leading "."; not "latest". */
const char *confrule_site(const char *s);

/* "[user@]host[:port]"; host may be "[IPv6]". */
const char *confrule_address(const char *s);

/* A directory, or "ssh://[user@]host[:port]/dir". */
const char *confrule_vault(const char *s);

/* The name of a container, as docker has them. */
const char *confrule_container(const char *s);

/* Whether a clean path is the other one or lies below it. */
int confrule_within(const char *path, const char *top);

/*
 * The known word that was most likely meant, or NULL when none is near:
 * words[i], i < n, each at the start of an element of stride bytes.
 */
const char *confrule_nearest(const char *word, const void *words, size_t n,
    size_t stride);

#endif

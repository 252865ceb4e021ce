#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "remote/internal.h"

enum ssh_known_hosts_e
hostkey_look(struct remote *r, char *type, size_t size)
{
	unsigned char *hash = NULL;
	ssh_key key = NULL;
	char *text = NULL;
	size_t len;

	snprintf(type, size, "unknown");
	if (ssh_get_server_publickey(r->ssh, &key) == SSH_OK) {
		snprintf(type, size, "%s",
		    ssh_key_type_to_char(ssh_key_type(key)));
		if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256,
		    &hash, &len) == 0)
			text = ssh_get_fingerprint_hash(
			    SSH_PUBLICKEY_HASH_SHA256, hash, len);
	}
	if (text != NULL)
		snprintf(r->fingerprint, sizeof(r->fingerprint), "%s", text);
	ssh_string_free_char(text);
	ssh_clean_pubkey_hash(&hash);
	ssh_key_free(key);
	if (r->fingerprint[0] == '\0')
		return (SSH_KNOWN_HOSTS_ERROR);
	return (ssh_session_is_known_server(r->ssh));
}

/* Whether the key is another than the known one; says so. */
static int
changed(struct remote *r, const char *type, struct err *e)
{
	char *file = NULL, *host = NULL, spec[300];
	unsigned port = 22;

	(void)ssh_options_get(r->ssh, SSH_OPTIONS_KNOWNHOSTS, &file);
	(void)ssh_options_get(r->ssh, SSH_OPTIONS_HOST, &host);
	(void)ssh_options_get_port(r->ssh, &port);
	snprintf(spec, sizeof(spec), port == 22 ? "%s" : "[%s]:%u",
	    host != NULL ? host : r->target.host, port);
	err_set(e, ERR_FAILED, "%s: its host key has CHANGED (now %s %s): "
	    "somebody may be listening in, or the host was installed anew; "
	    "if you know why: ssh-keygen -f '%s' -R '%s', then xcatvault site "
	    "trust SITE", r->name, type, r->fingerprint,
	    file != NULL ? file : "known_hosts", spec);
	ssh_string_free_char(file);
	ssh_string_free_char(host);
	return (-1);
}

int
hostkey_check(struct remote *r, struct err *e)
{
	enum ssh_known_hosts_e known;
	char type[64];

	known = hostkey_look(r, type, sizeof(type));
	if ((known == SSH_KNOWN_HOSTS_CHANGED ||
	    known == SSH_KNOWN_HOSTS_OTHER) &&
	    strcmp(r->fingerprint, r->expected) == 0)
		return (0);
	switch (known) {
	case SSH_KNOWN_HOSTS_OK:
		return (0);
	case SSH_KNOWN_HOSTS_CHANGED:
		return (changed(r, type, e));
	case SSH_KNOWN_HOSTS_OTHER:
		return (err_set(e, ERR_FAILED, "%s: its host key is %s %s, "
		    "but only a key of another type is known for it: somebody "
		    "may be listening in; if you know better, add this key to "
		    "known_hosts", r->name, type, r->fingerprint));
	case SSH_KNOWN_HOSTS_UNKNOWN:
	case SSH_KNOWN_HOSTS_NOT_FOUND:
		return (err_set(e, ERR_FAILED, "%s: its host key is not known "
		    "(%s %s): compare it with the host's own, then run: "
		    "xcatvault site trust SITE", r->name, type,
		    r->fingerprint));
	case SSH_KNOWN_HOSTS_ERROR:
		break;
	}
	return (err_set(e, ERR_FAILED, "%s: its host key cannot be checked: "
	    "%s", r->name, session_reason(r)));
}

/* Append a line; a file that ends within one gets that one ended first. */
static int
append(const char *path, const char *line, struct err *e)
{
	struct stat st;
	char last = '\n';
	int fd, rc = 0;

	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY,
	    0600);
	if (fd == -1)
		return (err_sys(e, "%s", path));
	if (fstat(fd, &st) == -1 || (st.st_size > 0 &&
	    io_pread(fd, &last, 1, st.st_size - 1) == -1))
		rc = err_sys(e, "%s", path);
	if (rc == 0 && ((last != '\n' && io_write(fd, "\n", 1) == -1) ||
	    io_write(fd, line, strlen(line)) == -1 || io_fsync(fd) == -1))
		rc = err_sys(e, "%s", path);
	if (close(fd) == -1 && rc == 0)
		rc = err_sys(e, "%s", path);
	return (rc);
}

static int
record_key(struct remote *r, struct err *e)
{
	char *line = NULL, *file = NULL, *slash;
	int rc = -1;

	if (ssh_options_get(r->ssh, SSH_OPTIONS_KNOWNHOSTS, &file) != SSH_OK ||
	    ssh_session_export_known_hosts_entry(r->ssh, &line) != SSH_OK) {
		err_set(e, ERR_FAILED, "%s: %s", r->name, session_reason(r));
		goto out;
	}
	if ((slash = strrchr(file, '/')) != NULL && slash != file) {
		*slash = '\0';
		if (io_mkdir_path(file, e) == -1)
			goto out;
		*slash = '/';
	}
	rc = append(file, line, e);
out:
	ssh_string_free_char(line);
	ssh_string_free_char(file);
	return (rc);
}

int
hostkey_record(struct remote *r, const char *agreed,
    struct remote_host_key *key, struct err *e)
{
	enum ssh_known_hosts_e known;

	known = hostkey_look(r, key->type, sizeof(key->type));
	snprintf(key->fingerprint, sizeof(key->fingerprint), "%s",
	    r->fingerprint);
	if (agreed != NULL && agreed[0] != '\0' &&
	    strcmp(agreed, key->fingerprint) != 0)
		return (err_set(e, ERR_FAILED, "%s: its host key is %s now, "
		    "and was %s a moment ago: somebody may be listening in",
		    r->name, key->fingerprint, agreed));
	switch (known) {
	case SSH_KNOWN_HOSTS_OK:
		key->state = REMOTE_KEY_KNOWN;
		return (0);
	case SSH_KNOWN_HOSTS_UNKNOWN:
	case SSH_KNOWN_HOSTS_NOT_FOUND:
		key->state = REMOTE_KEY_UNKNOWN;
		return (agreed != NULL ? record_key(r, e) : 0);
	case SSH_KNOWN_HOSTS_CHANGED:
	case SSH_KNOWN_HOSTS_OTHER:
		key->state = REMOTE_KEY_CHANGED;
		return (agreed != NULL ? hostkey_check(r, e) : 0);
	case SSH_KNOWN_HOSTS_ERROR:
		break;
	}
	return (hostkey_check(r, e));
}

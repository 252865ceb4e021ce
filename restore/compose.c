#include <ctype.h>
#include <string.h>

#include <jansson.h>

#include "restore/compose.h"

/* ------------------------------------------------------------------- YAML */

static json_t *
get(json_t *j, const char *key)
{
	return (json_object_get(j, key));
}

static const char *
text(json_t *j, const char *key)
{
	const char *s = json_string_value(get(j, key));

	return (s != NULL && *s != '\0' ? s : NULL);
}

/* The next character of UTF-8 that jansson has proved. */
static unsigned long
next_char(const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	unsigned long c = *p++;
	int more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

	if (more > 0)
		c &= 0x3fUL >> more;
	for (; more > 0 && *p != '\0'; more--)
		c = c << 6 | (*p++ & 0x3f);
	*s = (const char *)p;
	return (c);
}

/*
 * YAML 1.2, 7.3.1: a text in double quotes.  A dollar sign is doubled, as
 * docker compose would put a variable there.
 */
static void
quote(struct buf *out, const char *s)
{
	unsigned long c;

	buf_putc(out, '"');
	while (*s != '\0') {
		c = next_char(&s);
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (char)c);
		else if (c == '$')
			buf_puts(out, "$$");
		else if (c >= 0x20 && c < 0x7f)
			buf_putc(out, (char)c);
		else if (c < 0x10000)
			buf_printf(out, "\\u%04lx", c);
		else
			buf_printf(out, "\\U%08lx", c);
	}
	buf_putc(out, '"');
}

static void
put_key(struct buf *out, int depth, const char *key)
{
	buf_printf(out, "%*s%s:", depth * 2, "", key);
}

static void
put_text(struct buf *out, int depth, const char *key, const char *value)
{
	if (value == NULL)
		return;
	put_key(out, depth, key);
	buf_putc(out, ' ');
	quote(out, value);
	buf_putc(out, '\n');
}

static void
put_true(struct buf *out, int depth, const char *key, json_t *value)
{
	if (!json_is_true(value))
		return;
	put_key(out, depth, key);
	buf_puts(out, " true\n");
}

static void
put_item(struct buf *out, int depth, const char *value)
{
	buf_printf(out, "%*s- ", depth * 2, "");
	quote(out, value);
	buf_putc(out, '\n');
}

static int
has_text(json_t *list, const char *s)
{
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		if (json_is_string(one) &&
		    strcmp(json_string_value(one), s) == 0)
			return (1);
	return (0);
}

/* A list of texts, less those that another has. */
static void
put_list(struct buf *out, int depth, const char *key, json_t *list,
    json_t *less)
{
	const char *s;
	json_t *one;
	size_t i;
	int any = 0;

	json_array_foreach(list, i, one) {
		s = json_string_value(one);
		if (s == NULL || has_text(less, s))
			continue;
		if (!any)
			put_key(out, depth, key);
		if (!any)
			buf_putc(out, '\n');
		any = 1;
		put_item(out, depth + 1, s);
	}
}

/* An object of texts, less those keys that begin so. */
static void
put_map(struct buf *out, int depth, const char *key, json_t *map,
    const char *less)
{
	const char *name;
	json_t *value;
	int any = 0;

	json_object_foreach(map, name, value) {
		if (!json_is_string(value) || (less != NULL &&
		    strncmp(name, less, strlen(less)) == 0))
			continue;
		if (!any)
			put_key(out, depth, key);
		if (!any)
			buf_putc(out, '\n');
		any = 1;
		buf_printf(out, "%*s", (depth + 1) * 2, "");
		quote(out, name);
		buf_puts(out, ": ");
		quote(out, json_string_value(value));
		buf_putc(out, '\n');
	}
}

/* ---------------------------------------------------------------- the image */

/* Length of "repo" in "repo:tag"; a port of the registry is none. */
static size_t
repo_len(const char *image)
{
	const char *slash = strrchr(image, '/');
	const char *colon = strchr(slash != NULL ? slash : image, ':');

	return (colon != NULL ? (size_t)(colon - image) : strlen(image));
}

/* The digest that the image has in its repository: "repo@sha256:...". */
static const char *
digest_of(const char *image, json_t *inspected)
{
	json_t *one, *list = get(inspected, "RepoDigests");
	size_t i, n = repo_len(image);
	const char *s;

	json_array_foreach(list, i, one) {
		s = json_string_value(one);
		if (s != NULL && strncmp(s, image, n) == 0 && s[n] == '@')
			return (s + n);
	}
	return (NULL);
}

static void
put_image(struct buf *out, json_t *c, json_t *image)
{
	const char *name = text(get(c, "Config"), "Image"), *digest;
	const char *os = text(image, "Os"), *arch;
	json_t *tags = get(image, "RepoTags");
	struct buf b = BUF_INIT;

	if ((name == NULL || strncmp(name, "sha256:", 7) == 0) &&
	    json_string_value(json_array_get(tags, 0)) != NULL)
		name = json_string_value(json_array_get(tags, 0));
	if (name == NULL && (name = text(c, "Image")) == NULL)
		return;
	buf_puts(&b, name);
	if (strchr(name, '@') == NULL && strncmp(name, "sha256:", 7) != 0 &&
	    (digest = digest_of(name, image)) != NULL)
		buf_puts(&b, digest);
	put_text(out, 2, "image", buf_cstr(&b));
	if ((arch = text(image, "Architecture")) != NULL) {
		buf_clear(&b);
		buf_printf(&b, "%s/%s", os != NULL ? os : "linux", arch);
		if (text(image, "Variant") != NULL)
			buf_printf(&b, "/%s", text(image, "Variant"));
		put_text(out, 2, "platform", buf_cstr(&b));
	}
	if (b.nomem)
		out->nomem = 1;
	buf_fini(&b);
}

/* ----------------------------------------------------------- the container */

static void
put_config(struct buf *out, json_t *c, json_t *image)
{
	json_t *has = get(c, "Config"), *base = get(image, "Config");
	static const struct {
		const char *key, *name;
	} lists[] = {
		{ "Entrypoint", "entrypoint" }, { "Cmd", "command" },
	}, texts[] = {
		{ "User", "user" }, { "WorkingDir", "working_dir" },
		{ "StopSignal", "stop_signal" },
	};
	const char *s, *was;
	size_t i;

	put_text(out, 2, "hostname", text(has, "Hostname"));
	put_text(out, 2, "domainname", text(has, "Domainname"));
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		s = text(has, texts[i].key);
		was = text(base, texts[i].key);
		if (s != NULL && (was == NULL || strcmp(s, was) != 0))
			put_text(out, 2, texts[i].name, s);
	}
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (!json_equal(get(has, lists[i].key),
		    get(base, lists[i].key)))
			put_list(out, 2, lists[i].name,
			    get(has, lists[i].key), NULL);
	put_list(out, 2, "environment", get(has, "Env"), get(base, "Env"));
	put_map(out, 2, "labels", get(has, "Labels"), "com.docker.");
	put_true(out, 2, "tty", get(has, "Tty"));
	put_true(out, 2, "stdin_open", get(has, "OpenStdin"));
}

static void
put_devices(struct buf *out, json_t *list)
{
	struct buf b = BUF_INIT;
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		if (text(one, "PathOnHost") == NULL ||
		    text(one, "PathInContainer") == NULL)
			continue;
		if (i == 0)
			buf_puts(out, "    devices:\n");
		buf_clear(&b);
		buf_printf(&b, "%s:%s", text(one, "PathOnHost"),
		    text(one, "PathInContainer"));
		if (text(one, "CgroupPermissions") != NULL)
			buf_printf(&b, ":%s",
			    text(one, "CgroupPermissions"));
		put_item(out, 3, buf_cstr(&b));
	}
	buf_fini(&b);
}

static void
put_restart(struct buf *out, json_t *policy)
{
	const char *name = text(policy, "Name");
	json_int_t most = json_integer_value(get(policy,
	    "MaximumRetryCount"));

	if (name == NULL)
		return;
	put_key(out, 2, "restart");
	buf_putc(out, ' ');
	if (strcmp(name, "on-failure") == 0 && most > 0)
		buf_printf(out, "\"on-failure:%lld\"", (long long)most);
	else
		quote(out, name);
	buf_putc(out, '\n');
}

static void
put_host(struct buf *out, json_t *h)
{
	const char *s;

	put_true(out, 2, "privileged", get(h, "Privileged"));
	put_true(out, 2, "init", get(h, "Init"));
	put_true(out, 2, "read_only", get(h, "ReadonlyRootfs"));
	put_list(out, 2, "cap_add", get(h, "CapAdd"), NULL);
	put_list(out, 2, "cap_drop", get(h, "CapDrop"), NULL);
	put_list(out, 2, "security_opt", get(h, "SecurityOpt"), NULL);
	put_list(out, 2, "dns", get(h, "Dns"), NULL);
	put_list(out, 2, "dns_search", get(h, "DnsSearch"), NULL);
	put_list(out, 2, "extra_hosts", get(h, "ExtraHosts"), NULL);
	put_map(out, 2, "sysctls", get(h, "Sysctls"), NULL);
	put_devices(out, get(h, "Devices"));
	if ((s = text(h, "CgroupnsMode")) != NULL && strcmp(s, "host") == 0)
		put_text(out, 2, "cgroup", s);
	if ((s = text(h, "PidMode")) != NULL)
		put_text(out, 2, "pid", s);
	if ((s = text(h, "IpcMode")) != NULL && strcmp(s, "host") == 0)
		put_text(out, 2, "ipc", s);
	put_restart(out, get(h, "RestartPolicy"));
}

static void
put_ports(struct buf *out, json_t *bindings)
{
	struct buf b = BUF_INIT;
	const char *port, *ip, *host;
	json_t *list, *one;
	size_t i;
	int any = 0;

	json_object_foreach(bindings, port, list) {
		json_array_foreach(list, i, one) {
			ip = text(one, "HostIp");
			host = text(one, "HostPort");
			buf_clear(&b);
			if (ip != NULL)
				buf_printf(&b, strchr(ip, ':') != NULL ?
				    "[%s]:" : "%s:", ip);
			buf_printf(&b, "%s%s%s", host != NULL ? host : "",
			    host != NULL || ip != NULL ? ":" : "", port);
			if (!any)
				buf_puts(out, "    ports:\n");
			any = 1;
			put_item(out, 3, buf_cstr(&b));
		}
	}
	buf_fini(&b);
}

/* In the long form: colons in paths then mean nothing. */
static void
put_mounts(struct buf *out, json_t *c, json_t *volumes)
{
	const char *type, *from, *to;
	json_t *one, *list = get(c, "Mounts"), *tmpfs, *value;
	size_t i;
	int any = 0;

	json_array_foreach(list, i, one) {
		type = text(one, "Type");
		to = text(one, "Destination");
		if (type == NULL || to == NULL)
			continue;
		from = text(one, strcmp(type, "volume") == 0 ? "Name" :
		    "Source");
		if (!any)
			buf_puts(out, "    volumes:\n");
		any = 1;
		buf_puts(out, "      - type: ");
		quote(out, type);
		buf_putc(out, '\n');
		put_text(out, 4, "source", from);
		put_text(out, 4, "target", to);
		if (json_is_false(get(one, "RW")))
			buf_puts(out, "        read_only: true\n");
		if (strcmp(type, "volume") == 0 && from != NULL)
			json_array_append(volumes, get(one, "Name"));
	}
	tmpfs = get(get(c, "HostConfig"), "Tmpfs");
	any = 0;
	json_object_foreach(tmpfs, to, value) {
		if (!any)
			buf_puts(out, "    tmpfs:\n");
		any = 1;
		put_item(out, 3, to);
	}
}

/* ------------------------------------------------------------- the networks */

/* Those that every docker has, and that no file may define. */
static int
is_builtin(const char *network)
{
	return (strcmp(network, "bridge") == 0 ||
	    strcmp(network, "host") == 0 || strcmp(network, "none") == 0 ||
	    strcmp(network, "default") == 0);
}

static json_t *
find_network(json_t *networks, const char *name)
{
	json_t *one;
	size_t i;

	json_array_foreach(networks, i, one)
		if (text(one, "Name") != NULL &&
		    strcmp(text(one, "Name"), name) == 0)
			return (one);
	return (NULL);
}

static int
has_subnet(json_t *network)
{
	return (text(json_array_get(get(get(network, "IPAM"), "Config"), 0),
	    "Subnet") != NULL);
}

/* An address that docker chose of itself is kept where there is a subnet. */
static void
put_attachment(struct buf *out, const char *name, json_t *at,
    json_t *network)
{
	json_t *fixed = get(at, "IPAMConfig");
	const char *v4 = text(fixed, "IPv4Address");
	const char *v6 = text(fixed, "IPv6Address");

	if (v4 == NULL && has_subnet(network))
		v4 = text(at, "IPAddress");
	buf_puts(out, "      ");
	quote(out, name);
	buf_puts(out, v4 != NULL || v6 != NULL ? ":\n" : ": {}\n");
	put_text(out, 4, "ipv4_address", v4);
	put_text(out, 4, "ipv6_address", v6);
}

static void
put_attachments(struct buf *out, json_t *c, json_t *networks)
{
	const char *mode = text(get(c, "HostConfig"), "NetworkMode"), *name;
	json_t *at, *list = get(get(c, "NetworkSettings"), "Networks");
	int any = 0;

	json_object_foreach(list, name, at) {
		if (is_builtin(name))
			continue;
		if (!any)
			buf_puts(out, "    networks:\n");
		any = 1;
		put_attachment(out, name, at, find_network(networks, name));
	}
	if (!any && mode != NULL && strcmp(mode, "default") != 0 &&
	    (is_builtin(mode) || strncmp(mode, "container:", 10) == 0))
		put_text(out, 2, "network_mode", mode);
}

static void
put_ipam(struct buf *out, json_t *ipam)
{
	const char *driver = text(ipam, "Driver");
	json_t *one, *list = get(ipam, "Config");
	size_t i;

	if (json_array_size(list) == 0)
		return;
	buf_puts(out, "    ipam:\n");
	if (driver != NULL && strcmp(driver, "default") != 0)
		put_text(out, 3, "driver", driver);
	buf_puts(out, "      config:\n");
	json_array_foreach(list, i, one) {
		if (text(one, "Subnet") == NULL)
			continue;
		buf_puts(out, "        - subnet: ");
		quote(out, text(one, "Subnet"));
		buf_putc(out, '\n');
		put_text(out, 5, "gateway", text(one, "Gateway"));
		put_text(out, 5, "ip_range", text(one, "IPRange"));
	}
}

static void
put_networks(struct buf *out, json_t *c, json_t *networks)
{
	json_t *at, *n, *list = get(get(c, "NetworkSettings"), "Networks");
	const char *name;
	int any = 0;

	json_object_foreach(list, name, at) {
		if (is_builtin(name))
			continue;
		n = find_network(networks, name);
		if (!any)
			buf_puts(out, "networks:\n");
		any = 1;
		buf_puts(out, "  ");
		quote(out, name);
		buf_puts(out, ":\n");
		put_text(out, 2, "name", name);
		put_text(out, 2, "driver", text(n, "Driver"));
		put_true(out, 2, "internal", get(n, "Internal"));
		put_true(out, 2, "enable_ipv6", get(n, "EnableIPv6"));
		put_map(out, 2, "driver_opts", get(n, "Options"), NULL);
		put_ipam(out, get(n, "IPAM"));
	}
}

static void
put_volumes(struct buf *out, json_t *volumes)
{
	json_t *one;
	size_t i;

	if (json_array_size(volumes) > 0)
		buf_puts(out, "volumes:\n");
	json_array_foreach(volumes, i, one) {
		buf_puts(out, "  ");
		quote(out, json_string_value(one));
		buf_puts(out, ":\n");
		put_text(out, 2, "name", json_string_value(one));
	}
}

/* ------------------------------------------------------------------- whole */

/* A key of compose: letters, digits, "._-", from the container's name. */
static void
put_service(struct buf *out, const char *name)
{
	int any = 0;

	for (; name != NULL && *name != '\0'; name++)
		if (isalnum((unsigned char)*name) || (any &&
		    strchr("._-", *name) != NULL)) {
			buf_putc(out, *name);
			any = 1;
		}
	if (!any)
		buf_puts(out, "xcatmn");
}

static json_t *
load(const struct buf *from, const char *what, struct err *e)
{
	json_error_t why;
	json_t *j;

	if (from->len == 0)
		return (json_array());
	j = json_loadb((const char *)from->data, from->len,
	    JSON_REJECT_DUPLICATES, &why);
	if (json_is_array(j))
		return (j);
	json_decref(j);
	err_set(e, ERR_DAMAGED, COMPOSE_DIR "/%s: not what docker prints",
	    what);
	return (NULL);
}

static void
put_file(struct buf *out, json_t *c, json_t *image, json_t *networks,
    json_t *volumes)
{
	const char *name = text(c, "Name");

	if (name != NULL && *name == '/')
		name++;
	buf_puts(out, "# Made by xcatvault from what docker said of the "
	    "container.  It may hold\n# passwords (environment).  "
	    "docker compose up -d\nservices:\n  \"");
	put_service(out, name);
	buf_puts(out, "\":\n");
	put_text(out, 2, "container_name", name);
	put_image(out, c, image);
	put_config(out, c, image);
	put_host(out, get(c, "HostConfig"));
	put_attachments(out, c, networks);
	put_ports(out, get(get(c, "HostConfig"), "PortBindings"));
	put_mounts(out, c, volumes);
	put_networks(out, c, networks);
	put_volumes(out, volumes);
}

int
compose_encode(struct buf *out, const struct compose_source *from,
    struct err *e)
{
	json_t *c = NULL, *image = NULL, *networks = NULL, *volumes;
	int rc = -1;

	if ((volumes = json_array()) == NULL)
		return (err_nomem(e));
	if ((c = load(&from->container, "container.json", e)) == NULL ||
	    (image = load(&from->image, "image.json", e)) == NULL ||
	    (networks = load(&from->networks, "networks.json", e)) == NULL)
		goto out;
	if (!json_is_object(json_array_get(c, 0))) {
		err_set(e, ERR_DAMAGED, COMPOSE_DIR "/container.json: no "
		    "container in it");
		goto out;
	}
	put_file(out, json_array_get(c, 0), json_array_get(image, 0),
	    networks, volumes);
	rc = buf_ok(out, e);
out:
	json_decref(c);
	json_decref(image);
	json_decref(networks);
	json_decref(volumes);
	return (rc);
}

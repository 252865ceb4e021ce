# site trust and site probe, against sshds and test nodes on this host.

load common
load sshd
load ../mn/mn

setup()
{
	scratch
}

teardown()
{
	mn_stop_all
	sshd_stop
	clean
}

# stranger: an sshd whose key is not known, as site mn1; sets PRINT, its
# fingerprint, and PRINT_RE, which matches it
stranger()
{
	sshd_start
	rm -f "$XCATVAULT_SSH_DIR/known_hosts"
	printf 'sites = { mn1 = { address = "%s"; }; };\n' "$SSHD_ADDRESS" \
	    >"$XCATVAULT_CONFIG"
	PRINT=$(ssh-keygen -lf "$SSHD_DIR/host.pub" | cut -d' ' -f2)
	PRINT_RE=${PRINT//+/[+]}
}

# node [OPTION...]: a test node, as site mn1
node()
{
	mn_start a "$@"
	export XCATVAULT_SSH_DIR=$MN_SSH
	printf 'sites = { mn1 = { address = "%s"; }; };\n' "$MN_ADDRESS" \
	    >"$XCATVAULT_CONFIG"
}

# found FILTER: what jq says of the JSON that probe printed
found()
{
	jq -r "$1" "$T/out"
}

# --- trust -------------------------------------------------------------------

@test "trust: an unknown key is shown, and recorded only when told so" {
	stranger
	exits 2 xv site trust mn1 </dev/null
	complains "not known and not recorded: compare $PRINT_RE "
	[ ! -e "$XCATVAULT_SSH_DIR/known_hosts" ]
	exits 2 xv site probe mn1
	complains 'not known .*site trust'

	exits 0 xv site trust mn1 --yes
	says "^mn1: ssh-ed25519 $PRINT_RE: recorded\$"
	equal "$(stat -c %a "$XCATVAULT_SSH_DIR/known_hosts")" 600
	equal "$(wc -l <"$XCATVAULT_SSH_DIR/known_hosts")" 1
	exits 0 xv site trust mn1
	says "^mn1: ssh-ed25519 $PRINT_RE: known already\$"
	equal "$(wc -l <"$XCATVAULT_SSH_DIR/known_hosts")" 1
	exits '0|1' xv site probe mn1
}

@test "trust: --fingerprint records that key and no other" {
	stranger
	exits 2 xv site trust mn1 --fingerprint SHA256:AAAA
	complains "its key is ssh-ed25519 $PRINT_RE, not SHA256:AAAA"
	exits 2 xv site trust mn1 --yes --fingerprint "${PRINT}x"
	[ ! -e "$XCATVAULT_SSH_DIR/known_hosts" ]
	exits 0 xv site trust --fingerprint "$PRINT" mn1 --json
	equal "$(jq -r .state "$T/out")" recorded
	equal "$(jq -r .fingerprint "$T/out")" "$PRINT"
	exits 0 xv site trust mn1 --json
	equal "$(jq -r .state "$T/out")" known
	# also of a key that is known
	exits 2 xv site trust mn1 --fingerprint SHA256:AAAA
}

@test "trust: a changed key is never recorded" {
	stranger
	exits 0 xv site trust mn1 --yes
	cp "$XCATVAULT_SSH_DIR/known_hosts" before
	sshd_stop
	rm "$SSHD_DIR/host" "$SSHD_DIR/host.pub"
	SSHD_FIXED_PORT=$SSHD_PORT sshd_start
	cp before "$XCATVAULT_SSH_DIR/known_hosts"
	exits 2 xv site trust mn1 --yes
	complains 'its host key has CHANGED'
	exits 2 xv site trust mn1 --yes --fingerprint \
	    "$(ssh-keygen -lf "$SSHD_DIR/host.pub" | cut -d' ' -f2)"
	complains 'its host key has CHANGED'
	cmp before "$XCATVAULT_SSH_DIR/known_hosts"
}

@test "trust: on a terminal only yes is yes" {
	need script
	stranger
	not script -qec "$XCATVAULT site trust mn1" /dev/null <<<y >out
	grep -q "$PRINT" out
	grep -q 'nothing recorded' out
	[ ! -e "$XCATVAULT_SSH_DIR/known_hosts" ]
	script -qec "$XCATVAULT site trust mn1" /dev/null <<<yes >out
	grep -q recorded out
	exits 0 xv site trust mn1
	says 'known already'
}

@test "trust: the key that was shown is the one that is recorded" {
	local asking

	need script
	stranger
	mkfifo answer
	script -qec "$XCATVAULT site trust mn1" /dev/null <answer >out 3>&- &
	asking=$!
	exec 7>answer
	for _ in {1..200}; do
		! grep -q 'yes/no' out || break
		sleep 0.05
	done
	grep -q "$PRINT" out
	sshd_stop
	rm "$SSHD_DIR/host" "$SSHD_DIR/host.pub"
	SSHD_FIXED_PORT=$SSHD_PORT sshd_start
	rm "$XCATVAULT_SSH_DIR/known_hosts"
	echo yes >&7
	exec 7>&-
	not wait "$asking"
	grep -q 'and was .* a moment ago' out
	[ ! -e "$XCATVAULT_SSH_DIR/known_hosts" ]
}

@test "trust: of an address, and of a vault's" {
	stranger
	rm "$XCATVAULT_CONFIG"
	exits 0 xv site trust "$SSHD_ADDRESS" --yes
	exits 0 xv site trust "ssh://$SSHD_ADDRESS/srv/vault"
	says 'known already'
}

@test "trust, probe: what cannot be reached ends in one line" {
	stranger
	sshd_stop
	exits 2 xv site trust mn1 --yes
	complains 'refused'
	exits 2 xv site probe mn1
	complains 'refused'
	exits 3 xv site probe mn2
	complains 'mn2: no such site; .* has mn1'
	exits 3 xv site probe -- -oProxyCommand=x
	exits 3 xv site probe 'root@-x'
	exits 3 xv site
	exits 3 xv site probe
	exits 3 xv site frob mn1
	exits 3 xv site probe mn1 more
	printf 'sites = { l = { volumes = ( { path = "/a"; local = "/b"; } ); }; };\n' \
	    >"$XCATVAULT_CONFIG"
	exits 3 xv site probe l
	complains 'site l has no address'
}

# --- probe -------------------------------------------------------------------

@test "probe: a container with /install and /.dbbackup" {
	node --layout old
	mn_populate a small
	exits 0 xv site probe mn1
	says '^mn1: root@127.0.0.1:[0-9]+, xCAT 2.19.0, xcatd up$'
	says '^  host name +mn1$'
	says '^  layout +container with /install'
	says '^  volume +/install: .* free$'
	exits 0 xv site probe mn1 --json --sizes
	equal "$(found .layout)" container
	equal "$(found '[.volumes[].path] | join(" ")')" \
	    '/.dbbackup /install /var/log/xcat'
	equal "$(found .architecture)" "$(uname -m)"
	equal "$(found .database)" SQLite
	equal "$(found .site_table.installdir)" /install
	equal "$(found '.tables | length')" \
	    "$(mn_xcat a tabdump | wc -l)"
	equal "$(found '.tools[] | select(.works | not)')" ''
	# du's own figure
	equal "$(found '.volumes[1].bytes')" \
	    $(($(mn_sh a du -sk /install | cut -f1) * 1024))
	equal "$(found .dbbackup.there,.dbbackup.mounted)" $'true\nfalse'
}

@test "probe: /.dbbackup that is a mount, and how much room it has" {
	node --layout old --small-dbbackup 1m
	exits 0 xv site probe mn1 --json
	equal "$(found .dbbackup.mounted)" true
	equal "$(found '.dbbackup.free_bytes <= 1048576')" true
}

@test "probe: a container with /xcatdata, which /install is a link into" {
	node --layout xcatdata
	exits 0 xv site probe mn1 --json
	equal "$(found .layout)" xcatdata
	equal "$(found '[.volumes[].path] | join(" ")')" \
	    '/.dbbackup /var/log/xcat /xcatdata'
	equal "$(found .dbbackup.there)" false
	equal "$(found '.volumes[0].there')" false
	exits 0 xv site probe mn1
	says 'container with /xcatdata'
	says '/.dbbackup +not there'
}

@test "probe: a bare node, and an installdir that is elsewhere" {
	node --layout bare
	exits 0 xv site probe mn1 --json
	equal "$(found .layout)" bare
	equal "$(found '[.volumes[].path] | join(" ")')" \
	    '/.dbbackup /install /var/log/xcat'
	mn_populate a small
	mn_sh a mkdir -p /data/real
	mn_sh a ln -s real /data/install
	mn_xcat a 'chtab key=installdir site.value=/data/install' ||
	    mn_sh a sqlite3 /etc/xcat/site.sqlite \
		"update site set value = '/data/install' where key = 'installdir'"
	exits 0 xv site probe mn1 --json
	equal "$(found '.volumes[1].path')" /data/install
	equal "$(found '.volumes[1].source')" /data/real
}

@test "probe: site.skiptables is warned about" {
	node
	mn_populate a small
	mn_sh a sqlite3 /etc/xcat/site.sqlite \
	    "insert into site (key, value) values ('skiptables', 'mac,vpd')"
	exits 1 xv site probe mn1 --json
	says 'site.skiptables is set: dumps will lack mac,vpd'
	equal "$(found .site_table.skiptables)" mac,vpd
	mn_sh a sqlite3 /etc/xcat/site.sqlite \
	    "update site set disable = '1' where key = 'skiptables'"
	exits 0 xv site probe mn1 --json
	equal "$(found .site_table.skiptables)" null
}

@test "probe: xcatd down, and hanging" {
	node
	mn_populate a small
	mn_fault a xcatd=down
	exits 1 xv site probe mn1
	says 'xcatd is down \(.*efused.*\): its database is read past it'
	says '73 tables'
	exits 1 xv site probe mn1 --json
	equal "$(found .xcatd)" down
	equal "$(found .site_table.installdir)" /install
	mn_fault a clear
	mn_fault a lsxcatd=hang
	exits 1 xv site probe mn1 --json
	equal "$(found .xcatd)" hung
}

@test "probe: the password of the database stays where it is" {
	node
	mn_sh a sh -c 'umask 077; echo "Pg:dbname=xcatdb;host=10.0.0.1|xcatadm|s3cret" >/etc/xcat/cfgloc'
	mn_fault a xcatd=down
	exits '0|1' xv site probe mn1 --json
	equal "$(found .database)" Pg
	not grep -q s3cret "$T/out" "$T/err"
	exits '0|1' xv site probe mn1
	says 'database +Pg'
	not grep -q 's3cret\|xcatadm' "$T/out" "$T/err"
}

@test "probe: find or tar missing or not GNU, other tools missing" {
	node
	mn_fault a find=missing
	exits 1 xv site probe mn1
	says '^xcatvault: mn1: find on the node: not there$'
	mn_fault a clear
	mn_fault a find=notgnu tar=notgnu
	exits 1 xv site probe mn1
	says 'find on the node: not GNU find: it has no -printf'
	says 'tar on the node: not GNU tar'
	equal "$(wc -l <"$T/err")" 2
	mn_fault a clear
	mn_fault a tools=sha256sum,zstd,mktemp
	exits 1 xv site probe mn1 --json
	equal "$(found '[.tools | to_entries[] | select(.value.works | not) |
	    .key] | join(" ")')" 'mktemp sha256sum zstd'
	complains 'mktemp on the node: not there'
}

@test "probe: a host that is no management node" {
	sshd_start
	printf 'sites = { h = { address = "%s"; }; };\n' "$SSHD_ADDRESS" \
	    >"$XCATVAULT_CONFIG"
	[ ! -e /etc/profile.d/xcat.sh ] || skip "this host has xCAT"
	exits 1 xv site probe h --json
	says 'h: no xCAT there: no database to back up'
	equal "$(found .xcatd)" absent
}

@test "probe: what a login shell prints does not disturb" {
	node
	mn_sh a sh -c 'echo "echo Welcome; printf \"a\\000b\\000\"" >/root/.bashrc'
	mn_sh a sh -c 'echo "echo profile" >>/etc/profile.d/xcat.sh'
	exits 0 xv site probe mn1 --json
	equal "$(found .hostname)" mn1
}

@test "probe: xCAT's well-known password is warned about" {
	node --password cluster
	rm -f "$MN_SSH"/id_*
	(umask 077 && echo cluster >"$T/password")
	printf 'sites = { mn1 = { address = "%s"; password_file = "%s"; }; };\n' \
	    "$MN_ADDRESS" "$T/password" >"$XCATVAULT_CONFIG"
	exits 1 xv site probe mn1
	says "root's password is the one that xCAT's container image comes with"
	not grep -q cluster "$T/out"
}

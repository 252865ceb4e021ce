#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2153
# profile = "full": what a lost node needs besides its volumes.

load common
load ../mn/mn
load night

setup_file()
{
	shared_node
	furnish
	first_night
}

teardown_file()
{
	shared_stop
}

setup()
{
	night_scratch
	R=$(mn_folder a)/root
	export TMPDIR=$T/tmp
	mkdir "$TMPDIR"
	# no docker of this host's
	fake_docker 'exit 1'
}

teardown()
{
	night_clean
}

# furnish: what a node in use has, beyond the stand-in's own
furnish()
{
	local T=$BATS_FILE_TMPDIR r=$BATS_FILE_TMPDIR/mn/a/root bin

	mkdir -p "$r"/home/admin/.ssh "$r"/home/other "$r"/tftpboot/xcat \
	    "$r"/etc/{dhcp,goconserver,httpd/conf,yum.repos.d} \
	    "$r"/var/lib/dhcpd "$r"/var/spool/cron/crontabs \
	    "$r"/data/lists "$r"/real/named "$r"/opt/xcat/share/xcat/own \
	    "$r"/opt/xcat/share/xcat/netboot
	echo key >"$r/home/admin/.ssh/id_rsa"
	chmod 600 "$r/home/admin/.ssh/id_rsa"
	echo mail >"$r/home/admin/mail"
	echo boot >"$r/tftpboot/xcat/xnba"
	echo subnet >"$r/etc/dhcp/dhcpd.conf"
	echo lease >"$r/var/lib/dhcpd/dhcpd.leases"
	echo '# cron' >"$r/var/spool/cron/crontabs/root"
	echo 'root:x::' >"$r/etc/gshadow"
	echo nothing >"$r/etc/nobody-asked"
	echo bash >"$r/data/lists/compute.pkglist"
	echo other >"$r/data/lists/other"
	echo tmpl >"$r/opt/xcat/share/xcat/own/site.tmpl"
	echo theirs >"$r/opt/xcat/share/xcat/netboot/theirs"
	echo edited >"$r/opt/xcat/edited"
	echo unedited >"$r/opt/xcat/unedited"
	rm -rf "$r/var/named"
	echo zone >"$r/real/named/zone"
	ln -s /real/named "$r/etc/named"
	ln -s /real/named "$r/var/named"
	# of packages only what makes the difference
	bin=$BATS_FILE_TMPDIR/mn/a/usr-local/bin
	cat >"$bin/rpm" <<-'SH'
	#!/bin/sh
	case $* in
	-qa*--qf*) printf '%s\n' xCAT-server-4:2.19.0-1.noarch bash-5.1-1.x86_64 ;;
	-qal) printf '%s\n' /opt/xcat/share/xcat/mn /opt/xcat/share/xcat/netboot \
	    /opt/xcat/share/xcat/netboot/theirs /usr/bin/bash ;;
	-qa) echo bash-5.1-1 ;;
	-Va) printf '%s\n' 'S.5....T.    /usr/bin/bash' \
	    'missing     /opt/xcat/gone' '.......T.    /opt/xcat/unedited' \
	    'S.5....T.    /opt/xcat/edited'; exit 1 ;;
	esac
	SH
	chmod 755 "$bin/rpm"
	# tables that name what is elsewhere, the whole system among it
	name_path far /data/lists/compute.pkglist /usr
	name_path farther /data/none.pkglist /
}

# name_path IMAGE PKGLIST PKGDIR: a row of linuximage
name_path()
{
	mn_sh a sqlite3 /etc/xcat/linuximage.sqlite "insert into linuximage
	    (imagename, pkglist, pkgdir) values ('$1', '$2', '$3')"
}

first_night()
{
	local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR/good T V

	mkdir "$BATS_TEST_TMPDIR"
	night_scratch
	export TMPDIR=$T/tmp
	mkdir "$TMPDIR"
	fake_docker 'exit 1'
	full_site
	night m
	cp "$T/out" "$T/first.out"
	cp "$T/err" "$T/first.err"
	ls -A "$TMPDIR" >"$T/first.tmp"
	echo "$STATUS" >"$T/first.status"
}

full_site()
{
	site m a 'profile = "full";' 'volumes = ( "/install", "/var/log/xcat" );' "$@"
}

# good: the vault that first_night made
good()
{
	V=$BATS_FILE_TMPDIR/good/vault
	XCATVAULT_VAULT=$(vault_name "$V")
	GOOD=$BATS_FILE_TMPDIR/good
}

# fake_docker TEXT: a shell script in its place
fake_docker()
{
	mkdir -p "$T/bin"
	printf '#!/bin/bash\n%s\n' "$1" >"$T/bin/docker"
	chmod 755 "$T/bin/docker"
	PATH=$T/bin:$PATH
}

# docker_of PORT [PASSWORD]: one that runs a container of ours
docker_of()
{
	mkdir -p "$T/compose"
	echo 'services: {}' >"$T/compose/docker-compose.yml"
	cat >"$T/container.json" <<-END
	[{"Id": "$(printf 'ab%.0s' {1..32})", "Name": "/xcatmn",
	"Image": "sha256:$(printf 'cd%.0s' {1..32})",
	"State": {"Status": "running", "Pid": STARTED,
	    "StartedAt": "STARTED"},
	"Config": {"Hostname": "mn1", "Domainname": "cluster.test",
	    "Env": ["XCAT_PASSWORD=geheim"],
	    "Labels": {"com.docker.compose.project.config_files":
		"$T/compose/docker-compose.yml,$T/compose/gone.yml"}},
	"NetworkSettings": {"Ports": {"22/tcp":
	    [{"HostIp": "0.0.0.0", "HostPort": "$1"}], "80/tcp": null},
	    "Networks": {"mgtnet": {}, "svcnet": {}}}}]
	END
	fake_docker "printf '%s ' \"\$@\" >>'$T/docker.log'; echo >>'$T/docker.log'
case \$1-\$2 in
ps-*) printf 'ab%.0s' {1..32}; echo ;;
inspect-abab* | container-inspect)
	sed \"s/STARTED/\$RANDOM/g\" '$T/container.json' ;;
image-inspect)
	echo '[{\"Id\": \"'\$3'\", \"RepoTags\": [\"xcat:2.19\"]}]' ;;
network-inspect)
	echo '[{\"Name\": \"mgtnet\"}, {\"Name\": \"svcnet\"}]' ;;
*) echo 'docker: no such command' >&2; exit 1 ;;
esac"
}

# stored PATH...: each is in the snapshot latest
stored()
{
	local path

	xv find latest '*' >"$T/stored" || return 1
	for path; do
		grep -qxF -- "$path" "$T/stored" || {
			echo "not stored: $path"
			return 1
		}
	done
}

# absent PATH...: none is
absent()
{
	local path

	xv find latest '*' >"$T/stored" || return 1
	for path; do
		not grep -qxF -- "$path" "$T/stored" || {
			echo "stored: $path"
			return 1
		}
	done
}

# --- what is stored -----------------------------------------------------------

@test "all that a lost node needs is stored, and no more" {
	good
	equal "$(cat "$GOOD/first.status")" 0 "$(cat "$GOOD/first.err")"
	stored /etc/xcat/ca /etc/xcat/nodelist.sqlite \
	    /etc/ssh/ssh_host_ed25519_key \
	    /root/.ssh/authorized_keys /root/.xcat/client-cred.pem \
	    /home/admin/.ssh/id_rsa /home/admin/.xcat \
	    /etc/hosts /etc/passwd /etc/shadow /etc/gshadow \
	    /tftpboot/xcat/xnba /etc/dhcp/dhcpd.conf \
	    /var/lib/dhcpd/dhcpd.leases /etc/goconserver /etc/httpd/conf \
	    /etc/yum.repos.d /var/spool/cron/crontabs/root /install/postscripts \
	    /.dbbackup/nodelist.csv
	absent /etc/nobody-asked /home/admin/mail /home/other /opt/xcat/bin \
	    /usr/bin /proc /var/log/lastlog
	equal "$(xv cat latest /home/admin/.ssh/id_rsa)" key
}

@test "paths outside the volumes that tables name are stored, never a whole system" {
	good
	stored /data/lists/compute.pkglist
	absent /data/lists/other /data/none.pkglist /usr /usr/bin/env
	grep -q '/usr: left out: ' "$GOOD/first.err"
}

@test "of xCAT's own files those are stored that no package has, or that were changed" {
	good
	stored /opt/xcat/share/xcat/own/site.tmpl /opt/xcat/edited
	absent /opt/xcat/share/xcat/netboot/theirs /opt/xcat/unedited \
	    /opt/xcat/sbin
}

@test "a link is stored with what it leads to" {
	good
	stored /etc/named /real/named/zone
	xv restore latest /etc/named --to "$T/to" >/dev/null
	equal "$(readlink "$T/to/etc/named")" /real/named
	# a link beside a volume, where nothing but directories can be selected
	absent /var/named /var/named/zone
	xv cat latest /.xcatvault/links.txt | grep -qxF '/var/named -> /real/named'
}

@test "facts about the node are in /.xcatvault" {
	good
	stored /.xcatvault/uname.txt /.xcatvault/os-release.txt \
	    /.xcatvault/mounts.txt /.xcatvault/lsxcatd.txt
	equal "$(xv cat latest /.xcatvault/packages.txt)" \
	    $'bash-5.1-1.x86_64\nxCAT-server-4:2.19.0-1.noarch'
	equal "$(xv cat latest /.xcatvault/packages-xcat.txt)" \
	    xCAT-server-4:2.19.0-1.noarch
	xv cat latest /.xcatvault/packages-changed.txt |
	    grep -qxF 'S.5....T.    /opt/xcat/edited'
	xv cat latest /.xcatvault/uname.txt | grep -q "^Linux mn1 "
	equal "$(xv cat latest /.xcatvault/hostname.txt)" mn1
	xv cat latest /.xcatvault/lsxcatd.txt | grep -q dbengine
	absent /.xcatvault/docker
}

@test "nothing is left on the node, or here" {
	good
	nothing_left a
	equal "$(cat "$GOOD/first.tmp")" ''
}

@test "without the profile nothing of it is stored" {
	site m a
	night m
	ended 0
	absent /etc /root /.xcatvault /tftpboot
}

@test "the second night finds everything as it was" {
	full_site
	night m
	ended 0
	local first=$SNAP
	night m
	ended 0
	equal "$(ls -A "$TMPDIR")" ''
	exits '0|5' xv diff "$first" "$SNAP"
	# xCAT dumped anew; nothing else is different
	not grep -Ev ' /\.dbbackup( |/|$)' "$T/out"
}

@test "what is configured is reported when it is missing; what is guessed is not" {
	full_site 'extra = ( "/data/lists/other", "/data/none" );'
	night m
	ended 1 '/data/none: missing: '
	equal "$(grep -c ': missing: ' "$T/err")" 1
	stored /data/lists/other
}

@test "the facts of another run are left alone" {
	mkdir -m 0700 "$TMPDIR/xcatvault-facts.abcdef" "$TMPDIR/xcatvault-factsx"
	full_site
	night m
	ended 0
	equal "$(ls -A "$TMPDIR")" $'xcatvault-facts.abcdef\nxcatvault-factsx'
}

# --- the container --------------------------------------------------------------

@test "the container that publishes the node's port is stored, its secrets untold" {
	docker_of "$(cat "$(mn_folder a)/port")"
	full_site
	night m
	ended 0
	not grep -q geheim "$T/out" "$T/err"
	local d=/.xcatvault/docker first=$SNAP
	equal "$(xv cat latest $d/container.json | jq -r \
	    '.[0] | .Config.Domainname, .Config.Env[0], .State.Status')" \
	    $'cluster.test\nXCAT_PASSWORD=geheim\nrunning'
	equal "$(xv cat latest $d/image.json | jq -r '.[0].RepoTags[0]')" xcat:2.19
	equal "$(xv cat latest $d/networks.json | jq -r '.[].Name')" $'mgtnet\nsvcnet'
	equal "$(xv cat latest $d/compose.1)" 'services: {}'
	equal "$(xv cat latest $d/compose.txt)" "compose.1 $T/compose/docker-compose.yml"
	grep -qx 'network inspect mgtnet svcnet ' "$T/docker.log"
	xv ls -l latest $d/container.json | grep -q -- '-rw-------'
	# started anew, it is still the same
	night m
	ended 0
	exits 0 xv diff "$first" "$SNAP" $d
	equal "$(cat "$T/out")" ''
}

@test "another container is not taken for the node" {
	docker_of 1
	full_site
	night m
	ended 0
	absent /.xcatvault/docker
}

@test "a configured container is asked for by name, and its absence reported" {
	docker_of 1
	full_site 'container = "xcatmn";'
	night m
	ended 0
	grep -qx 'container inspect xcatmn ' "$T/docker.log"
	stored /.xcatvault/docker/container.json
	fake_docker 'echo "Cannot connect to the Docker daemon" >&2; exit 1'
	night m
	ended 1 'xcatmn: docker: .*Cannot connect'
	absent /.xcatvault/docker
	fake_docker 'echo garbage'
	night m
	ended 1 'xcatmn: docker: .*not understood'
}

# --- back again ---------------------------------------------------------------

@test "a whole snapshot comes back, and single paths of it" {
	good
	exits 0 xv restore latest --to "$T/to"
	same_tree "$R/etc/xcat" "$T/to/etc/xcat"
	same_tree "$R/etc/ssh" "$T/to/etc/ssh"
	same_tree "$R/root/.ssh" "$T/to/root/.ssh"
	same_tree "$R/tftpboot" "$T/to/tftpboot"
	same_tree "$R/install" "$T/to/install"
	equal "$(stat -c %a "$T/to/root" "$T/to/etc/shadow")" $'700\n600'
	exits 0 xv restore latest /etc/hosts /root/.ssh --to "$T/two"
	equal "$(cd "$T/two" && find . ! -type d | sort)" \
	    $'./etc/hosts\n./root/.ssh/authorized_keys'
	cmp "$R/etc/hosts" "$T/two/etc/hosts"
}

@test "--exact deletes nothing beside selected paths, and says so" {
	good
	xv restore latest --to "$T/to" >/dev/null
	echo mine >"$T/to/etc/mine"
	echo mine >"$T/to/etc/xcat/mine"
	mkdir "$T/to/root/mine"
	echo mine >"$T/to/tftpboot/mine"
	echo mine >"$T/to/install/mine"
	exits 0 xv restore latest --exact --to "$T/to"
	[ -e "$T/to/etc/mine" ]
	[ -e "$T/to/etc/xcat/mine" ]
	[ -d "$T/to/root/mine" ]
	# all of these was stored
	[ ! -e "$T/to/tftpboot/mine" ]
	[ ! -e "$T/to/install/mine" ]
	says '/etc: not deleted: '
	not grep -q '/tftpboot: not deleted' "$T/err"
}

@test "ls, find and cat tell of selected paths; the vault is sound" {
	good
	xv find latest shadow | grep -qx /etc/shadow
	exits 0 xv ls latest /root
	equal "$(cat "$T/out")" $'/root/.ssh\n/root/.xcat'
	exits 3 xv cat latest /etc/nobody-asked
	sound
}

#!/bin/sh
# demo.sh: what xcatvault does, on small management nodes made up here.
# XCATVAULT names the program.  All of it happens in a directory of its own
# under $TMPDIR, which is removed at the end.
set -eu
LC_ALL=C
export LC_ALL
umask 022

here=$(cd "$(dirname "$0")/.." && pwd)
program=${XCATVAULT:-$here/build/xcatvault}
[ -x "$program" ] || {
	echo "demo: $program: not there; run make" >&2
	exit 1
}
T=$(mktemp -d)

clean() {
	for node in a b; do
		[ ! -d "$T/$node/root" ] ||
		    bash "$here/tests/mn/mn.sh" stop "$T/$node"
	done
	rm -rf "$T"
}

trap clean EXIT
trap 'exit 1' HUP INT TERM
unset XCATVAULT_CONFIG XCATVAULT_SSH_DIR
export XCATVAULT_CACHE="$T/cache" XCATVAULT_VAULT="$T/backups"
mn=$T/mn

bold=
plain=
if [ -t 1 ]; then
	bold=$(printf '\033[1m')
	plain=$(printf '\033[0m')
fi

step() {
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

most=12

# Shows a command as one would type it, runs it, and shows what it says: of
# more than $most lines the first ones and the last three.
xcatvault() {
	printf '  $ xcatvault'
	printf ' %s' "$@" | sed "s,$T/,,g"
	printf '\n'
	status=0
	"$program" "$@" >"$T/out" 2>&1 || status=$?
	sed "s,$T/,,g; s/^/    /" "$T/out" | awk -v most="$most" '
	{ line[NR] = $0 }
	END {
		for (i = 1; i <= NR; i++)
			if (NR <= most || i <= most - 3 || i > NR - 3)
				print line[i]
			else if (i == NR - 3)
				print "    ... and", NR - most, "lines more"
	}'
}

# want STATUS: what the last command must have ended with.
want() {
	[ "$status" -eq "$1" ] || {
		echo "demo: status $status, and not $1" >&2
		exit 1
	}
}

# judge DIR [WHAT...]: holds a directory against the node, with rsync: contents by checksum, modes,
# owners, times, hard links, ACLs and extended attributes.
judge() {
	judged=$1
	shift
	[ $# -gt 0 ] || set -- install var/log/xcat .dbbackup
	for dir; do
		rsync -aHAXn --checksum --delete -i "$mn/$dir/" "$judged/$dir/"
	done >"$T/differences"
	if [ -s "$T/differences" ]; then
		head -n 5 "$T/differences"
		echo "demo: $judged differs from the node" >&2
		exit 1
	fi
	echo "    rsync -aHAX --checksum: identical"
}

# ----------------------------------------------------------------- the node

# Two osimages with mostly the same files, as profiles of one system have.
make_image() {
	root=$mn/install/netboot/demo1/x86_64/$1/rootimg
	mkdir -p "$root/etc" "$root/usr/lib/xcat" "$root/var/lib/rpm"
	n=0
	while [ $n -lt 12 ]; do
		mkdir -p "$root/usr/share/pkg$n"
		awk -v n=$n -v dir="$root/usr/share/pkg$n" 'BEGIN {
			for (f = 0; f < 40; f++)
				for (i = 0; i < 60; i++)
					print "package", n, "file", f, "line",
					    i, n * f * i * 7919 % 104729 \
					    >(dir "/file" f)
		}'
		n=$((n + 1))
	done
	cp "$program" "$root/usr/lib/xcat/tool"
	ln "$root/usr/lib/xcat/tool" "$root/usr/lib/xcat/tool-again"
	chmod 4755 "$root/usr/lib/xcat/tool"
	ln -s ../usr/lib/xcat "$root/etc/xcat"
	mkfifo "$root/var/lib/initctl"
	printf 'a database' >"$root/var/lib/rpm/Packages"
	truncate -s 64M "$root/var/lib/rpm/Packages"
	echo "$1" >"$root/etc/hostname"
	setfattr -n user.origin -v "$1" "$root/etc/hostname" 2>/dev/null || :
	touch -d '2026-01-02 03:04:05.678901234' "$root/etc/hostname"
}

make_node() {
	make_image compute
	make_image service
	mkdir -p "$mn/install/postscripts" "$mn/var/log/xcat" "$mn/.dbbackup"
	printf '#!/bin/sh\nntpdate timeserver\n' >"$mn/install/postscripts/setntp"
	chmod 755 "$mn/install/postscripts/setntp"
	echo 'cn01: provisioned' >"$mn/var/log/xcat/cluster.log"
	{
		echo '#node,groups,status,comments,disable'
		seq -f '"cn%02g","compute,all","booted",,' 40
	} >"$mn/.dbbackup/nodelist.csv"
	cat >"$mn/.dbbackup/passwd.csv" <<-'END'
	#key,username,password,cryptmethod,authdomain,comments,disable
	"system","root","not a real one",,,,
	END
	chmod 700 "$mn/.dbbackup"
	chmod 600 "$mn/.dbbackup"/*
}

change_node() {
	root=$mn/install/netboot/demo1/x86_64/compute/rootimg
	sed -i 's/timeserver/timeserver2/' "$mn/install/postscripts/setntp"
	rm "$root/usr/lib/xcat/tool"
	mv "$root/usr/share/pkg3" "$root/usr/share/pkg3-renamed"
	echo 'cn02: provisioned' >>"$mn/var/log/xcat/cluster.log"
	sed -i '/cn40/d' "$mn/.dbbackup/nodelist.csv"
}

backup() {
	xcatvault backup --site mn1 --volume "$mn/install=/install" \
	    --volume "$mn/var/log/xcat=/var/log/xcat" \
	    --volume "$mn/.dbbackup=/.dbbackup"
	want 0
}

# -------------------------------------------------------------- damage to it

# Turns one byte of the newest pack of file contents in vault $1 over.
flip_byte() {
	pack=$(find "$1/packs" -name '*.pack' -exec ls -t {} + |
	    while read -r f; do
		zstd -dcq "$f" | tar -xOf - INDEX | grep -q '^# .* data$' &&
		    echo "$f" && break
	    done)
	at=$(($(stat -c %s "$pack") / 4))
	byte=$(od -An -tu1 -j "$at" -N 1 "$pack")
	printf '%b' "\\0$(printf %o $((byte ^ 255)))" |
	    dd of="$pack" bs=1 seek="$at" conv=notrunc status=none
	echo "    byte $at of $(basename "$pack")"
}

# ------------------------------------------------------- nodes, over ssh

mn() {
	bash "$here/tests/mn/mn.sh" "$@"
}

# on NODE COMMAND...: shows a command that is run on a node, and what it says
on() {
	node=$1
	shift
	echo "  $node# $*"
	mn shell "$T/$node" "$@" 2>&1 | sed 's/^/    /'
}

# tables NODE: all rows of its database, as SQLite has them.  xCAT itself
# leaves its logs out of a dump.
tables() {
	# shellcheck disable=SC2016
	mn shell "$T/$1" sh -c '
		cd /etc/xcat && for f in *.sqlite; do
			[ -e "$f" ] || continue
			t=${f%.sqlite}
			[ "$t" != auditlog ] && [ "$t" != eventlog ] || continue
			sqlite3 "$f" ".nullvalue <NULL>" "SELECT \"$t\", * FROM \"$t\""
		done'
}

# Sums of what a container of node a would restore when it starts.
dbbackup() {
	mn shell "$T/a" sh -c 'cd /.dbbackup && sha256sum -- *'
}

# write_config [SITE NODE]: also this one
write_config() {
	[ -d "$T/ssh" ] || {
		cp -R "$T/a/ssh" "$T/ssh"
		rm "$T/ssh/known_hosts" "$T/ssh/config"
	}
	{
		printf '%s\n' "vault = \"$T/nightly\";" \
		    "ssh_dir = \"$T/ssh\";" 'sites = {' \
		    "  mn1 = { address = \"root@127.0.0.1:$(cat "$T/port")\"; };"
		[ $# -eq 0 ] || echo "  $1 = { address =" \
		    "\"root@127.0.0.1:$(cat "$T/$2/port")\"; };"
		echo '};'
	} >"$T/xcatvault.conf"
	sed "s,$T/,,g; s/^/    /" "$T/xcatvault.conf"
	export XCATVAULT_CONFIG="$T/xcatvault.conf"
	unset XCATVAULT_VAULT
}

# trust SITE NODE: agree to its key, which is looked at on the node itself
trust() {
	fingerprint=$(mn shell "$T/$2" ssh-keygen -lf \
	    /etc/ssh/ssh_host_ed25519_key.pub | awk '{ print $2 }')
	xcatvault site trust "$1" --fingerprint "$fingerprint"
	want 0
}

start_nodes() {
	mn start "$T/a" --hostname mn1
	mn populate "$T/a" small
	cp "$T/a/port" "$T/port"
	mkdir -p "$T/b/ssh"
	cp "$T"/a/ssh/id_* "$T/b/ssh"
	mn start "$T/b" --hostname mn1
	echo "    a: $(tables a | wc -l) rows in its database," \
	    "$(find "$T/a/root/install" | wc -l) entries in /install"
	echo "    b: $(tables b | wc -l) rows," \
	    "$(find "$T/b/root/install" | wc -l) entry"
}

first_night() {
	step "One configuration; the key of the node is agreed to once"
	write_config
	trust mn1 a

	step "What there is on the node"
	most=20
	xcatvault site probe mn1
	most=12
	want 0

	step "A night: xCAT dumps its database, the dump is proved, published" \
	    "and stored"
	xcatvault init
	want 0
	xcatvault backup mn1
	want 0
	on a ls -ld /.dbbackup
	echo "    $(find "$T/a/root/.dbbackup" -name '*.csv' -perm 0600 | wc -l)" \
	    "tables in it, mode 0600"
}

second_night() {
	image=rocky9.4-x86_64-netboot-compute
	step "A day passes: a node comes, an osimage changes, and so does a" \
	    "password"
	on a chtab node=cn099 nodelist.groups=compute,all
	on a chdef -t osimage -o "$image" addkcmdline=console=ttyS1,115200
	on a chtab key=system passwd.password=not-this-one-either
	echo '# changed' >>"$T/a/root/install/postscripts/setupfoo"

	step "The second night asks for new and changed files only"
	xcatvault backup mn1
	want 0
	night=$("$program" list | awk 'END { print $1 }')

	step "What has changed in the database?"
	xcatvault diff "$("$program" list | awk 'NR == 1 { print $1 }')" \
	    "$night" --db
	want 5
	if grep -q not-this-one "$T/out"; then
		echo "demo: a password was shown" >&2
		exit 1
	fi
}

bad_night() {
	step "The node's disk fills up: xCAT dumps files of no length, is silent," \
	    "and ends with status 0"
	dbbackup >"$T/before"
	mn fault "$T/a" dump=diskfull
	on a dumpxCATdb -p /tmp/dump
	echo "    $(find "$T/a/root/tmp/dump" -size 0 | wc -l) of" \
	    "$(find "$T/a/root/tmp/dump" -type f | wc -l) files are empty"
	rm -r "$T/a/root/tmp/dump"
	xcatvault backup mn1
	want 1
	mn fault "$T/a" clear
	dbbackup | cmp -s - "$T/before" || {
		echo "demo: /.dbbackup was touched" >&2
		exit 1
	}
	echo "    /.dbbackup of the night before is untouched"
	xcatvault list
	want 0
}

new_node() {
	step "Node a is lost, and b is new: the plan first"
	tables a >"$T/tables.a"
	mn stop "$T/a"
	write_config new b
	trust new b
	most=20
	xcatvault restore "$night" --site new --dry-run
	want 0

	step "Then files and database, each proved on the node"
	xcatvault restore "$night" --site new
	want 0
	most=12
	tables b >"$T/tables.b"
	if ! diff "$T/tables.a" "$T/tables.b"; then
		echo "demo: the tables of b are not those of a" >&2
		exit 1
	fi
	echo "    sqlite3: all $(wc -l <"$T/tables.b") rows are those of a"
	mn=$T/a/root
	judge "$T/b/root" install var/log/xcat

	step "It was a drill after all: the database of b as it was before"
	xcatvault undo new
	want 0
	echo "    b: $(tables b | wc -l) rows"
}

over_ssh() {
	step "Management nodes: a, to be backed up over ssh, and b, new" \
	    "(namespaces of this host; xCAT's commands are stand-ins)"
	why=$(mn can 2>&1) || {
		echo "    left out here: ${why#mn: skipped: }"
		return 0
	}
	start_nodes
	first_night
	second_night
	bad_night
	new_node
}

# -------------------------------------------------------------------- scenes

step "A small management node: two osimages, postscripts, logs, a dump"
make_node
echo "    $(find "$mn" | wc -l) entries, $(du -sh "$mn" | cut -f1) on disk"

step "A vault is a directory; the first snapshot stores each content once"
xcatvault init
want 0
backup
echo "    $(du -sh "$T/backups" | cut -f1) in the vault"

step "A day passes: a script is edited, a hard link and a node go," \
    "a directory is renamed"
change_node

step "The second snapshot adds only what is new"
backup
xcatvault list
want 0
old=$("$program" list | awk 'NR == 1 { print $1 }')

step "What has changed between the two?"
xcatvault diff "$old" latest
want 5

step "A file as it was"
xcatvault cat "$old" /install/postscripts/setntp
want 0

step "Restore the newest, and let rsync judge"
xcatvault restore latest --to "$T/restored"
want 0
judge "$T/restored"

step "One byte of a copy of the vault is turned over: verify names the damage"
cp -a "$T/backups" "$T/copy"
flip_byte "$T/copy"
xcatvault -V "$T/copy" verify --read-data
want 5

step "Recover from the sound vault with stock tools alone: no xcatvault here"
mkdir "$T/recovered"
echo "  \$ sh backups/recover.sh latest recovered"
# shellcheck disable=SC2016
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c '
	command -v xcatvault >/dev/null && echo "(installed, but not used)"
	exec sh "$1/recover.sh" latest "$2"' sh "$T/backups" "$T/recovered" 2>&1 |
    sed "s,$T/,,g; s/^/    /"
judge "$T/recovered"

over_ssh

step "Done: $(find "$T/backups/packs" -name '*.pack' | wc -l) packs, each a" \
    ".tar.zst; nothing of this demo is left behind."

#!/bin/sh
# demo.sh: what xcatvault does, on a small management node made up here.
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
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM
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

# Shows a command as one would type it, runs it, and shows the first $most
# lines of what it says.
xcatvault() {
	printf '  $ xcatvault'
	printf ' %s' "$@" | sed "s,$T/,,g"
	printf '\n'
	status=0
	"$program" "$@" >"$T/out" 2>&1 || status=$?
	sed "s,$T/,,g; s/^/    /" "$T/out" | awk -v most="$most" '
	NR <= most
	END { if (NR > most) print "    ... and", NR - most, "lines more" }'
}

# want STATUS: what the last command must have ended with.
want() {
	[ "$status" -eq "$1" ] || {
		echo "demo: status $status, and not $1" >&2
		exit 1
	}
}

# Holds directory $1 against the node, with rsync: contents by checksum, modes,
# owners, times, hard links, ACLs and extended attributes.
judge() {
	for dir in install var/log/xcat .dbbackup; do
		rsync -aHAXn --checksum --delete -i "$mn/$dir/" "$1/$dir/"
	done >"$T/differences"
	if [ -s "$T/differences" ]; then
		head -n 5 "$T/differences"
		echo "demo: $1 differs from the node" >&2
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

step "Done: $(find "$T/backups/packs" -name '*.pack' | wc -l) packs, each a" \
    ".tar.zst; nothing of this demo is left behind."

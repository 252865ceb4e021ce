#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2153
# Volumes of a snapshot onto a management node.

load common
load ../mn/mn
load night

setup_file()
{
	shared_node
}

teardown_file()
{
	shared_stop
}

setup()
{
	night_scratch
}

teardown()
{
	night_clean
}

# fresh [OPTION...]: a node "b" that has nothing; site "new"
fresh()
{
	mn_start b --hostname mn2 "$@"
	site new b
}

# tree_of NODE VOLUME: what can be seen of it there, with digests
tree_of()
{
	on mn_sh "$1" sh -c 'cd "$1" && find . -path "./.xcatvault-old-*" -prune \
	    -o ! -type s -printf "%y %m %U %G %n %s %T@ %p -> %l\n" | sort &&
	    find . -type f -print0 | sort -z | xargs -0 -r sha256sum &&
	    find . -type d -prune -o -links +1 -printf "%i %p\n" | sort |
	    awk "{ print (\$1 == last), \$2; last = \$1 }"' sh "$2"
}

same_on()
{
	tree_of "$1" "$3" >"$T/tree.1"
	tree_of "$2" "$3" >"$T/tree.2"
	diff "$T/tree.1" "$T/tree.2" >"$T/tree.diff" || {
		echo "$3 of $1 (<) and of $2 (>) differ:"
		head -n 20 "$T/tree.diff"
		return 1
	}
}

# saved: a snapshot of the node "a"
saved()
{
	site old a
	night old
	ended 0
}

# says_not REGEX: nor did the last exits()
says_not()
{
	if grep -E -- "$1" "$T/out"; then
		return 1
	fi
}

onto()
{
	xv restore "$SNAP" --site new --without-database "$@"
}

@test "onto a fresh node: the trees are equal, and then there is nothing to do" {
	saved
	fresh
	exits 0 onto --dry-run
	says 'volume +/install: [1-9][0-9]* to create'
	equal "$(mn_sh b find /install -mindepth 1)" '' "made by a dry run"
	exits 0 onto
	equal "$(cat "$T/err")" ''
	says 'restored /install: [1-9][0-9]* created.* proved'
	same_on a b /install
	exits 0 onto
	says 'restored /install: 0 created, 0 replaced, 0 adjusted, [1-9][0-9]* kept'
	nothing_left b
}

# of NAME TREE: a snapshot of a tree of this host as the volume NAME
of()
{
	take --volume "$2=$1"
}

@test "a tree of everything there is comes onto the node" {
	nasty_source
	of /install "$SRC"
	fresh
	exits 0 onto
	same_tree "$SRC" "$(mn_path b /install)"
	judged_by_tar "$SRC" "$(mn_path b /install)"
	exits 0 onto
	says ': 0 created, 0 replaced, 0 adjusted, [1-9][0-9]* kept'
}

@test "only what differs is sent; --exact deletes, and says so" {
	plain_tree "$T/tree"
	of /install "$T/tree"
	fresh
	exits 0 onto
	local at
	at=$(mn_path b /install)
	echo other >"$at/etc/site.conf"
	touch -d 2020-01-01 "$at/etc/site.conf"
	chmod 0700 "$at/bin/tool"
	chown 12:34 "$at/etc/net.conf"
	rm "$at/bin/large"
	mkdir "$at/more" "$at/more/of"
	echo x >"$at/more/of/it"
	touch -d 2020-01-01 "$at/more/of/it"
	exits 0 onto
	says ': 1 created, 1 replaced, [0-9]+ adjusted, [0-9]+ kept, 0 deleted'
	[ -e "$at/more/of/it" ]
	exits 0 onto --exact --dry-run
	says '^delete /install/more/of/it$'
	[ -e "$at/more/of/it" ]
	exits 0 onto --exact
	says '^delete /install/more$'
	says '3 deleted'
	same_tree "$T/tree" "$at"
}

@test "newer logs of a fresh host ask for no --force" {
	mkdir -p "$T/tree"
	echo 'then' >"$T/tree/commands.log"
	of /var/log/xcat "$T/tree"
	fresh
	local at
	at=$(mn_path b /var/log/xcat)
	mkdir -p "$at"
	echo now >"$at/commands.log"
	exits 0 onto
	says 'newer     1 file of /var/log/xcat changed there'
	equal "$(cat "$at/commands.log")" 'then'
}

@test "--keep-old: what is replaced or deleted is there afterwards" {
	plain_tree "$T/tree"
	of /install "$T/tree"
	fresh
	local at old
	at=$(mn_path b /install)
	mkdir -p "$at/etc" "$at/more"
	echo precious >"$at/etc/site.conf"
	echo more >"$at/more/file"
	exits 2 onto
	complains '1 file .* would be lost, /install/etc/site.conf among them'
	equal "$(cat "$at/etc/site.conf")" precious
	exits 0 onto --keep-old --exact
	old=$at/.xcatvault-old-$SNAP
	says "kept +what was there before is in /install/.xcatvault-old-$SNAP .* rm -rf '?/install/.xcatvault-old-$SNAP'?[*]\$"
	equal "$(cat "$old/etc/site.conf")" precious
	equal "$(cat "$old/more/file")" more
	[ ! -e "$at/more" ]
	same_tree "$T/tree" "$at" --exclude='/.xcatvault-old-*' ||
	    same_on_but_old "$T/tree" "$at"
	echo precious >"$at/etc/net.conf"
	exits 0 onto --force
	says '1 replaced'
	says_not 'kept +what'
	says_not '\.xcatvault-old'
	# one directory, in which nothing is lost that a second run puts there
	echo second >"$at/etc/site.conf"
	ln -sf elsewhere "$at/etc/link"
	exits 0 onto --keep-old
	echo third >"$at/etc/site.conf"
	exits 0 onto --keep-old
	equal "$(echo "$at"/.xcatvault-old-*)" "$old"
	equal "$(cat "$old/etc/site.conf" "$old/etc/site.conf.~1~" \
	    "$old/etc/site.conf.~2~" | tr '\n' ' ')" 'precious second third '
	equal "$(readlink "$old/etc/link")" elsewhere
	exits 0 onto --keep-old
	says_not 'kept +what'
}

@test "--keep-old: a file kept where a directory is needed later wedges nothing" {
	mkdir -p "$T/tree/a/deep"
	echo new >"$T/tree/a/deep/b"
	echo new >"$T/tree/plain"
	of /install "$T/tree"
	fresh
	local at old
	at=$(mn_path b /install)
	old=$at/.xcatvault-old-$SNAP
	echo file >"$at/a"
	exits 0 onto --keep-old
	equal "$(cat "$old/a")" file
	echo first >"$at/a/deep/b"
	echo first >"$at/plain"
	exits 0 onto --keep-old
	equal "$(cat "$at/a/deep/b" "$old.~1~/a/deep/b" "$old/plain" |
	    tr '\n' ' ')" 'new first first '
	echo second >"$at/a/deep/b"
	exits 0 onto --keep-old
	equal "$(cat "$old.~1~/a/deep/b" "$old.~1~/a/deep/b.~1~" |
	    tr '\n' ' ')" 'first second '
	equal "$(cat "$old/a")" file
	# all of it goes as it is told to
	cp "$T/out" "$T/said"
	echo keep >"$at/.xcatvault-old-0123456789abcdef"
	mn_ssh b "$(sed -n 's/^kept .* on the node: //p' "$T/said")"
	equal "$(cd "$at" && echo .x* *)" \
	    ".xcatvault-old-0123456789abcdef a plain"
}

# kept NAME...: kept by the node's script, in a directory of this host
kept()
{
	(cd "$T/x" && printf './%s\0' "$@" | PATH=$T/bin:$PATH sh \
	    "$BATS_TEST_DIRNAME/../../restore/keepold.sh" .old)
}

@test "--keep-old: nothing goes behind a link that was kept; and no hard links" {
	local outside
	mkdir -p "$T/x/dir/sub" "$T/outside" "$T/bin"
	ln -s ../../outside "$T/x/a"
	kept a
	rm "$T/x/a"
	mkdir "$T/x/a"
	echo b >"$T/x/a/b"
	kept a/b
	outside=$(ls -A "$T/outside")
	equal "$outside" '' "behind a link"
	[ "$T/x/.old.~1~/a/b" -ef "$T/x/a/b" ]
	# a file system that has no second names, after one that has
	echo 1 >"$T/x/dir/one"
	echo 2 >"$T/x/dir/sub/two"
	ln -s nowhere "$T/x/link"
	printf '%s\n' '#!/bin/sh' 'for a do' \
	    '	[ "$a" != -l ] || { echo "cp: EXDEV" >&2; exit 1; }' 'done' \
	    'exec /bin/cp "$@"' >"$T/bin/cp"
	chmod +x "$T/bin/cp"
	kept dir link
	diff -r "$T/x/dir" "$T/x/.old/dir"
	[ ! "$T/x/.old/dir/one" -ef "$T/x/dir/one" ]
	equal "$(readlink "$T/x/.old/link")" nowhere
	echo 3 >"$T/x/dir/one"
	kept dir/one
	equal "$(cat "$T/x/.old/dir/one" "$T/x/.old/dir/one.~1~" |
	    tr '\n' ' ')" '1 3 '
}

@test "what a restore has kept aside is in no backup, by either way" {
	plain_tree "$T/tree"
	mkdir -p "$T/tree/.xcatvault-old-0123456789abcdef/etc"
	echo old >"$T/tree/.xcatvault-old-0123456789abcdef/etc/site.conf"
	echo mine >"$T/tree/etc/.xcatvault-older"
	of /install "$T/tree"
	xv ls -R "$SNAP" /install >"$T/local"
	grep -q xcatvault-older "$T/local"
	equal "$(grep -c 0123456789abcdef "$T/local")" 0
	mn_start b --hostname mn2 --volume /install="$T/tree"
	site tree b 'volumes = ( "/install" );'
	night tree
	[ "$STATUS" -le 1 ]
	xv ls -R "$SNAP" /install | diff "$T/local" -
}

# same_on_but_old A B: rsync's judgement, without what was kept
same_on_but_old()
{
	equal "$(rsync -aHAXn --checksum --delete -i --modify-window=-1 \
	    --exclude='/.xcatvault-old-*' "$1/" "$2/")" ''
}

@test "single files and patterns; the directories above are left alone" {
	plain_tree "$T/tree"
	of /install "$T/tree"
	fresh
	local at
	at=$(mn_path b /install)
	mkdir -p "$at/etc"
	chmod 0711 "$at/etc"
	exits 0 onto /install/etc/site.conf '/install/bin/too*'
	equal "$(cd "$at" && find . ! -type d | sort | tr '\n' ' ')" \
	    './bin/tool ./bin/tool-too ./etc/site.conf '
	equal "$(stat -c %a "$at/etc")" 711
	cmp "$at/etc/site.conf" "$T/tree/etc/site.conf"
	[ "$at/bin/tool" -ef "$at/bin/tool-too" ]
	exits 3 onto /install/no/such
}

@test "a path behind symbolic links: it and the links come, where they are missing" {
	plain_tree "$T/tree"
	ln -s etc "$T/tree/current"
	ln -s /install/current/conf.d "$T/tree/conf"
	of /install "$T/tree"
	fresh
	local at
	at=$(mn_path b /install)
	exits 0 onto /install/conf/10-zone.conf
	equal "$(cd "$at" && find . ! -type d -printf '%p>%l\n' | sort | tr '\n' ' ')" \
	    './conf>/install/current/conf.d ./current>etc ./etc/conf.d/10-zone.conf> '
	exits 0 onto /install/conf/10-zone.conf
	says ': 0 created, 0 replaced, 0 adjusted'
	# a link that the node has otherwise is put right, but no directory
	ln -sfn elsewhere "$at/current"
	exits 0 onto /install/current/site.conf
	equal "$(readlink "$at/current")" etc
	cmp "$at/etc/site.conf" "$T/tree/etc/site.conf"
	rm "$at/current"
	mkdir "$at/current"
	exits 1 onto /install/current/net.conf
	says '/install/current: not restored: a directory stands in its way'
	cmp "$at/etc/net.conf" "$T/tree/etc/net.conf"
	exits 3 onto /install/current/none
	complains '/install/current/none: not in snapshot'
}

@test "a symbolic link on the node leads nothing astray" {
	plain_tree "$T/tree"
	of /install "$T/tree"
	fresh
	local at trap
	at=$(mn_path b /install)
	trap=$(mn_path b /srv)
	mkdir "$trap/dir"
	echo safe >"$trap/file"
	ln -s /srv/dir "$at/etc"
	mkdir "$at/bin"
	ln -s /srv/file "$at/bin/tool"
	ln "$trap/file" "$at/bin/large"
	touch -d 2020-01-01 "$trap/file"
	exits 1 onto
	says '/install/etc: not restored: a file stands in the way'
	equal "$(ls "$trap/dir")" '' "behind the link"
	equal "$(cat "$trap/file")" safe
	cmp "$at/bin/tool" "$T/tree/bin/tool"
	exits 0 onto --exact
	equal "$(ls "$trap/dir")" '' "behind the link"
	same_tree "$T/tree" "$at"
}

@test "a file whose first name lies behind a link on the node: its other names come" {
	mkdir -p "$T/tree/a" "$T/tree/b"
	echo ours >"$T/tree/a/file"
	ln "$T/tree/a/file" "$T/tree/b/file"
	ln "$T/tree/a/file" "$T/tree/b/more"
	ln -s x "$T/tree/a/link"
	ln "$T/tree/a/link" "$T/tree/b/link"
	of /install "$T/tree"
	fresh
	local at other
	at=$(mn_path b /install)
	other=$at/elsewhere
	mkdir "$other"
	echo theirs >"$other/file"
	ln -s /install/elsewhere "$at/a"
	ln -s theirs "$other/link"
	exits 1 onto
	says '/install/a: not restored: a file stands in the way'
	equal "$(cat "$other/file")" theirs
	equal "$(stat -c %h "$other/file" "$other/link")" $'1\n1'
	equal "$(cat "$at/b/file")" ours
	[ "$at/b/file" -ef "$at/b/more" ]
	equal "$(readlink "$at/b/link")" x
	exits 1 onto
	says ': 0 created, 0 replaced, 0 adjusted'
}

@test "--checksum finds what has the right size and time" {
	plain_tree "$T/tree"
	of /install "$T/tree"
	fresh
	exits 0 onto
	local at
	at=$(mn_path b /install)
	flip "$at/bin/large" 1000
	touch -r "$T/tree/bin/large" "$at/bin/large"
	exits 0 onto
	says ': 0 created, 0 replaced'
	exits 0 onto --checksum
	says ': 0 created, 1 replaced'
	same_tree "$T/tree" "$at"
}

@test "--checksum looks at hard links: by any of their names, and all names follow" {
	mkdir "$T/tree"
	echo right >"$T/tree/a"
	ln "$T/tree/a" "$T/tree/b"
	of /install "$T/tree"
	fresh
	local at
	at=$(mn_path b /install)
	echo right >"$at/a"
	touch -r "$T/tree/a" "$at/a"
	echo wrong >"$at/b"
	touch -d 2020-01-01 "$at/b"
	exits 0 onto --checksum /install/b
	says ': 0 created, 1 replaced, 0 adjusted'
	equal "$(cat "$at/b")" right
	exits 0 onto --checksum
	says ': 0 created, 1 replaced' "b on a"
	flip "$at/a" 2
	touch -r "$T/tree/a" "$at/a"
	exits 0 onto --checksum
	says ': 0 created, 2 replaced, 0 adjusted'
	same_tree "$T/tree" "$at"
	[ "$at/a" -ef "$at/b" ]
}

@test "--checksum does not replace a newer file of the same size unasked" {
	mkdir "$T/tree"
	echo "then" >"$T/tree/file"
	touch -d 2020-01-01 "$T/tree/file"
	of /install "$T/tree"
	fresh
	local at
	at=$(mn_path b /install)
	sleep 0.01
	echo mine >"$at/file"
	exits 2 onto --checksum
	complains '1 file .* would be lost, /install/file among them'
	equal "$(cat "$at/file")" mine
	exits 0 onto --checksum --force --dry-run --json
	equal "$(jq -c '.volumes[0] | [.replaced, .newer_files, .newer_bytes]' \
	    "$T/out")" '[1,1,5]'
	exits 0 onto --checksum --force
	says ': 0 created, 1 replaced'
	# the right contents: there is nothing to be lost
	touch "$at/file"
	exits 0 onto --checksum
	says ': 0 created, 0 replaced, 1 adjusted'
}

# marked DIR: a tree with attributes of every kind that this host knows
marked()
{
	need setfattr getfattr setfacl
	plain_tree "$1"
	mkdir "$1/acl"
	echo x >"$1/acl/file"
	setfattr -n user.note -v one "$1/etc/net.conf" ||
	    skip "no attributes here"
	setfattr -n user.empty "$1/etc/net.conf"
	setfattr -n trusted.mark -v 0x00ff0a "$1/bin/large"
	setfattr -n user.of -v dir "$1/etc"
	setfattr -n security.capability \
	    -v 0x0100000202040000000000000000000000000000 "$1/bin/tool"
	setfacl -m u:12:rw "$1/acl/file"
	setfacl -d -m g:34:rx "$1/acl"
}

@test "attributes and ACLs of what is there already: noticed, set, and proved" {
	local at
	marked "$T/tree"
	of /install "$T/tree"
	fresh
	at=$(mn_path b /install)
	exits 0 onto
	same_tree "$T/tree" "$at"
	exits 0 onto
	says ': 0 created, 0 replaced, 0 adjusted'
	setfattr -n user.note -v other "$at/etc/net.conf"
	setfattr -x trusted.mark "$at/bin/large"
	setfattr -n user.more -v x "$at/etc"
	setfattr -x security.capability "$at/bin/tool"
	setfacl -m u:13:r "$at/acl/file"
	setfacl -k "$at/acl"
	chown 7:8 "$at/etc/net.conf"
	exits 0 onto --dry-run
	says ': 0 to create, 0 to replace, [67] to adjust'
	exits 0 onto
	says ': 0 created, 0 replaced, [67] adjusted'
	equal "$(cat "$T/err")" ''
	same_tree "$T/tree" "$at"
	# what has none in the snapshot is looked at when all is to be the same
	setfattr -n user.more -v x "$at/etc/site.conf"
	setfacl -d -m g:34:rx "$at/empty"
	exits 0 onto
	says ': 0 created, 0 replaced, 0 adjusted'
	exits 0 onto --exact
	says ': 0 created, 0 replaced, 2 adjusted'
	same_tree "$T/tree" "$at"
	# with --checksum a file whose contents are right is not sent for its time
	touch -d 2020-01-01 "$at/bin/large"
	exits 0 onto --checksum
	says ': 0 created, 0 replaced, 1 adjusted'
	same_tree "$T/tree" "$at"
	nothing_left b
}

@test "what comes into a directory with a default ACL does not inherit it" {
	local at
	need setfacl getfacl
	plain_tree "$T/tree"
	of /install "$T/tree"
	fresh
	at=$(mn_path b /install)
	exits 0 onto
	same_tree "$T/tree" "$at"
	setfacl -d -m u:77:rwx "$at/etc" || skip "no ACLs here"
	rm -r "$at/etc/conf.d" "$at/etc/net.conf"
	exits 0 onto
	equal "$(cd "$at" && getfacl -R -p . | grep -c 77)" 0 inherited
	exits 0 onto --exact
	same_tree "$T/tree" "$at"
}

@test "attributes that cannot be set are told of; and so is a node without perl" {
	local at
	marked "$T/tree"
	of /install "$T/tree"
	fresh
	at=$(mn_path b /install)
	exits 0 onto
	mn_fault b perl=missing
	exits 1 onto
	says '/install: not compared: extended attributes.*no perl'
	says ': 0 created, 0 replaced, 0 adjusted'
	mn_fault b clear
	need chattr lsattr
	setfattr -x user.note "$at/etc/net.conf"
	chattr +i "$at/etc/net.conf" || skip "no immutable files here"
	exits '1|5' onto || {
		chattr -i "$at/etc/net.conf"
		return 1
	}
	chattr -i "$at/etc/net.conf"
	says '/install/etc/net.conf: not all restored: attribute user.note cannot be set: Operation not permitted'
}

@test "a damaged pack: the rest comes, the loss is told, and what was there stays" {
	local i at
	rm -rf "$V"
	new_vault small
	mkdir "$T/tree"
	for i in 1 2 3 4 5 6 7 8; do
		noise $i 700000 >"$T/tree/file$i"
	done
	noise 9 3000000 >"$T/tree/big"
	of /install "$T/tree"
	for pack in $(packs_of data | head -n 2); do
		flip "$pack" 2000
		flip "$pack" 300000
	done
	fresh
	at=$(mn_path b /install)
	exits 5 onto
	says '/install/.*: damaged: '
	for i in "$at"/*; do
		cmp "$i" "$T/tree/${i##*/}"
	done
	[ "$(find "$at" -type f | wc -l)" -lt 9 ]
	[ "$(find "$at" -type f | wc -l)" -gt 0 ]
	cp -p "$T/tree"/* "$at"
	for i in "$at"/*; do
		echo x >>"$i"
		touch -d 2020-01-01 "$i"
	done
	exits 5 onto
	equal "$(find "$at" -type f | wc -l)" 9 "files"
}

@test "no tar, no sha256sum on the node: one clear line" {
	plain_tree "$T/tree"
	of /install "$T/tree"
	fresh
	mn_fault b tar=missing
	exits 2 onto
	complains 'tar'
	mn_fault b clear
	mn_fault b sha256sum=missing
	exits 2 onto
	complains 'sha256sum'
	equal "$(find "$(mn_path b /install)" -mindepth 1)" ''
}

@test "connections cut at many points: it is completed all the same" {
	local i
	mkdir "$T/tree"
	for i in 1 2 3 4 5 6 7 8 9; do
		mkdir "$T/tree/d$i"
		noise $i 400000 >"$T/tree/d$i/large"
		(cd "$T/tree/d$i" && seq -f 'f%g' 200 | xargs touch && seq 200 |
		    while read -r n; do echo "$i $n" >"f$n"; done)
	done
	of /install "$T/tree"
	fresh
	local at
	at=$(mn_path b /install)
	for i in 1 2 3 4 5; do
		find "$at" -mindepth 1 -delete
		(
			sleep "0.$((RANDOM % 9))"
			mn_cut b
			sleep "0.$((RANDOM % 9))"
			mn_cut b
		) &
		exits '0|2' onto
		wait
		exits 0 onto
		same_tree "$T/tree" "$at"
	done
}

small_disk()
{
	fresh --small /install=3m
	exits 2 onto
	complains 'not enough space for /install'
}

@test "a disk that is full: refused before, one clear line behind, then completed" {
	local i
	mkdir "$T/tree"
	for i in 1 2 3 4 5 6 7 8; do
		noise $i 600000 >"$T/tree/f$i"
	done
	of /install "$T/tree"
	small_disk
	mn_stop b
	rm -rf "$T/mn/b"
	: >"$T/ssh/known_hosts"
	SITES=
	fresh --small /install=7m
	# what is open stays on the disk
	mn_sh b sh -c 'head -c 4000000 /dev/zero >/install/f8
	    touch -d 2020-01-01 /install/f8; exec 3</install/f8; exec sleep 60' \
	    >/dev/null 2>&1 3>&- 4>&- &
	until [ "$(mn_sh b stat -c %s:%Y /install/f8 || :)" = 4000000:1577836800 ]; do
		sleep 0.05
	done
	exits 2 onto
	complains 'the disk is full'
	mn_sh b pkill sleep
	exits 0 onto --force
	same_files "$T/tree" b /install
}

# same_files TREE NODE VOLUME: where only the node sees it
same_files()
{
	local look='cd "$1" && find . -type d -printf "d %m %T@ %p\n" -o \
	    -printf "%y %m %s %T@ %p\n" | sort &&
	    sha256sum ./*'

	sh -c "$look" sh "$1" >"$T/a"
	mn_sh "$2" sh -c "$look" sh "$3" >"$T/b"
	diff "$T/a" "$T/b"
}

@test "many files are proved in several sessions, and a wrong one is told of" {
	mkdir "$T/tree"
	perl -e 'chdir shift or die;
		for my $i (1 .. 2600) {
			my $dir = "d" . $i % 26;
			mkdir $dir;
			open(my $f, ">", "$dir/f$i") or die;
			print $f "$i\n" x ($i % 9 + 1);
		}' "$T/tree"
	of /install "$T/tree"
	fresh
	mn_fault b 'digest=wrong:/f(26|1025|2600)'
	exits 5 onto --json
	equal "$(jq '.result.volumes[0].proved' "$T/out")" 2597
	equal "$(grep -c 'are not those that were sent' "$T/err")" 3
	mn_fault b clear
	exits 0 onto --json
	same_tree "$T/tree" "$(mn_path b /install)"
}

@test "the plan as JSON; options that do not go together" {
	plain_tree "$T/tree"
	of /install "$T/tree"
	fresh
	exits 0 onto --dry-run --json
	equal "$(jq -r '.volumes[0].path, .volumes[0].replaced, .dry_run' \
	    "$T/out" | tr '\n' ' ')" '/install 0 true '
	[ "$(jq -r '.volumes[0].created' "$T/out")" -gt 8 ]
	exits 0 onto --json
	[ "$(jq -r '.result.volumes[0].proved' "$T/out")" -gt 4 ]
	exits 3 xv restore "$SNAP" --to "$T/x" --site new
	exits 3 xv restore "$SNAP" --to "$T/x" --keep-old
	exits 3 xv restore "$SNAP" --site nowhere
}

@test "all of a node onto a fresh one: files, database, and nothing is left behind" {
	saved
	fresh
	exits '0|1' xv restore "$SNAP" --site new --dry-run
	says 'nodelist|rows'
	[ ! -e "$(mn_path b /install)/postscripts" ]
	exits '0|1' xv restore "$SNAP" --site new --force
	same_on a b /install
	says 'restored /install'
	[ "$(database b nodelist | wc -l)" -gt 20 ]
	equal "$(database a)" "$(database b)"
	nothing_left b
}

@test "a live node with other nodes is refused, and nothing is changed" {
	saved
	fresh
	mn_populate b 30
	local before
	before=$(mn_xcat b 'tabdump nodelist' | sort)
	tree_of b /install >"$T/before"
	exits 2 xv restore "$SNAP" --site new --keep-old
	complains 'the database there is in use'
	equal "$(mn_xcat b 'tabdump nodelist' | sort)" "$before"
	tree_of b /install | cmp - "$T/before"
}

@test "--table restores these tables and no files" {
	saved
	fresh
	exits '0|1' xv restore "$SNAP" --site new --table nodelist,hosts --force
	[ "$(database b hosts | wc -l)" -gt 20 ]
	equal "$(database a hosts)" "$(database b hosts)"
	equal "$(database b osimage)" ''
	[ ! -e "$(mn_path b /install)/postscripts" ]
	exits 3 xv restore "$SNAP" --site new --table 'no such'
	exits 3 xv restore "$SNAP" /install --site new --on-start
}

@test "a volume that this host sees is restored through this host" {
	plain_tree "$T/tree"
	of /install "$T/tree"
	mn_start b --hostname mn2 --volume /install="$T/seen"
	mkdir -p "$T/seen"
	site new b 'volumes = ( { path = "/install"; local = "'"$T/seen"'"; } );'
	exits 0 onto --dry-run
	says 'volume +/install in .*/seen: [1-9][0-9]* to create'
	equal "$(ls "$T/seen")" ''
	exits 0 onto
	same_tree "$T/tree" "$T/seen"
}

@test "cut by the byte, on the first connections: completed in the same run" {
	local i
	mkdir "$T/tree"
	for i in $(seq 400); do
		noise "$i" 3000 >"$T/tree/f$i"
	done
	noise 1 2000000 >"$T/tree/large"
	of /install "$T/tree"
	mn_start b --hostname mn2
	# the bytes that come from the node: little but the listing
	mn_proxy b "$((RANDOM % 3000 + 6000)),$((RANDOM % 2000 + 3500)),-,4000"
	sed -n '$p' "$MN_DIR/ssh/known_hosts" >>"$T/ssh/known_hosts"
	site new b
	sed -i "s/127.0.0.1:$(cat "$MN_DIR/port")/127.0.0.1:$MN_PORT/" \
	    "$XCATVAULT_CONFIG"
	for i in 1 2 3 4 5 6; do
		exits '0|2' onto
		[ "$(wc -l <"$T/err")" -le 1 ]
	done
	exits 0 onto
	same_tree "$T/tree" "$(mn_path b /install)"
}

@test "--image: all that the osimage's definition names, and nothing else" {
	saved
	fresh
	local image rootimg
	image=$(database a linuximage | grep netboot | head -n 1 | cut -d'|' -f2)
	rootimg=$(on mn_sh a sqlite3 /etc/xcat/linuximage.sqlite \
	    "select rootimgdir from linuximage where imagename='$image'")
	exits '0|1' xv restore "$SNAP" --site new --image "$image"
	[ -e "$(mn_path b "$rootimg")/kernel" ]
	same_on a b "$rootimg"
	[ "$(on mn_sh a sh -c 'find /install -type f | wc -l')" -gt \
	    "$(mn_sh b sh -c 'find /install -type f | wc -l')" ]
	exits 3 xv restore "$SNAP" --site new --image none
	complains 'none: no such osimage'
}

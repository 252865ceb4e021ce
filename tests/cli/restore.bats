#!/usr/bin/env bats
# restore: into nothing, into something, in part, again, and never elsewhere

load common

# One vault for all tests here, which they only read: $F/vault, its source
# $F/src, stored as /vol, and another volume /other.
setup_file()
{
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	scratch
	new_vault
	plain_tree "$T/src"
	mkdir -p "$T/src/sub/deep" "$T/src/*lit" "$T/other"
	for n in 1 2 3 4 5 6 7 8; do
		noise "6$n" $((n * 3000)) >"$T/src/sub/file$n"
		noise "7$n" $((n * 3000)) >"$T/src/sub/deep/file$n"
	done
	echo literal >"$T/src/*lit/x"
	chmod 0750 "$T/src/sub"
	touch -d '2023-04-05 06:07:08.123456789' "$T/src/sub" "$T/src/sub/deep"
	echo other >"$T/other/file"
	exits 0 xv backup --site s --volume "$T/src=/vol" \
	    --volume "$T/other=/other"
}

setup()
{
	scratch
	F=$BATS_FILE_TMPDIR
	SRC=$F/src
	export XCATVAULT_VAULT=$F/vault XCATVAULT_CACHE=$F/cache
}

teardown() { clean; }

@test "restore into a directory that is not there, or is empty" {
	exits 0 xv restore latest --to "$T/new"
	same_tree "$SRC" "$T/new/vol"
	same_tree "$F/other" "$T/new/other"
	mkdir "$T/empty"
	exits 0 xv restore latest --to "$T/empty"
	same_tree "$SRC" "$T/empty/vol"
	# relative, and with slashes at the end
	exits 0 xv restore latest --to relative//
	same_tree "$SRC" "$T/relative/vol"
}

@test "restore says one line of what it did" {
	exits 0 xv restore latest --to "$T/to"
	equal "$(wc -l <"$T/out")" 1
	[ ! -s "$T/err" ]
}

@test "restore without --to, or to a file: refused" {
	exits 3 xv restore latest
	complains 'to'
	echo mine >"$T/file"
	exits '2|3' xv restore latest --to "$T/file"
	complains 'file'
	equal "$(cat "$T/file")" mine
}

@test "restore of one volume, one directory, one file" {
	exits 0 xv restore latest /other --to "$T/a"
	equal "$(ls "$T/a")" other
	exits 0 xv restore latest /vol/sub --to "$T/b"
	same_tree "$SRC/sub" "$T/b/vol/sub"
	equal "$(ls "$T/b/vol")" sub
	exits 0 xv restore latest /vol/etc/site.conf --to "$T/c"
	equal "$(cd "$T/c" && find . -type f)" ./vol/etc/site.conf
	cmp "$T/c/vol/etc/site.conf" "$SRC/etc/site.conf"
	equal "$(stat -c '%a %y' "$T/c/vol/etc/site.conf")" \
	    "$(stat -c '%a %y' "$SRC/etc/site.conf")"
	# several, one inside another, one twice
	exits 0 xv restore latest /vol/bin /vol/sub/deep /vol/sub /vol/bin/tool \
	    --to "$T/d"
	same_tree "$SRC/sub" "$T/d/vol/sub"
	same_tree "$SRC/bin" "$T/d/vol/bin"
	[ ! -e "$T/d/vol/etc" ]
	[ ! -e "$T/d/other" ]
}

@test "restore of a part gives the directories above it their modes" {
	exits 0 xv restore latest /vol/sub/deep/file1 --to "$T/to"
	equal "$(stat -c %a "$T/to/vol/sub")" 750
}

@test "restore of one name of a hard-linked file" {
	exits 0 xv restore latest /vol/bin/tool-too --to "$T/to"
	cmp "$SRC/bin/tool" "$T/to/vol/bin/tool-too"
	equal "$(find "$T/to" -type f | wc -l)" 1
}

@test "restore by globs" {
	exits 0 xv restore latest '/vol/sub/file[123]' --to "$T/a"
	equal "$(cd "$T/a/vol/sub" && echo ./*)" "./file1 ./file2 ./file3"
	cmp "$T/a/vol/sub/file2" "$SRC/sub/file2"
	exits 0 xv restore latest '/vol/s*/deep' --to "$T/b"
	same_tree "$SRC/sub/deep" "$T/b/vol/sub/deep"
	exits 0 xv restore latest '/vol/etc/*.conf' '/oth*' --to "$T/c"
	equal "$(cd "$T/c" && find . -type f | sort | xargs)" \
	    "./other/file ./vol/etc/net.conf ./vol/etc/site.conf"
	# a name that looks like a glob can be asked for
	exits 0 xv restore latest '/vol/\*lit' --to "$T/d"
	equal "$(cat "$T/d/vol/*lit/x")" literal
}

@test "restore of what the snapshot lacks: one line, nothing done" {
	local path

	for path in /none /vol/none '/vol/none*' /vol/etc/site.conf/x /volume; do
		exits '2|3' xv restore latest "$path" --to "$T/to"
		complains 'no|match'
	done
	exits '2|3' xv restore latest /vol/etc /vol/none --to "$T/to"
	complains 'none'
	equal "$(find "$T/to" -type f 2>/dev/null)" ""
}

@test "restore --dry-run prints the plan and does nothing" {
	exits 0 xv restore latest --dry-run --to "$T/to"
	[ ! -e "$T/to" ]
	says '/vol/etc/site\.conf|/vol'
	mkdir -p "$T/to/vol/etc"
	echo stays >"$T/to/vol/etc/site.conf"
	echo extra >"$T/to/vol/extra"
	tree_facts "$T/to" >"$T/before"
	exits 0 xv restore latest --dry-run --exact --to "$T/to"
	tree_facts "$T/to" | diff "$T/before" -
	equal "$(cat "$T/to/vol/etc/site.conf")" stays
	says 'extra'
}

@test "restore leaves alone what is there already and right" {
	exits 0 xv restore latest --to "$T/to"
	(cd "$T/to" && find . -printf '%p %i %C@\n' | sort) >"$T/before"
	exits 0 xv restore latest --to "$T/to"
	(cd "$T/to" && find . -printf '%p %i %C@\n' | sort) | diff "$T/before" -
}

@test "restore again does only what is left" {
	exits 0 xv restore latest --to "$T/to"
	rm -r "$T/to/vol/sub/deep" "$T/to/vol/bin/tool" "$T/to/vol/etc/link"
	rm "$T/to"/vol/sub/file[1357]
	truncate -s 1000 "$T/to/vol/sub/file8"
	(cd "$T/to" && find . -name 'file[246]' -printf '%p %i %C@\n') |
	    sort >"$T/before"
	[ -s "$T/before" ]
	exits 0 xv restore latest --to "$T/to"
	same_tree "$SRC" "$T/to/vol"
	(cd "$T/to" && find ./vol/sub -maxdepth 1 -name 'file[246]' \
	    -printf '%p %i %C@\n') | sort | diff "$T/before" -
}

@test "restore puts changed files, modes, owners, links and types right" {
	exits 0 xv restore latest --to "$T/to"
	(
		cd "$T/to/vol" || exit
		echo "other content" >etc/net.conf
		chmod 0600 etc/site.conf
		[ "$(id -u)" -ne 0 ] || chown 7:8 bin/large
		touch sub/file1
		ln -sfn elsewhere etc/link
		rm bin/tool-too
		cp -p bin/tool bin/tool-too
		rm sub/file2
		mkdir -p sub/file2/full/of
		echo things >sub/file2/full/of/it
		rm -r sub/deep
		echo file >sub/deep
		rm sub/file3
		ln -s file4 sub/file3
		rm sub/file5
		mkfifo sub/file5
		chmod 0777 sub
		setfattr -n user.extra -v 1 sub/file6 || :
	)
	exits 0 xv restore latest --exact --to "$T/to"
	same_tree "$SRC" "$T/to/vol"
}

@test "restore without --exact does not delete a full directory in the way of a file" {
	mkdir -p "$T/to/vol/etc/site.conf"
	echo mine >"$T/to/vol/etc/site.conf/mine"
	exits '1|2|5' xv restore latest --to "$T/to"
	grep -q 'etc/site\.conf' "$T/err"
	equal "$(cat "$T/to/vol/etc/site.conf/mine")" mine
	cmp "$SRC/etc/net.conf" "$T/to/vol/etc/net.conf"
}

@test "restore --checksum finds content changed behind size and time" {
	exits 0 xv restore latest --to "$T/to"
	flip "$T/to/vol/sub/file4" 100
	touch -r "$SRC/sub/file4" "$T/to/vol/sub/file4"
	exits 0 xv restore latest --checksum --to "$T/to"
	same_tree "$SRC" "$T/to/vol"
}

@test "restore leaves what the snapshot lacks; --exact deletes it and says so" {
	exits 0 xv restore latest --to "$T/to"
	mkdir -p "$T/to/vol/extra/deep" "$T/to/unrelated"
	echo x >"$T/to/vol/extra/deep/file"
	echo x >"$T/to/vol/etc/extra.conf"
	echo x >"$T/to/unrelated/file"
	exits 0 xv restore latest --to "$T/to"
	[ -e "$T/to/vol/extra/deep/file" ] && [ -e "$T/to/vol/etc/extra.conf" ]
	exits 0 xv restore latest /vol --exact --to "$T/to"
	says 'etc/extra\.conf'
	says 'extra'
	same_tree "$SRC" "$T/to/vol"
	equal "$(cat "$T/to/unrelated/file")" x
}

@test "restore --exact deletes only below the paths named" {
	exits 0 xv restore latest --to "$T/to"
	echo x >"$T/to/vol/sub/extra"
	echo x >"$T/to/vol/etc/extra"
	echo x >"$T/to/vol/extra"
	echo x >"$T/to/other/extra"
	exits 0 xv restore latest /vol/sub --exact --to "$T/to"
	[ ! -e "$T/to/vol/sub/extra" ]
	[ -e "$T/to/vol/etc/extra" ] && [ -e "$T/to/vol/extra" ]
	[ -e "$T/to/other/extra" ]
	# a file named: its neighbours stay
	exits 0 xv restore latest /vol/etc/site.conf --exact --to "$T/to"
	[ -e "$T/to/vol/etc/extra" ]
	# all volumes: what lies beside them stays
	mkdir "$T/to/beside"
	exits 0 xv restore latest --exact --to "$T/to"
	[ ! -e "$T/to/vol/extra" ] && [ ! -e "$T/to/other/extra" ]
	[ -d "$T/to/beside" ]
}

@test "restore: the target itself may be a symbolic link" {
	mkdir "$T/real"
	ln -s real "$T/to"
	exits 0 xv restore latest --to "$T/to"
	same_tree "$SRC" "$T/real/vol"
}

# unharmed DIR: nothing in it has changed since outside() made it
outside()
{
	mkdir -p "$1/deep"
	echo precious >"$1/file1"
	echo precious >"$1/site.conf"
	echo precious >"$1/extra"
	echo precious >"$1/deep/file1"
	chmod 0711 "$1"
	tree_facts "$1" >"$T/outside.facts"
	stat -c '%i %z' "$1" "$1"/* >"$T/outside.stat"
}

unharmed()
{
	tree_facts "$1" | diff "$T/outside.facts" - &&
	    stat -c '%i %z' "$1" "$1"/* | diff "$T/outside.stat" - &&
	    equal "$(cat "$1/file1" "$1/site.conf" "$1/extra" "$1/deep/file1" |
		sort -u)" precious
}

# planted OPTION...: after a restore over planted links; with status 0 the tree
# must be right as well
planted()
{
	local got=0

	xv restore latest "$@" --to "$T/to" >"$T/out" 2>"$T/err" || got=$?
	unharmed "$T/outside"
	case $got in
	0) same_tree "$SRC" "$T/to/vol" ;;
	1 | 2 | 5) grep -q '^xcatvault: ' "$T/err" ;;
	*) return 1 ;;
	esac
}

@test "restore never follows a symbolic link planted in the target" {
	local opt

	outside "$T/outside"
	for opt in '' --exact --checksum; do
		for place in vol vol/sub vol/sub/deep vol/etc; do
			rm -rf "$T/to"
			mkdir -p "$(dirname "$T/to/$place")"
			ln -s "$T/outside" "$T/to/$place"
			planted ${opt:+"$opt"}
		done
		# relative, and by way of another link
		rm -rf "$T/to"
		mkdir -p "$T/to/vol"
		ln -s ../hop "$T/to/vol/sub"
		ln -s ../outside "$T/to/hop"
		planted ${opt:+"$opt"}
		# in place of a file; dangling
		rm -rf "$T/to"
		mkdir -p "$T/to/vol/etc" "$T/to/vol/sub"
		ln -s "$T/outside/site.conf" "$T/to/vol/etc/site.conf"
		ln -s "$T/outside/not-there" "$T/to/vol/etc/net.conf"
		ln -s "$T/outside/file1" "$T/to/vol/sub/file1"
		planted ${opt:+"$opt"}
		[ ! -e "$T/outside/not-there" ]
	done
}

@test "restore of a part never follows a planted link above it" {
	outside "$T/outside"
	mkdir -p "$T/to/vol"
	ln -s "$T/outside" "$T/to/vol/sub"
	local got=0

	xv restore latest /vol/sub/deep/file1 --to "$T/to" 2>"$T/err" || got=$?
	unharmed "$T/outside"
	[ $got -ne 0 ] || cmp "$SRC/sub/deep/file1" "$T/to/vol/sub/deep/file1"
	rm -rf "$T/to"
	mkdir -p "$T/to"
	ln -s "$T/outside" "$T/to/vol"
	got=0
	xv restore latest '/vol/sub/*' --to "$T/to" 2>"$T/err" || got=$?
	unharmed "$T/outside"
}

@test "restore --exact deletes a planted link, not what it leads to" {
	outside "$T/outside"
	exits 0 xv restore latest --to "$T/to"
	ln -s "$T/outside" "$T/to/vol/sub/extra-link"
	ln -s "$T/outside/file1" "$T/to/vol/extra-file-link"
	exits 0 xv restore latest --exact --to "$T/to"
	unharmed "$T/outside"
	same_tree "$SRC" "$T/to/vol"
}

@test "restore does not write through a hard link to a file elsewhere" {
	outside "$T/outside"
	mkdir -p "$T/to/vol/etc"
	ln "$T/outside/site.conf" "$T/to/vol/etc/site.conf"
	exits 0 xv restore latest --to "$T/to"
	same_tree "$SRC" "$T/to/vol"
	equal "$(cat "$T/outside/site.conf")" precious
}

@test "a link swapped in while the restore runs is not followed" {
	need_strace
	outside "$T/outside"
	held_start write,pwrite64,pwritev,ftruncate \
	    "$XCATVAULT" restore latest --to "$T/to"
	held_next "$T/to/"
	mv "$T/to/vol" "$T/to/moved"
	ln -s "$T/outside" "$T/to/vol"
	held_end
	unharmed "$T/outside"
}

@test "a killed restore is completed by the next" {
	need_strace
	held_start write,pwrite64,pwritev:when=6+ \
	    "$XCATVAULT" restore latest --to "$T/to"
	held_next "$T/to/"
	held_kill
	exits 0 xv restore latest --to "$T/to"
	same_tree "$SRC" "$T/to/vol"
	same_tree "$F/other" "$T/to/other"
}

@test "restore onto too small a file system: status 2 before anything is written" {
	private_mounts too_small_a_target
}
too_small_a_target()
{
	small_fs "$T/small" 200k
	exits 2 xv restore latest --to "$T/small"
	complains 'space'
	equal "$(find "$T/small" -type f)" ""
	exits 0 xv restore latest /other --to "$T/small"
	# what is there already needs no room
	exits 0 xv restore latest /other --to "$T/small"
}

@test "restore into a target without permission: status 2 or 1, and says where" {
	open_dir
	mkdir "$OPEN_DIR/closed"
	[ "$(id -u)" -ne 0 ] || chown 0:0 "$OPEN_DIR/closed"
	chmod 0555 "$OPEN_DIR/closed"
	plain_tree "$OPEN_DIR/src"
	[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$OPEN_DIR/src"
	exits 0 unprivileged "$OPEN_DIR/xcatvault" init
	exits 0 unprivileged "$OPEN_DIR/xcatvault" backup --site s \
	    --volume "$OPEN_DIR/src=/v"
	exits '1|2' unprivileged "$OPEN_DIR/xcatvault" restore latest \
	    --to "$OPEN_DIR/closed"
	grep -qi 'permission denied' "$T/err"
	exits '1|2' unprivileged "$OPEN_DIR/xcatvault" restore latest \
	    --to "$OPEN_DIR/closed/new"
	grep -qi 'permission denied' "$T/err"
}

@test "restore takes a sparse file's place in full: holes and all" {
	export XCATVAULT_VAULT=$T/vault XCATVAULT_CACHE=$T/cache
	mkdir "$T/sparse"
	truncate -s 1M "$T/sparse/f"
	printf x | dd of="$T/sparse/f" bs=1 seek=500000 conv=notrunc status=none
	exits 0 xv init
	exits 0 xv backup --site s --volume "$T/sparse=/v"
	mkdir -p "$T/to/v"
	noise 1 2000000 >"$T/to/v/f"
	exits 0 xv restore latest --to "$T/to"
	same_tree "$T/sparse" "$T/to/v"
}

@test "restore links to nothing behind a planted link" {
	local tree=$T/hard at=$T/to/hard

	mkdir -p "$tree/a" "$tree/b" "$T/elsewhere"
	echo ours >"$tree/a/file"
	ln "$tree/a/file" "$tree/b/file"
	echo theirs >"$T/elsewhere/file"
	take --volume "$tree=/hard"
	mkdir -p "$at"
	ln -s "$T/elsewhere" "$at/a"
	exits 1 xv restore "$SNAP" --to "$T/to"
	grep -q '/hard/b/file: not restored: hard link to /hard/a/file: ' \
	    "$T/err"
	[ ! -e "$at/b/file" ]
	equal "$(stat -c %h "$T/elsewhere/file")" 1
	equal "$(cat "$T/elsewhere/file")" theirs
}

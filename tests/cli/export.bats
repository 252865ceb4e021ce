#!/usr/bin/env bats
# export: a volume as a standard archive, judged by the tools it is for

load common
setup() { scratch; }
teardown() { clean; }

untar()
{
	mkdir "$2"
	tar -C "$2" --zstd --xattrs --xattrs-include='*' --acls --numeric-owner \
	    -xpf "$1" 2>"$T/tar.err" || {
		cat "$T/tar.err"
		return 1
	}
	# times far from now are worth a warning to tar, and nothing else is
	not grep -v 'time stamp' "$T/tar.err"
}

@test "export of the fidelity tree, extracted by GNU tar, is the tree" {
	new_vault
	nasty_source
	take --volume "$SRC=/nasty"
	exits 0 xv export latest /nasty -o "$T/nasty.tar.zst"
	zstd -tq "$T/nasty.tar.zst"
	tar --zstd -tf "$T/nasty.tar.zst" 2>/dev/null | grep -av '^\./' |
	    not grep -a .
	untar "$T/nasty.tar.zst" "$T/untarred"
	same_tree "$SRC" "$T/untarred"
	# and GNU tar finds in the source what the archive says
	local said
	said=$(zstd -dcq "$T/nasty.tar.zst" | tar -C "$SRC" --compare -f - 2>&1)
	equal "$said" ""
}

@test "export writes to stdout without -o, and the same" {
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src=/v"
	exits 0 xv export latest /v
	[ ! -s "$T/err" ]
	cp "$T/out" "$T/stdout.tar.zst"
	exits 0 xv export latest /v -o "$T/file.tar.zst"
	zstd -dcq "$T/stdout.tar.zst" >"$T/stdout.tar"
	zstd -dcq "$T/file.tar.zst" | cmp - "$T/stdout.tar"
	equal "$(tar -tf "$T/stdout.tar" | sed -n 1p)" ./
}

@test "export, extracted by bsdtar" {
	need bsdtar
	new_vault
	plain_tree "$T/src"
	echo u >"$T/src/"$'caf\303\251'
	truncate -s 4M "$T/src/hole"
	noise 5 100000 | dd of="$T/src/hole" bs=64K seek=20 conv=notrunc status=none
	mkfifo "$T/src/fifo"
	touch -d '2399-12-31 23:59:59.987654321' "$T/src/etc"
	setfattr -n user.a -v 1 "$T/src/bin/tool" || :
	setfacl -m u:1234:r "$T/src/bin/large" || :
	mkdir "$T/src/$(printf '%0200d' 1)"
	mkdir "$T/src/$(printf '%0200d' 1)/$(printf '%0200d' 2)"
	echo long >"$T/src/$(printf '%0200d' 1)/$(printf '%0200d' 2)/file"
	take --volume "$T/src=/v"
	exits 0 xv export latest /v -o "$T/v.tar.zst"
	mkdir "$T/untarred"
	LC_ALL=C.UTF-8 bsdtar -C "$T/untarred" -xpf "$T/v.tar.zst"
	# bsdtar leaves the time of the directory it works in as it is
	touch -r "$T/src" "$T/untarred"
	same_tree "$T/src" "$T/untarred"
}

@test "export of a part: members relative to it; a link's first name is outside" {
	new_vault
	plain_tree "$T/src"
	mkdir "$T/src/zz"
	ln "$T/src/bin/large" "$T/src/zz/large-too"
	ln "$T/src/bin/large" "$T/src/zz/large-three"
	take --volume "$T/src=/v"
	exits 0 xv export latest /v/etc -o "$T/etc.tar.zst"
	untar "$T/etc.tar.zst" "$T/etc"
	same_tree "$T/src/etc" "$T/etc"
	exits 0 xv export latest /v/zz -o "$T/zz.tar.zst"
	untar "$T/zz.tar.zst" "$T/zz"
	cmp "$T/src/bin/large" "$T/zz/large-too"
	equal "$(stat -c '%h' "$T/zz/large-three")" 2
	exits 0 xv export latest /v/etc/site.conf -o "$T/one.tar.zst"
	untar "$T/one.tar.zst" "$T/one"
	equal "$(find "$T/one" -type f | wc -l)" 1
	cmp "$(find "$T/one" -type f)" "$T/src/etc/site.conf"
}

@test "export holds sparse files sparsely" {
	new_vault
	mkdir "$T/src"
	truncate -s 1G "$T/src/wide"
	echo data | dd of="$T/src/wide" bs=1M seek=700 conv=notrunc status=none
	take --volume "$T/src=/v"
	exits 0 xv export latest /v -o "$T/v.tar.zst"
	# not a gigabyte of zeros for the reader of the archive
	[ "$(zstd -dcq "$T/v.tar.zst" | head -c 10000000 | wc -c)" -lt 1000000 ]
	untar "$T/v.tar.zst" "$T/untarred"
	same_facts "$T/src" "$T/untarred"
	[ "$(du -sk "$T/untarred" | cut -f1)" -lt 1000 ]
}

@test "export of what is not there: one line, no file" {
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src=/v"
	local path

	for path in /none /v/none /; do
		exits '2|3' xv export latest "$path" -o "$T/out.tar.zst"
		complains '.'
		[ ! -e "$T/out.tar.zst" ]
	done
	exits 3 xv export latest
	exits 2 xv export latest /v -o "$T/none/out.tar.zst"
	complains 'no such file'
	# shellcheck disable=SC2016
	exits 2 sh -c '"$XCATVAULT" export latest /v >/dev/full'
	complains 'space'
}

@test "export that cannot be finished leaves no file that looks finished" {
	new_vault small
	mkdir "$T/src"
	noise 1 4000000 >"$T/src/a"
	noise 2 4000000 >"$T/src/b"
	take --volume "$T/src=/v"
	local pack
	pack=$(packs_of data | sed -n 2p)
	flip "$pack" 5000
	exits 5 xv export latest /v -o "$T/v.tar.zst"
	says "$(basename "$pack" .pack | cut -c1-16)"
	[ ! -e "$T/v.tar.zst" ]
	# nor a stream that tar takes for whole
	exits 5 xv export latest /v
	not tar --zstd -tf "$T/out"
}

#!/usr/bin/env bats
# The second night: what is read again, what is stored again

load common
setup() { scratch; }
teardown() { clean; }

# packs_note, then no_new_pack, no_new_data_pack: what the vault gained since
packs_note()
{
	packs >"$T/packs"
	packs_of data >"$T/packs.data"
}

no_new_pack()
{
	packs | diff "$T/packs" -
}

no_new_data_pack()
{
	packs_of data | diff "$T/packs.data" -
}

@test "unchanged: no pack is added, no file is read" {
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src"
	packs_note
	if command -v strace >/dev/null; then
		need_strace
		exits 0 strace -f -qqq -y -o "$T/trace" -e "trace=$READING" \
		    "$XCATVAULT" backup --site s --volume "$T/src"
		not grep -q "<$T/src/" "$T/trace"
	else
		exits 0 xv backup --site s --volume "$T/src"
	fi
	no_new_pack
	equal "$(snapshot_count)" 2
	equal "$(snapshot_files | xargs jq -r '.volumes[0].root' | uniq | wc -l)" 1
	comes_back latest "$T/src"
	sound
}

@test "unchanged, on the fidelity tree: no pack is added" {
	new_vault
	nasty_source
	take --volume "$SRC=/v"
	packs_note
	take --volume "$SRC=/v"
	no_new_pack
	exits 0 xv diff "$SNAP" latest
}

@test "unchanged, without the index cache: no pack is added" {
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src"
	packs_note
	rm -rf "$XCATVAULT_CACHE"
	take --volume "$T/src"
	no_new_pack
	# nor does another file's change store anything twice
	rm -rf "$XCATVAULT_CACHE"
	echo new >"$T/src/etc/new"
	take --volume "$T/src"
	nothing_twice
	comes_back latest "$T/src"
}

@test "content changed behind the same size and mtime is caught by the ctime" {
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src"
	behind "$T/src/bin/tool" 100
	take --volume "$T/src"
	comes_back latest "$T/src"
}

# behind FILE OFFSET: changes a byte, keeps size and mtime (and inode)
behind()
{
	touch -r "$1" "$T/stamp"
	flip "$1" "$2"
	touch -r "$T/stamp" "$1"
}

# swapped FILE OFFSET: the same, by way of a new inode
swapped()
{
	cp -p "$1" "$1.new"
	flip "$1.new" "$2"
	touch -r "$1" "$1.new"
	mv "$1.new" "$1"
}

@test "--ignore-ctime takes the word of size, mtime and inode" {
	new_vault
	mkdir "$T/src"
	noise 1 5000 >"$T/src/a"
	noise 2 5000 >"$T/src/b"
	cp -p "$T/src/a" "$T/old"
	take --volume "$T/src=/v"
	behind "$T/src/a" 100
	take --ignore-ctime --volume "$T/src=/v"
	exits 0 xv cat latest /v/a
	cmp "$T/out" "$T/old"
	# an inode that moved is read
	swapped "$T/src/b" 100
	take --ignore-ctime --volume "$T/src=/v"
	exits 0 xv cat latest /v/b
	cmp "$T/out" "$T/src/b"
	# and size or mtime always count
	touch "$T/src/a"
	take --ignore-ctime --volume "$T/src=/v"
	comes_back latest "$T/src" /v
}

@test "--ignore-inode takes the word of size, mtime and ctime" {
	# where only inodes move: the ctime of this file never changed, and
	# the same tree has another inode; two mounts would do it as well
	new_vault
	mkdir "$T/src"
	noise 1 5000 >"$T/src/a"
	cp -p "$T/src/a" "$T/old"
	take --volume "$T/src=/v"
	swapped "$T/src/a" 100
	# a swap moves the ctime too, which counts
	take --ignore-inode --volume "$T/src=/v"
	exits 0 xv cat latest /v/a
	cmp "$T/out" "$T/src/a"
	cp -p "$T/src/a" "$T/old"
	swapped "$T/src/a" 200
	take --ignore-inode --ignore-ctime --volume "$T/src=/v"
	exits 0 xv cat latest /v/a
	cmp "$T/out" "$T/old"
}

@test "--force-read reads all" {
	new_vault
	mkdir "$T/src"
	noise 1 5000 >"$T/src/a"
	noise 2 5000 >"$T/src/b"
	take --volume "$T/src=/v"
	behind "$T/src/a" 100
	take --ignore-ctime --volume "$T/src=/v"
	take --force-read --ignore-ctime --volume "$T/src=/v"
	comes_back latest "$T/src" /v
	packs_note
	take --force-read --volume "$T/src=/v"
	no_new_pack
	nothing_twice
}

@test "mode, owner, time, attributes: in the snapshot, without new data" {
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src"
	packs_note
	chmod 0600 "$T/src/bin/large"
	touch -d '2020-02-02 02:02:02.020202020' "$T/src/bin/tool"
	touch -h -d '2020-02-02 02:02:02.020202020' "$T/src/etc/link"
	[ "$(id -u)" -ne 0 ] || chown 5:6 "$T/src/etc/net.conf" "$T/src/empty"
	setfattr -n user.new -v 1 "$T/src/etc/site.conf" || :
	setfacl -m u:7:r "$T/src/etc/conf.d/10-zone.conf" || :
	take --volume "$T/src"
	no_new_data_pack
	comes_back latest "$T/src"
}

@test "a renamed tree adds no data" {
	new_vault
	nasty_source
	cp -a --sparse=auto "$SRC/." "$T/src"
	rm -f "$T/src/specials/a.socket"
	take --volume "$T/src=/v"
	packs_note
	mv "$T/src/sizes" "$T/src/sizes-of-files"
	mv "$T/src/names/many" "$T/src/many"
	take --volume "$T/src=/v"
	no_new_data_pack
	nothing_twice
	comes_back latest "$T/src" /v
}

@test "the same content under ten names, times and owners is stored once" {
	local i

	new_vault
	mkdir "$T/src"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		plain_tree "$T/src/rootimg$i"
		touch -d "2020-01-$i" "$T/src/rootimg$i/bin/large"
		[ "$(id -u)" -ne 0 ] || chown $i "$T/src/rootimg$i/bin/tool"
	done
	take --volume "$T/src"
	nothing_twice
	# noise does not compress: 705,000 bytes and their headers
	[ "$(pack_bytes data)" -lt 720000 ]
	comes_back latest "$T/src"
	# a second site shares them
	exits 0 xv backup --site other --volume "$T/src=/elsewhere"
	nothing_twice
	[ "$(pack_bytes data)" -lt 720000 ]
}

@test "a byte put in front of a large file costs a cut or two" {
	new_vault
	mkdir "$T/src"
	noise 1 12000000 >"$T/src/f"
	take --volume "$T/src"
	local before
	before=$(pack_bytes data)
	{ printf x; cat "$T/src/f"; } >"$T/new"
	mv "$T/new" "$T/src/f"
	take --volume "$T/src"
	[ $(($(pack_bytes data) - before)) -lt 2200000 ]
	nothing_twice
	comes_back latest "$T/src"
}

@test "one file changed among many adds little to the catalog" {
	new_vault
	mkdir -p "$T/src/a" "$T/src/b"
	(cd "$T/src" && seq 1 3000 | split -l 1 -a 4 - a/f &&
	    seq 1 3000 | split -l 1 -a 4 - b/g)
	take --volume "$T/src"
	local before
	before=$(pack_bytes catalog)
	echo changed >"$T/src/a/faaqq"
	take --volume "$T/src"
	[ $(($(pack_bytes catalog) - before)) -lt 20000 ]
	comes_back latest "$T/src"
}

@test "entries that came, went and changed their type" {
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src"
	local first=$SNAP
	cp -a "$T/src" "$T/first"
	(
		cd "$T/src" || exit
		rm etc/net.conf
		mkdir etc/net.conf
		echo in >etc/net.conf/in
		rm -r etc/conf.d
		echo file >etc/conf.d
		rm etc/link
		mkfifo etc/link
		rmdir empty
		ln -s bin empty
		echo first >0first
		echo last >zlast
		mkdir -p new/tree
		echo x >new/tree/x
	)
	take --volume "$T/src"
	comes_back latest "$T/src"
	comes_back "$first" "$T/first" "$T/src"
}

@test "hard links: the first name goes, then comes another before it" {
	new_vault
	mkdir "$T/src"
	noise 1 5000 >"$T/src/b"
	noise 2 300000 >"$T/src/large-b"
	ln "$T/src/b" "$T/src/c"
	ln "$T/src/b" "$T/src/d"
	ln "$T/src/large-b" "$T/src/large-c"
	cp -a "$T/src" "$T/first"
	take --volume "$T/src=/v"
	local first=$SNAP
	packs_note
	rm "$T/src/b" "$T/src/large-b"
	take --volume "$T/src=/v"
	no_new_data_pack
	comes_back latest "$T/src" /v
	ln "$T/src/d" "$T/src/a"
	ln "$T/src/large-c" "$T/src/large-a"
	take --volume "$T/src=/v"
	no_new_data_pack
	comes_back latest "$T/src" /v
	# the content changes under all names
	behind "$T/src/c" 50
	take --volume "$T/src=/v"
	comes_back latest "$T/src" /v
	# one name is torn off
	cp -p "$T/src/c" "$T/src/c.new"
	mv "$T/src/c.new" "$T/src/c"
	take --volume "$T/src=/v"
	comes_back latest "$T/src" /v
	comes_back "$first" "$T/first" /v
	sound
}

@test "the index cache: lost, garbage, or not to be written: the same result" {
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src"
	local file

	find "$XCATVAULT_CACHE" -type f >"$T/files" || :
	while read -r file; do
		noise 9 5000 >"$file"
	done <"$T/files"
	echo a >"$T/src/etc/a"
	take --volume "$T/src"
	comes_back latest "$T/src"
	sound
	while read -r file; do
		truncate -s 0 "$file"
	done <"$T/files"
	echo b >"$T/src/etc/b"
	take --volume "$T/src"
	comes_back latest "$T/src"
	find "$XCATVAULT_CACHE" -type f >"$T/files"
	while read -r file; do
		truncate -s 50% "$file" 2>/dev/null ||
		    truncate -s $(($(stat -c %s "$file") / 2)) "$file"
	done <"$T/files"
	echo c >"$T/src/etc/c"
	take --volume "$T/src"
	comes_back latest "$T/src"
	nothing_twice
	sound
	# a cache that cannot be: a file in its place
	rm -rf "$XCATVAULT_CACHE"
	: >"$XCATVAULT_CACHE"
	echo d >"$T/src/etc/d"
	exits 0 xv backup --site s --volume "$T/src"
	comes_back latest "$T/src"
	nothing_twice
}

@test "the index cache is not believed over the packs: vault put back to an older state" {
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src"
	cp -a "$V" "$T/older"
	noise 5 200000 >"$T/src/bin/newer"
	take --volume "$T/src"
	rm -rf "$V"
	cp -a "$T/older" "$V"
	take --volume "$T/src"
	comes_back latest "$T/src"
	sound
}

@test "the index cache is not believed over the packs: another vault of that name" {
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src"
	rm -rf "$V"
	new_vault
	take --volume "$T/src"
	comes_back latest "$T/src"
	sound
}

@test "two sites and volumes that move between snapshots" {
	new_vault
	plain_tree "$T/a"
	plain_tree "$T/b"
	echo b >"$T/b/b"
	exits 0 xv backup --site s --volume "$T/a=/a" --volume "$T/b=/b"
	exits 0 xv backup --site s --volume "$T/b=/b"
	exits 0 xv backup --site s --volume "$T/b=/a" --volume "$T/a=/c"
	comes_back latest "$T/b" /a
	comes_back latest "$T/a" /c
	exits 0 xv ls latest
	not grep -qx /b "$T/out"
	nothing_twice
	sound
}

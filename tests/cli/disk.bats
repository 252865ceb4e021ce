#!/usr/bin/env bats
# A vault on a disk that fills up, or that cannot be written

load common
setup() { scratch; }
teardown() { clean; }

@test "full disk: the run fails, the vault stays sound, the next run resumes" {
	private_mounts full_disk
}
full_disk()
{
	small_fs "$T/fs" 7m
	V=$T/fs/vault
	export XCATVAULT_VAULT=$V
	new_vault small
	plain_tree "$T/src"
	exits 0 xv backup --site s --volume "$T/src=/v"
	cp -a "$T/src" "$T/first"
	local first id
	first=$(packs | wc -l)
	id=$(snapshot_id "$(cat "$T/out")")
	noise 1 6000000 >"$T/src/one"
	noise 2 6000000 >"$T/src/two"
	exits 2 xv backup --site s --volume "$T/src=/v"
	complains 'no space left'
	[ ! -s "$T/out" ]
	equal "$(snapshot_count)" 1
	equal "$(find "$V/tmp" -type f)" ""
	sound
	comes_back "$id" "$T/first" /v
	# as often as one likes
	exits 2 xv backup --site s --volume "$T/src=/v"
	equal "$(snapshot_count)" 1
	sound
	# what was finished is kept, and used when there is room
	packs >"$T/packs"
	[ "$(wc -l <"$T/packs")" -gt "$first" ]
	mount -o remount,size=64m "$T/fs"
	exits 0 xv backup --site s --volume "$T/src=/v"
	equal "$(packs | comm -23 "$T/packs" -)" ""
	nothing_twice
	comes_back latest "$T/src" /v
	comes_back "$id" "$T/first" /v
	sound
}

@test "full disk from the first byte on" {
	private_mounts full_at_once
}
full_at_once()
{
	small_fs "$T/fs" 1m
	V=$T/fs/vault
	export XCATVAULT_VAULT=$V
	new_vault
	plain_tree "$T/src"
	dd if=/dev/zero of="$T/fs/filler" bs=4k 2>/dev/null || :
	exits 2 xv backup --site s --volume "$T/src=/v"
	complains 'no space left'
	exits 0 xv list
	exits 0 xv verify --read-data
	exits 2 xv -V "$T/fs/other" init
	complains 'no space left'
	rm "$T/fs/filler"
	exits 0 xv backup --site s --volume "$T/src=/v"
	comes_back latest "$T/src" /v
	# what a failed init leaves behind is no obstacle
	exits 0 xv -V "$T/fs/other" init
}

@test "no inodes left" {
	private_mounts no_inodes
}
no_inodes()
{
	mkdir "$T/fs"
	mount -t tmpfs -o size=64m,nr_inodes=24 small "$T/fs"
	V=$T/fs/vault
	export XCATVAULT_VAULT=$V
	new_vault small
	noise 1 3000000 >"$T/one"
	plain_tree "$T/src"
	touch "$T/fs/"{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16} 2>/dev/null || :
	exits 2 xv backup --site s --volume "$T/src=/v"
	complains 'no space left'
	mount -o remount,nr_inodes=1000 "$T/fs"
	sound
	exits 0 xv backup --site s --volume "$T/src=/v"
	comes_back latest "$T/src" /v
}

@test "a cache directory without room is no obstacle" {
	private_mounts full_cache
}
full_cache()
{
	small_fs "$T/cachefs" 64k
	dd if=/dev/zero of="$T/cachefs/filler" bs=4k 2>/dev/null || :
	export XCATVAULT_CACHE=$T/cachefs/cache
	new_vault
	plain_tree "$T/src"
	exits 0 xv backup --site s --volume "$T/src=/v"
	echo more >"$T/src/more"
	exits 0 xv backup --site s --volume "$T/src=/v"
	nothing_twice
	comes_back latest "$T/src" /v
	sound
}

@test "a vault on a read-only file system is read, and not written" {
	private_mounts read_only
}
read_only()
{
	small_fs "$T/fs" 16m
	V=$T/fs/vault
	export XCATVAULT_VAULT=$V
	new_vault
	plain_tree "$T/src"
	exits 0 xv backup --site s --volume "$T/src=/v"
	mount -o remount,ro "$T/fs"
	exits 0 xv list
	sound
	comes_back latest "$T/src" /v
	exits 0 xv export latest /v -o "$T/v.tar.zst"
	exits 2 xv backup --site s --volume "$T/src=/v"
	complains 'read-only'
}

#!/usr/bin/env bats
# The fidelity tree (nasty_tree.sh) goes in and comes back the same, by the word
# of rsync, GNU tar, bsdtar, mtree and our own look at times and holes.

load common

setup_file()
{
	# all judge the same restored trees
	export BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
	scratch
	new_vault
	nasty_source
	deep_source
	exits 0 xv backup --site nasty --volume "$(once nasty)=/nasty"
	cp "$T/err" "$T/backup.err"
	exits 0 xv backup --site deep --volume "$(once deep --deep)=/deep"
	exits 0 xv restore nasty --to "$T/nasty"
	exits 0 xv restore deep --to "$T/deep"
}

setup()
{
	scratch
	F=$BATS_FILE_TMPDIR
	export XCATVAULT_VAULT=$F/vault XCATVAULT_CACHE=$F/cache
	export V=$F/vault
}

teardown() { clean; }

@test "the generator leaves nothing out without saying so" {
	nasty_source
	[ -S "$SRC/specials/a.socket" ]
	[ "$(find "$SRC" -type p | wc -l)" -ge 3 ]
	[ "$(find "$SRC" | wc -l)" -gt 1200 ]
	if [ "$(id -u)" -eq 0 ]; then
		[ -c "$SRC/specials/char" ] && [ -b "$SRC/specials/block" ]
		getcap "$SRC/attributes/capable" | grep -q cap_net_raw
		getfacl -c "$SRC/attributes/acl-dir" | grep -q default:user
	fi
	deep_source
	[ "$(find "$SRC" -printf '%p\n' | wc -L)" -gt 4096 ]
}

@test "modes, owners, links, sizes, holes, attributes, names, times: rsync" {
	nasty_source
	same_tree "$SRC" "$F/nasty/nasty"
}

@test "the same, by GNU tar --compare" {
	nasty_source
	judged_by_tar "$SRC" "$F/nasty/nasty"
}

@test "the catalog is a manifest that mtree finds true" {
	need mtree
	nasty_source
	exits 0 xv ls nasty /nasty --mtree
	equal "$(sed -n 1p "$T/out")" '#mtree'
	cp "$T/out" "$T/catalog"
	judged_by_mtree "$T/catalog" "$F/nasty/nasty"
	# and that it would notice: one byte, one nanosecond
	cp -a "$F/nasty/nasty/empty" "$T/copy"
	exits 0 xv backup --site copy --volume "$T/copy=/copy"
	exits 0 xv ls copy /copy --mtree
	cp "$T/out" "$T/catalog"
	judged_by_mtree "$T/catalog" "$T/copy"
	echo >>"$T/copy/file"
	not judged_by_mtree "$T/catalog" "$T/copy"
}

@test "the catalog is a manifest that bsdtar finds true" {
	need bsdtar
	nasty_source
	exits 0 xv ls nasty /nasty --mtree
	cp "$T/out" "$T/catalog"
	judged_by_bsdtar "$T/catalog" "$F/nasty/nasty"
}

@test "paths of more than 4 KiB" {
	deep_source
	same_facts "$SRC" "$F/deep/deep" deep
}

@test "the restored tree, backed up, is no change" {
	exits 0 xv backup --site nasty --volume "$F/nasty/nasty=/nasty"
	exits 0 xv backup --site deep --volume "$F/deep/deep=/deep"
	nothing_twice
	local nasty
	nasty=$(xv list --site nasty | grep -Eo '\b[0-9a-f]{16}\b' | sed -n 1p)
	[ -n "$nasty" ]
	exits 0 xv diff "$nasty" nasty
	[ ! -s "$T/out" ]
}

@test "a socket is skipped with a note, and is no fault" {
	nasty_source
	[ -S "$SRC/specials/a.socket" ] || skip "no socket could be made"
	grep -q 'specials/a\.socket' "$F/backup.err"
	equal "$(grep -c . "$F/backup.err")" 1
	[ ! -e "$F/nasty/nasty/specials/a.socket" ]
}

@test "all packs: zstd -t, tar, sha256sum -c INDEX; the name is INDEX's digest" {
	local pack

	[ "$(packs_of data | wc -l)" -ge 1 ] && [ "$(packs_of catalog | wc -l)" -ge 1 ]
	for pack in $(packs); do
		zstd -tq "$pack"
		rm -rf "$T/unpacked"
		mkdir "$T/unpacked"
		zstd -dcq "$pack" | tar -C "$T/unpacked" -xf -
		(cd "$T/unpacked" && grep -v '^#' INDEX | sha256sum -c --quiet)
		equal "$(sha256sum <"$T/unpacked/INDEX" | cut -d' ' -f1).pack" \
		    "$(basename "$pack")"
		equal "$(basename "$pack" | cut -c1-2)" \
		    "$(basename "$(dirname "$pack")")"
		# by the trailer one comes to the same INDEX
		pack_index "$pack" | cmp - "$T/unpacked/INDEX"
	done
	nothing_twice
	sound
}

@test "no blob is longer than a cut, and a small file's digest is its blob's id" {
	local pack id

	for pack in $(packs_of data); do
		pack_index "$pack" | sed -n 's/^# frame [0-9]* [0-9]* [0-9]* //p' |
		    tr ' ' '\n' | awk '$1 > 1048576 { exit 1 }'
	done
	nasty_source
	blob_ids >"$T/ids"
	for file in names/-n sizes/n65536 sizes/n1 modes/f0644; do
		id=$(sha256sum <"$SRC/$file" | cut -d' ' -f1)
		grep -qx "$id" "$T/ids"
	done
	# longer than any blob
	id=$(sha256sum <"$SRC/sizes/n1048577" | cut -d' ' -f1)
	not grep -qx "$id" "$T/ids"
}

@test "a tree restored by another user has all but what needs root" {
	open_dir
	plain_tree "$OPEN_DIR/src"
	setfattr -n user.a -v 1 "$OPEN_DIR/src/etc/site.conf" || :
	[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$OPEN_DIR/src"
	chmod 0555 "$OPEN_DIR/src/etc/conf.d"
	chmod 0400 "$OPEN_DIR/src/etc/net.conf"
	exits 0 unprivileged "$OPEN_DIR/xcatvault" init
	exits 0 unprivileged "$OPEN_DIR/xcatvault" backup --site s \
	    --volume "$OPEN_DIR/src"
	exits 0 unprivileged "$OPEN_DIR/xcatvault" restore latest \
	    --to "$OPEN_DIR/back"
	same_tree "$OPEN_DIR/src" "$OPEN_DIR/back$OPEN_DIR/src"
}

@test "a sparse file of more than 8 GiB" {
	[ "${XCATVAULT_TEST_BIG-}" = 1 ] || skip "set XCATVAULT_TEST_BIG=1"
	export XCATVAULT_VAULT=$T/vault
	exits 0 xv init
	"$TESTS/cli/nasty_tree.sh" --big "$T/src"
	take --volume "$T/src=/v"
	exits 0 xv restore latest --to "$T/back"
	same_tree "$T/src" "$T/back/v"
	[ "$(du -sk "$T/back" | cut -f1)" -lt 2000 ]
	exits 0 xv export latest /v -o "$T/big.tar.zst"
	mkdir "$T/untarred"
	tar -C "$T/untarred" --zstd -xf "$T/big.tar.zst"
	same_tree "$T/src" "$T/untarred"
}

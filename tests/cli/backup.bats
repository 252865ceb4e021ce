#!/usr/bin/env bats
# backup: what is taken, what is said, what is refused

load common
setup() { scratch; }
teardown() { clean; }

@test "backup says one line, publishes one snapshot, and names it" {
	new_vault
	plain_tree "$T/src"
	exits 0 xv backup --volume "$T/src" --site mn1
	equal "$(wc -l <"$T/out")" 1
	grep -Eq '^snapshot [0-9a-f]{16} mn1 complete: 1 volume, [0-9]+ entries' \
	    "$T/out"
	equal "$(wc -l <"$T/err")" 0
	local id
	id=$(snapshot_id "$(cat "$T/out")")
	equal "$(snapshot_count)" 1
	equal "$(basename "$(snapshot_files)" | sed 's/.*-//')" "$id.json"
	# its name holds the first digits of its own digest
	equal "$(sha256sum "$(snapshot_files)" | cut -c1-16)" "$id"
	equal "$(dirname "$(snapshot_files)")" "$V/snapshots/mn1"
	comes_back "$id" "$T/src"
	sound
}

@test "backup: the snapshot file tells what it holds" {
	need jq
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src"
	local first=$SNAP s
	echo more >"$T/src/more"
	take --volume "$T/src"
	s=$(snapshot_files | grep -- "$SNAP")
	equal "$(jq -r '.format, .site, .status, .previous' "$s" | xargs)" \
	    "1 s complete $first"
	equal "$(jq -r '.volumes[0].path' "$s")" "$T/src"
	equal "$(jq -r '.volumes[0].entries' "$s")" "$(find "$T/src" | wc -l)"
	equal "$(jq -r '.volumes[0].root | length' "$s")" 64
	equal "$(jq -r '.previous' "$(snapshot_files | grep -- "$first")")" null
}

@test "backup: the site is the host's name unless --site tells" {
	new_vault
	plain_tree "$T/src"
	exits 0 xv backup --volume "$T/src"
	says "^snapshot [0-9a-f]{16} $(hostname) complete"
}

@test "backup: a site is no path" {
	new_vault
	plain_tree "$T/src"
	local site

	for site in ../up a/b . .. '' "$(printf 'a\nb')"; do
		exits 3 xv backup --volume "$T/src" --site "$site"
		complains 'site'
	done
	equal "$(snapshot_count)" 0
	[ ! -e "$T/up" ] && [ ! -e "$V/up" ]
}

@test "backup: several volumes, stored under names of their own" {
	new_vault
	plain_tree "$T/one"
	plain_tree "$T/two"
	echo two >"$T/two/two"
	take --volume "$T/one=/install" --volume "$T/two=/etc/xcat"
	comes_back "$SNAP" "$T/one" /install
	comes_back "$SNAP" "$T/two" /etc/xcat
	exits 0 xv ls "$SNAP"
	says '/install'
	says '/etc/xcat'
}

@test "backup: a relative volume, or one with slashes at its end, is made absolute" {
	new_vault
	plain_tree "$T/src"
	(cd "$T" && exits 0 xv backup --site s --volume src)
	comes_back latest "$T/src"
	exits 0 xv backup --site s --volume "$T/src///"
	comes_back latest "$T/src"
	(cd "$T/src" && exits 0 xv backup --site s --volume .)
	comes_back latest "$T/src"
}

@test "backup: a volume that is a symbolic link to a directory is followed" {
	new_vault
	plain_tree "$T/real"
	ln -s real "$T/install"
	take --volume "$T/install=/install"
	comes_back "$SNAP" "$T/real" /install
}

@test "backup: an empty directory is a volume" {
	new_vault
	mkdir -m 0750 "$T/src"
	take --volume "$T/src"
	comes_back "$SNAP" "$T/src"
	sound
}

@test "backup: the same volume path twice, or a vault in a volume: status 3" {
	new_vault
	plain_tree "$T/src"
	plain_tree "$T/src2"
	exits 3 xv backup --volume "$T/src=/a" --volume "$T/src2=/a" --site s
	complains '/a'
	directory_only "which may lie in a volume"
	exits 3 xv backup --volume "$T" --site s
	complains 'vault'
	mkdir "$T/src/deep"
	exits 0 xv -V "$T/src/deep/vault" init
	exits 3 xv -V "$T/src/deep/vault" backup --volume "$T/src" --site s
	complains 'vault'
	# nor by another name
	ln -s src "$T/alias"
	exits 3 xv -V "$T/src/deep/vault" backup --volume "$T/alias" --site s
	exits 3 xv -V "$T/alias/deep/vault" backup --volume "$T/src" --site s
	equal "$(snapshot_count)" 0
	equal "$(snapshot_count "$T/src/deep/vault")" 0
}

@test "backup: a missing volume fails the run: status 2, nothing published" {
	new_vault
	plain_tree "$T/src"
	exits 2 xv backup --volume "$T/none" --site s
	complains 'none.*no such file'
	exits 2 xv backup --volume "$T/src" --volume "$T/none" --site s
	complains 'none.*no such file'
	exits 2 xv backup --volume "$T/src/etc/site.conf" --site s
	complains 'site.conf'
	equal "$(snapshot_count)" 0
	equal "$(find "$V/tmp" -type f 2>/dev/null)" ""
	sound
}

@test "backup: an unreadable volume fails the run, an unreadable file is reported" {
	open_dir
	plain_tree "$OPEN_DIR/src"
	mkdir "$OPEN_DIR/src/closed"
	echo in >"$OPEN_DIR/src/closed/in"
	echo secret >"$OPEN_DIR/src/secret"
	[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$OPEN_DIR/src"
	chmod 0 "$OPEN_DIR/src/secret" "$OPEN_DIR/src/closed"
	local xv=$OPEN_DIR/xcatvault
	exits 0 unprivileged "$xv" init
	exits 1 unprivileged "$xv" backup --site s --volume "$OPEN_DIR/src"
	grep -q '^snapshot [0-9a-f]* s ' "$T/out"
	grep -qi 'secret.*permission denied' "$T/err"
	grep -qi 'closed.*permission denied' "$T/err"
	mkdir "$OPEN_DIR/back"
	[ "$(id -u)" -ne 0 ] || chown 65534 "$OPEN_DIR/back"
	exits 0 unprivileged "$xv" restore latest --to "$OPEN_DIR/back"
	equal "$(rsync -aHn --checksum --modify-window=-1 --delete -i \
	    --exclude=/secret --exclude=/closed \
	    "$OPEN_DIR/src/" "$OPEN_DIR/back$OPEN_DIR/src/")" ""
	exits 0 unprivileged "$xv" verify --read-data
	# readable again, it is taken
	chmod 0644 "$OPEN_DIR/src/secret"
	chmod 0755 "$OPEN_DIR/src/closed"
	exits 0 unprivileged "$xv" backup --site s --volume "$OPEN_DIR/src"
	exits 0 unprivileged "$xv" cat latest "$OPEN_DIR/src/secret"
	equal "$(cat "$T/out")" secret
	exits 0 unprivileged "$xv" cat latest "$OPEN_DIR/src/closed/in"
	# a volume that cannot be read at all
	chmod 0 "$OPEN_DIR/src"
	exits 2 unprivileged "$xv" backup --site s --volume "$OPEN_DIR/src"
	complains 'permission denied'
	equal "$(snapshot_count "$OPEN_DIR/vault")" 2
	chmod 0755 "$OPEN_DIR/src"
}

@test "backup: what turns unreadable is reported, and the earlier snapshot has it" {
	open_dir
	plain_tree "$OPEN_DIR/src"
	[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$OPEN_DIR/src"
	local xv=$OPEN_DIR/xcatvault first
	exits 0 unprivileged "$xv" init
	exits 0 unprivileged "$xv" backup --site s --volume "$OPEN_DIR/src"
	first=$(snapshot_id "$(cat "$T/out")")
	echo changed >"$OPEN_DIR/src/etc/net.conf"
	chmod 0 "$OPEN_DIR/src/etc/net.conf"
	exits 1 unprivileged "$xv" backup --site s --volume "$OPEN_DIR/src"
	grep -q 'etc/net.conf' "$T/err"
	exits 0 unprivileged "$xv" cat "$first" "$OPEN_DIR/src/etc/net.conf"
	equal "$(cat "$T/out")" "net = 10.0.0.0/8"
	exits 0 unprivileged "$xv" verify --read-data
}

@test "backup into a vault without permission to write: status 2, one line" {
	open_dir
	plain_tree "$OPEN_DIR/src"
	[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$OPEN_DIR/src"
	exits 0 unprivileged "$OPEN_DIR/xcatvault" init
	chmod -R a-w "$OPEN_DIR/vault"
	exits '2|3' unprivileged "$OPEN_DIR/xcatvault" backup --site s \
	    --volume "$OPEN_DIR/src"
	complains 'permission denied'
	chmod -R u+w "$OPEN_DIR/vault"
	equal "$(snapshot_count "$OPEN_DIR/vault")" 0
}

@test "reading a vault takes no permission to write to it" {
	open_dir
	plain_tree "$OPEN_DIR/src"
	[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$OPEN_DIR/src"
	local xv=$OPEN_DIR/xcatvault

	exits 0 unprivileged "$xv" init
	exits 0 unprivileged "$xv" backup --site s --volume "$OPEN_DIR/src"
	chmod -R a-w "$OPEN_DIR/vault"
	exits 0 unprivileged "$xv" list
	exits 0 unprivileged "$xv" ls -R latest "$OPEN_DIR/src"
	exits 0 unprivileged "$xv" cat latest "$OPEN_DIR/src/etc/site.conf"
	exits 0 unprivileged "$xv" verify --read-data
	exits 0 unprivileged "$xv" restore latest --to "$OPEN_DIR/back"
	same_tree "$OPEN_DIR/src" "$OPEN_DIR/back$OPEN_DIR/src"
	chmod -R u+w "$OPEN_DIR/vault"
}

@test "backup: a socket is left out with a note, status 0" {
	need perl
	new_vault
	plain_tree "$T/src"
	(cd "$T/src/etc" && perl -MIO::Socket::UNIX -e \
	    'IO::Socket::UNIX->new(Local => "a.socket", Listen => 1) or die')
	exits 0 xv backup --site s --volume "$T/src"
	grep -q 'etc/a\.socket' "$T/err"
	grep -qi 'socket' "$T/err"
	comes_back latest "$T/src"
	not test -e "$T"/back.*"$T/src/etc/a.socket"
}

@test "backup --exclude leaves out what matches" {
	new_vault
	plain_tree "$T/src"
	mkdir -p "$T/src/postscripts" "$T/src/etc/cache/deep"
	echo x >"$T/src/etc/x.tmp"
	echo x >"$T/src/x.tmp"
	echo x >"$T/src/etc/cache/deep/x"
	take --volume "$T/src" --exclude '*.tmp' --exclude '*/cache'
	rm -r "$T/src/etc/cache" "$T/src/etc/x.tmp" "$T/src/x.tmp"
	exits 0 xv restore "$SNAP" --to "$T/back"
	(cd "$T/src" && find . | sort) >"$T/want"
	(cd "$T/back$T/src" && find . | sort) | diff "$T/want" -
}

@test "backup --one-file-system does not cross a mount point" {
	private_mounts on_one_file_system
}
on_one_file_system()
{
	new_vault
	plain_tree "$T/src"
	small_fs "$T/src/mounted" 1m
	echo beyond >"$T/src/mounted/beyond"
	exits 0 xv backup --site s --volume "$T/src"
	exits 0 xv cat latest "$T/src/mounted/beyond"
	exits 0 xv backup --site s --volume "$T/src" --one-file-system
	exits 0 xv ls -R latest "$T/src"
	# the mount point is there, empty
	grep -q mounted "$T/out"
	not grep -q beyond "$T/out"
	exits 0 xv restore latest --to "$T/back"
	[ -d "$T/back$T/src/mounted" ]
	[ ! -e "$T/back$T/src/mounted/beyond" ]
}

@test "backup --threads: any number gives the same tree; nonsense is refused" {
	local n

	plain_tree "$T/src"
	for n in 1 2 5; do
		rm -rf "$V"
		new_vault
		take --threads $n --volume "$T/src"
		comes_back "$SNAP" "$T/src"
	done
	exits 3 xv backup --threads x --site s --volume "$T/src"
	exits 3 xv backup --threads -1 --site s --volume "$T/src"
}

@test "backup: a file that vanishes between the listing and the read is reported" {
	need_strace
	new_vault
	plain_tree "$T/src"
	mkdir "$T/src/solo"
	echo doomed >"$T/src/solo/victim"
	held_on "$T/src/solo" "$T/src/solo/victim" solo/victim victim
	held_start statx,newfstatat,lstat,stat,fstatat64 \
	    "$XCATVAULT" backup --threads 1 --site s --volume "$T/src"
	held_next '"[^"]*victim"'
	touch -r "$T/src/solo" "$T/stamp"
	rm "$T/src/solo/victim"
	held_end
	equal "$HELD_STATUS" 1 "exit status"
	grep -q 'solo/victim' "$T/err"
	equal "$(snapshot_count)" 1
	# the directory was listed before the removal moved its time
	touch -r "$T/stamp" "$T/src/solo"
	comes_back latest "$T/src"
	sound
}

@test "backup: a file that grows while read is stored as listed, reported, read again" {
	need_strace
	new_vault
	plain_tree "$T/src"
	noise 51 3000000 >"$T/src/growing"
	cp -p "$T/src/growing" "$T/listed"
	held_on "$T/src/growing"
	held_start "$READING" "$XCATVAULT" backup --threads 1 --site s \
	    --volume "$T/src"
	held_next growing
	echo 'a line more' >>"$T/src/growing"
	held_end
	equal "$HELD_STATUS" 1 "exit status"
	grep -q 'growing' "$T/err"
	exits 0 xv cat latest "$T/src/growing"
	cmp "$T/out" "$T/listed"
	sound
	exits 0 xv backup --site s --volume "$T/src"
	comes_back latest "$T/src"
}

@test "backup: a file cut short while read is reported, read again, and does no harm" {
	need_strace
	new_vault
	plain_tree "$T/src"
	noise 51 3000000 >"$T/src/shrinking"
	held_on "$T/src/shrinking"
	held_start "$READING" "$XCATVAULT" backup --threads 1 --site s \
	    --volume "$T/src"
	held_next shrinking
	truncate -s 100 "$T/src/shrinking"
	held_end
	equal "$HELD_STATUS" 1 "exit status"
	grep -q 'shrinking' "$T/err"
	sound
	exits 0 xv restore latest --to "$T/back"
	exits 0 xv backup --site s --volume "$T/src"
	comes_back latest "$T/src"
}

@test "backup: a file rewritten in place while read is reported and read again" {
	need_strace
	new_vault
	plain_tree "$T/src"
	noise 51 3000000 >"$T/src/rewritten"
	held_on "$T/src/rewritten"
	held_start "$READING" "$XCATVAULT" backup --threads 1 --site s \
	    --volume "$T/src"
	held_next rewritten
	noise 52 3000000 | dd of="$T/src/rewritten" conv=notrunc bs=1M status=none
	held_end
	equal "$HELD_STATUS" 1 "exit status"
	grep -q 'rewritten' "$T/err"
	sound
	exits 0 xv backup --site s --volume "$T/src"
	comes_back latest "$T/src"
}

@test "backup of a tree that never stands still: status 0 or 1, always sound" {
	local i writer

	new_vault
	plain_tree "$T/src"
	(
		exec >/dev/null 2>&1 3>&- 4>&-
		while :; do
			for i in 1 2 3 4 5 6 7 8; do
				mkdir -p "$T/src/busy/$i"
				head -c $((i * 40000)) /dev/urandom \
				    >"$T/src/busy/$i/new"
				mv "$T/src/busy/$i/new" "$T/src/busy/$i/file"
			done
			rm -rf "$T/src/busy"
		done
	) &
	writer=$!
	for i in 1 2 3 4 5 6; do
		exits '0|1' xv backup --site s --volume "$T/src" || {
			kill $writer
			return 1
		}
	done
	kill $writer
	wait $writer || :
	sound
	exits 0 xv backup --site s --volume "$T/src"
	comes_back latest "$T/src"
}

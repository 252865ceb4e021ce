#!/usr/bin/env bats
# list, ls, find, cat, diff, and how a snapshot is named

load common
setup() { scratch; }
teardown() { clean; }

# two snapshots of $T/src; FIRST and SECOND are their ids
two_snapshots()
{
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src=/install"
	FIRST=$SNAP
	echo "host = mn2" >"$T/src/etc/site.conf"
	echo new >"$T/src/etc/new.conf"
	rm "$T/src/etc/net.conf"
	chmod 0700 "$T/src/bin"
	take --volume "$T/src=/install"
	SECOND=$SNAP
}

@test "list: nothing in an empty vault, a line for each snapshot, oldest first" {
	exits 0 xv init
	exits 0 xv list
	not grep -Eq '[0-9a-f]{16}' "$T/out"
	rm -r "$V"
	two_snapshots
	exits 0 xv list
	equal "$(grep -Eo '\b[0-9a-f]{16}\b' "$T/out" | xargs)" "$FIRST $SECOND"
	grep -- "$FIRST" "$T/out" | grep -w -- s | grep -q complete
}

@test "list --site" {
	new_vault
	plain_tree "$T/src"
	exits 0 xv backup --site one --volume "$T/src"
	exits 0 xv backup --site two --volume "$T/src"
	exits 0 xv list
	equal "$(grep -Ecw '[0-9a-f]{16}' "$T/out")" 2
	exits 0 xv list --site two
	equal "$(grep -Ecw '[0-9a-f]{16}' "$T/out")" 1
	grep -qw two "$T/out"
}

@test "a snapshot is named by latest, its site, a time, or the start of its id" {
	two_snapshots
	local t1 t2 name

	t1=$(jq -r .time "$(snapshot_files | grep -- "$FIRST")")
	t2=$(jq -r .time "$(snapshot_files | grep -- "$SECOND")")
	for name in latest s "$SECOND" "${SECOND:0:10}" "s@$t2" \
	    s@2200-01-01T00:00:00Z; do
		exits 0 xv cat "$name" /install/etc/site.conf
		equal "$(cat "$T/out")" "host = mn2" "$name"
	done
	for name in "$FIRST" "${FIRST:0:10}" "s@$t1"; do
		exits 0 xv cat "$name" /install/etc/site.conf
		equal "$(cat "$T/out")" "host = mn1" "$name"
	done
}

@test "a snapshot that is not there: one line, nothing on stdout" {
	two_snapshots
	local name

	for name in other ffffffffffffffff s@1999-01-01T00:00:00Z \
	    other@2200-01-01T00:00:00Z s@not-a-time '' ../s 's/../s'; do
		exits '2|3' xv cat "$name" /install/etc/site.conf
		complains 'snapshot|time'
		[ ! -s "$T/out" ]
		exits '2|3' xv restore "$name" --to "$T/to"
		complains 'snapshot|time'
	done
	[ ! -e "$T/to" ]
	rm -r "$V"
	new_vault
	exits '2|3' xv ls latest
	complains 'snapshot'
}

@test "latest is of the whole vault, SITE of one site" {
	new_vault
	mkdir "$T/src"
	echo 1 >"$T/src/f"
	exits 0 xv backup --site one --volume "$T/src=/v"
	echo 2 >"$T/src/f"
	exits 0 xv backup --site two --volume "$T/src=/v"
	equal "$(xv cat latest /v/f)" 2
	equal "$(xv cat one /v/f)" 1
	equal "$(xv cat two /v/f)" 2
}

@test "ls: volumes, a directory, all below it, one file" {
	two_snapshots
	exits 0 xv ls latest
	equal "$(cat "$T/out")" /install
	exits 0 xv ls latest /install
	[ "$(grep -c . "$T/out")" -eq 3 ]
	grep -Eq '(^|/)bin/?$' "$T/out"
	not grep -q tool "$T/out"
	exits 0 xv ls latest /install/etc
	grep -Eq '(^|/)site\.conf$' "$T/out"
	not grep -q 10-zone "$T/out"
	# with or without a slash at its end
	cp "$T/out" "$T/noslash"
	exits 0 xv ls latest /install/etc/
	cmp "$T/out" "$T/noslash"
	exits 0 xv ls -R latest /install/etc
	grep -q 10-zone "$T/out"
	exits 0 xv ls latest /install/etc/site.conf
	equal "$(grep -c . "$T/out")" 1
	grep -q 'site\.conf' "$T/out"
	exits 0 xv ls -R latest /install
	equal "$(grep -Ec '(bin|etc|empty)(/|$)' "$T/out")" \
	    "$(find "$T/src" -mindepth 1 | wc -l)"
	exits 0 xv ls "$FIRST" /install/etc
	grep -q 'net\.conf' "$T/out"
}

@test "ls -l tells mode, owner, size, time and where a link goes" {
	two_snapshots
	exits 0 xv ls -l latest /install/bin
	grep -w tool "$T/out" | grep -w 5000 | grep -Eq '0755|rwxr-xr-x'
	exits 0 xv ls -l latest /install/etc
	grep -q -- 'link -> \.\./bin/tool' "$T/out"
	exits 0 xv ls -l "$FIRST" /install/etc/site.conf
	grep -q '2024-01-02' "$T/out"
}

@test "ls, find, cat of a path that is not there: one line" {
	two_snapshots
	local path

	for path in /install/none /install/etc/site.conf/x /other / etc \
	    /install/../etc /installe; do
		exits '2|3' xv cat latest "$path"
		complains '.'
		[ ! -s "$T/out" ]
	done
	for path in /install/none /install/etc/site.conf/x /other /installe; do
		exits '2|3' xv ls latest "$path"
		complains '.'
		[ ! -s "$T/out" ]
	done
}

@test "ls shows no control characters of names to a terminal" {
	new_vault
	mkdir "$T/src"
	: >"$T/src/"$'new\nline'
	: >"$T/src/"$'\033[31mred'
	take --volume "$T/src=/v"
	exits 0 xv ls -R latest /v
	equal "$(grep -c . "$T/out")" 2
	not grep -q $'\033' "$T/out"
	exits 0 xv find latest '*line'
	equal "$(grep -c . "$T/out")" 1
}

@test "find: globs of the name, or with a slash of the whole path" {
	two_snapshots
	exits 0 xv find latest 'site.conf'
	equal "$(cat "$T/out")" /install/etc/site.conf
	exits 0 xv find latest '*.conf'
	equal "$(sort "$T/out" | xargs)" "/install/etc/conf.d/10-zone.conf\
 /install/etc/new.conf /install/etc/site.conf"
	exits 0 xv find latest '/install/etc/conf.d/*'
	equal "$(sort "$T/out" | xargs)" \
	    "/install/etc/conf.d/10-zone.conf /install/etc/conf.d/empty"
	exits 0 xv find latest '[nm]ew.?onf'
	equal "$(cat "$T/out")" /install/etc/new.conf
	exits 0 xv find "$FIRST" 'net.conf'
	equal "$(cat "$T/out")" /install/etc/net.conf
	xv find latest 'no-such-name' >"$T/out" || [ $? -eq 1 ]
	[ ! -s "$T/out" ]
}

@test "cat: bytes as they were, of small, large, empty, linked and sparse files" {
	local f

	new_vault
	nasty_source
	take --volume "$SRC=/v"
	for f in sizes/empty sizes/n1 sizes/n65535 sizes/n65536 sizes/n65537 \
	    sizes/n1048577 sizes/n20971520 links/second links/sub/third \
	    links/sub/big-a links/big-b holes/all holes/in-middle \
	    holes/many names/-n 'names/*' 'names/#dir/#in' 'names/trailing ' \
	    $'names/caf\351' $'names/dir\nwith\nnewlines /in\n'; do
		exits 0 xv cat latest "/v/$f"
		cmp "$T/out" "$SRC/$f"
		[ ! -s "$T/err" ]
	done
	for f in specials/fifo links/dangling sizes; do
		exits '2|3' xv cat latest "/v/$f"
		complains '.'
	done
}

@test "cat into a full device or a closed pipe is no success" {
	new_vault
	nasty_source
	take --volume "$SRC/sizes=/v"
	# shellcheck disable=SC2016
	exits 2 sh -c '"$XCATVAULT" cat latest /v/n20971520 >/dev/full'
	complains 'space'
	# shellcheck disable=SC2016
	exits 2 sh -c '"$XCATVAULT" ls -R latest /v >/dev/full'
	# shellcheck disable=SC2016
	exits 2 sh -c '"$XCATVAULT" list >/dev/full'
	xv cat latest /v/n20971520 | head -c 1 >/dev/null
}

@test "diff: nothing to say of the same, status 0; each change, status 5" {
	two_snapshots
	exits 0 xv diff "$SECOND" latest
	[ ! -s "$T/out" ]
	exits 5 xv diff "$FIRST" latest
	grep -qx -- '+ /install/etc/new.conf' "$T/out"
	grep -qx -- '- /install/etc/net.conf' "$T/out"
	grep -Eqx -- 'M /install/etc/site\.conf \(.*content.*\)' "$T/out"
	grep -Eqx -- 'M /install/bin \(.*mode.*\)' "$T/out"
	not grep -q -- 'tool\|conf\.d\|empty' "$T/out"
	exits 5 xv diff latest "$FIRST"
	grep -qx -- '- /install/etc/new.conf' "$T/out"
	grep -qx -- '+ /install/etc/net.conf' "$T/out"
}

@test "diff of a part" {
	two_snapshots
	exits 5 xv diff "$FIRST" latest /install/bin
	grep -q '^M /install/bin ' "$T/out"
	not grep -q 'etc' "$T/out"
	exits 0 xv diff "$FIRST" latest /install/empty
}

@test "diff finds each kind of change" {
	need_root "owners"
	new_vault
	mkdir "$T/src"
	(
		cd "$T/src" || exit
		for f in content mode owner time xattr type acl same; do
			echo "$f" >$f
		done
		ln -s a target
		mkdir -p gone/sub
		echo x >gone/sub/x
	)
	take --volume "$T/src=/v"
	FIRST=$SNAP
	(
		cd "$T/src" || exit
		echo other >content
		chmod 0600 mode
		chown 7:8 owner
		touch -d 2001-01-01 time
		setfattr -n user.new -v 1 xattr
		setfacl -m u:7:r acl
		rm type
		mkdir type
		ln -sfn b target
		rm -r gone
	)
	take --volume "$T/src=/v"
	exits 5 xv diff "$FIRST" "$SNAP"
	grep -Eq '^M /v/content \(.*content' "$T/out"
	grep -Eq '^M /v/mode \(.*mode' "$T/out"
	grep -Eq '^M /v/owner \(.*(owner|uid)' "$T/out"
	grep -Eq '^M /v/time \(.*time' "$T/out"
	grep -Eq '^M /v/xattr \(.*(xattr|attribute)' "$T/out"
	grep -Eq '^M /v/acl \(.*(acl|ACL|xattr|attribute|mode)' "$T/out"
	grep -Eq '^[M+-] /v/type' "$T/out"
	grep -Eq '^M /v/target \(.*(target|link|content)' "$T/out"
	grep -qx -- '- /v/gone' "$T/out"
	grep -qx -- '- /v/gone/sub' "$T/out"
	grep -qx -- '- /v/gone/sub/x' "$T/out"
	not grep -q same "$T/out"
}

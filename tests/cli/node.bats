#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2034
# Files of a node, by GNU find and tar over ssh.

load common
load ../mn/mn
load night

setup_file()
{
	# How long it goes on trying does not keep the other tests.
	(
		T=$BATS_FILE_TMPDIR/gone
		mkdir "$T"
		BATS_TEST_TMPDIR=$T
		node_goes_away
	) >"$BATS_FILE_TMPDIR/gone.log" 2>&1 3>&- 4>&- &
}

setup()
{
	night_scratch
}

node_goes_away()
{
	night_scratch
	many_files "$T/tree"
	tree_node "$T/tree"
	without_xcat
	slow_tar 1000000
	night_begins t
	begun || :
	mn_stop t
	SECONDS=0
	night_is_over
	echo "$STATUS $SECONDS" >"$T/ended.new"
	mv "$T/ended.new" "$T/ended"
}

teardown()
{
	night_clean
}

# tree_node TREE [OPTION...]: node t with this host's TREE as /install, and a
# site t with only that; its database is empty
tree_node()
{
	mn_start t --volume "/install=$1" "${@:2}"
	site t t 'volumes = ( "/install" );'
}

# without_xcat: nights of t have no dump, which saves a second each
without_xcat()
{
	on mn_sh t mv /opt/xcat /opt/gone
	rm "$(mn_folder t)/root/etc/profile.d/xcat.sh"
}

# slow_tar BYTES: tar on t gives so much a second
slow_tar()
{
	cat >"$(mn_folder t)/usr-local/bin/tar" <<-END
	#!/bin/bash
	set -o pipefail
	/usr/bin/tar "\$@" | perl -e '
		\$| = 1;
		while (sysread(STDIN, my \$b, 65536)) {
			syswrite(STDOUT, \$b) or exit 1;
			select(undef, undef, undef, length(\$b) / $1);
		}'
	END
	chmod 755 "$(mn_folder t)/usr-local/bin/tar"
}

fast_tar()
{
	rm "$(mn_folder t)/usr-local/bin/tar"
}

# root SNAP: of the catalog of /install
root()
{
	json "$1" '.volumes[] | select(.path == "/install").root'
}

# same_as_local TREE: what the night $SNAP stored is what a backup of TREE as
# a directory of this host stores: the same catalog, and not one byte more
same_as_local()
{
	local of=$SNAP

	exits '0|1' xv backup --site here --volume "$1=/install"
	SNAP=$(snapshot_id "$(cat "$T/out")")
	xv ls --mtree "$of" /install >"$T/mtree.ssh"
	xv ls --mtree "$SNAP" /install >"$T/mtree.local"
	diff -a "$T/mtree.ssh" "$T/mtree.local" | head -n 20
	equal "$(root "$of")" "$(root "$SNAP")" "catalogs over ssh and of this host"
	equal "$(json "$SNAP" .stored_bytes)" 0 "stored once more"
	nothing_twice
	SNAP=$of
}

# many_files DIR: 3000 small ones and some larger, 12 MB
many_files()
{
	mkdir -p "$1"
	noise 77 9000000 >"$T/noise"
	perl -e 'my ($dir, $noise) = @ARGV;
		open(my $n, "<", $noise) or die; my $at = 0;
		for my $i (1 .. 3000) {
			my $sub = sprintf("%s/d%02d", $dir, $i % 40);
			mkdir $sub;
			open(my $f, ">", "$sub/f$i") or die;
			my $len = $i % 300 == 0 ? 300000 : 500 + $i * 7 % 3000;
			seek($n, $at = ($at + 7919) % 8000000, 0);
			read($n, my $b, $len);
			print $f "$i\n", $b;
		}' "$1" "$T/noise"
}

# begun PATTERN: waits until the background night has stored something
begun()
{
	local tries=0

	while [ $tries -lt 1200 ]; do
		[ -z "$(find "$V/tmp" "$V/packs" -type f -size +100k 2>/dev/null)" ] ||
		    return 0
		kill -0 "$NIGHT" 2>/dev/null || break
		sleep 0.05
		tries=$((tries + 1))
	done
	echo "it has stored nothing yet:"
	cat "$T/night.err"
	return 1
}

# night_begins [ARG...] SITE: in the background; sets NIGHT
night_begins()
{
	"$XCATVAULT" backup "$@" >"$T/night.out" 2>"$T/night.err" 3>&- 4>&- &
	NIGHT=$!
}

# night_is_over: sets STATUS and the rest as night() does
night_is_over()
{
	STATUS=0
	wait "$NIGHT" || STATUS=$?
	cp "$T/night.out" "$T/out"
	cp "$T/night.err" "$T/err"
	SNAP=$(snapshot_id "$(cat "$T/out")")
}

# --- the same as of this host ---------------------------------------------------

@test "over ssh and of this host: one catalog, and the same blobs" {
	nasty_source
	tree_node "$SRC"
	night t
	ended 0
	same_as_local "$SRC"
	comes_back "$SNAP" "$SRC" /install
	# nothing has changed: nothing is read, not a byte of contents
	night t
	ended 0
	equal "$(json "$SNAP" '.volumes[] | select(.path == "/install") | "\(.new_files) \(.changed_files) \(.read_bytes)"')" '0 0 0'
	same_as_local "$SRC"
	sound
}

@test "the catalog of a local backup serves one over ssh, and the other way" {
	nasty_source
	tree_node "$SRC"
	exits '0|1' xv backup --site t --volume "$SRC=/install"
	night t
	ended 0
	# device numbers and inodes are the same in the node
	equal "$(json "$SNAP" '.volumes[] | select(.path == "/install") | "\(.new_files) \(.changed_files) \(.read_bytes)"')" '0 0 0'
	exits '0|1' xv backup --site t --volume "$SRC=/install"
	SNAP=$(snapshot_id "$(cat "$T/out")")
	equal "$(json "$SNAP" '.volumes[0] | "\(.new_files) \(.changed_files) \(.read_bytes)"')" '0 0 0'
	equal "$(json "$SNAP" .stored_bytes)" 0
}

@test "each kind of change is seen over ssh as it is here" {
	nasty_source
	local W=$T/tree
	cp -a "$SRC" "$W"
	tree_node "$W"
	night t
	ended 0
	# hard links of which the first name goes, and a set that grows
	rm "$W/links/first" "$W/links/big-b"
	ln "$W/names/a1" "$W/links/aaa"
	ln "$W/names/a1" "$W/zzz"
	# content with and without another size, and with the time put back
	echo more >>"$W/sizes/n1"
	printf x | dd of="$W/sizes/n512" conv=notrunc status=none
	cp -p "$W/sizes/n3145729" "$T/stamp"
	printf y | dd of="$W/sizes/n3145729" bs=1 seek=2000000 conv=notrunc status=none
	touch -r "$T/stamp" "$W/sizes/n3145729"
	# metadata only
	chmod 0123 "$W/modes/f0644"
	chown 77:88 "$W/modes/f0600" "$W/modes/d0700"
	touch -h -d '2001-02-03 04:05:06.123456789' "$W/links/dangling" "$W/empty"
	setfattr -n user.new -v val "$W/names/A" 2>/dev/null || :
	setfacl -m u:55:r "$W/names/a-/" 2>/dev/null || :
	# kinds that change, things that move
	rm "$W/sizes/n511" && mkdir "$W/sizes/n511" && echo in >"$W/sizes/n511/x"
	rm -r "$W/names/a b" && ln -s away "$W/names/a b"
	mv "$W/names/dir"*"newlines " "$W/moved"
	rm "$W/links/parent" && ln -s elsewhere "$W/links/parent"
	fallocate -p -o 65536 -l 65536 "$W/sizes/n1048577" 2>/dev/null || :
	: >"$W/holes/all"
	night t
	ended 0
	same_as_local "$W"
	comes_back "$SNAP" "$W" /install
	sound
}

@test "paths longer than any system call takes" {
	deep_source
	tree_node "$SRC"
	night t
	# GNU find and tar know their way down there, or say where they do not
	ended '0|1' || :
	[ "$STATUS" -le 1 ]
	sound
	if [ "$STATUS" -eq 0 ]; then
		same_as_local "$SRC"
	fi
}

@test "names that a shell, tar or find could take for something else" {
	local W=$T/tree
	mkdir -p "$W/-C" "$W/--help" "$W/dir with 'quotes'"
	(
		cd "$W"
		echo 1 >-rf && echo 2 >-T && echo 3 >'--to-command=touch x'
		echo 4 >$'new\nline' && echo 5 >$'-\n./-C\n' && echo 6 >'$(touch pwned)'
		echo 7 >'`touch pwned`' && echo 8 >"'; touch pwned; '"
		echo 9 >"dir with 'quotes'/\\\"x" && echo 10 >-C/-- && echo 11 >@list
		echo 12 >'a\nb' && echo 13 >'a\\nb' && echo 14 >'*' && echo 15 >'~'
	)
	tree_node "$W"
	night t
	ended 0
	same_as_local "$W"
	comes_back "$SNAP" "$W" /install
	not test -e "$(mn_folder t)/root/root/pwned"
	equal "$(find "$W" "$(mn_folder t)/root/root" "$T/ssh" -name pwned)" ''
}

# --- files that do not stand still ---------------------------------------------------

@test "files that vanish, grow and shrink while they are read" {
	local W=$T/tree i
	many_files "$W"
	tree_node "$W"
	without_xcat
	perl -e 'chdir $ARGV[0] or die; my $n = 0;
		for (;;) {
			my $i = 1 + int(rand 3000);
			my $name = sprintf("d%02d/f%d", $i % 40, $i);
			my $what = $n++ % 4;
			if ($what == 0) { unlink $name }
			elsif ($what == 1) { truncate $name, int(rand 600) }
			elsif ($what == 2) { rename $name, "$name.moved" }
			elsif (open(my $f, ">>", $name)) { print $f "more " x 5000 }
			select(undef, undef, undef, 0.0005) if $n % 3 == 0;
		}' "$W" 3>&- 4>&- &
	local writer=$!
	for i in 1 2 3; do
		night t
		ended 1
		[ -n "$SNAP" ]
	done
	kill "$writer"
	wait "$writer" || :
	jq -r '.reports[].kind' "$V"/snapshots/t/*.json | sort | uniq -c >&2
	sound
	night t
	# only that there is no database
	equal "$(json "$SNAP" '[.reports[] | select(.kind != "database")] | length')" 0
	same_as_local "$W"
	comes_back "$SNAP" "$W" /install
}

@test "what the login may not read is named, and the rest is stored" {
	local W=$T/tree
	mkdir -p "$W/open" "$W/shut" "$W"/$'shut\nup'
	echo 1 >"$W/open/file"
	echo 2 >"$W/open/private"
	echo 3 >"$W/open/"$'pri\nvate: \\n'
	echo 4 >"$W/shut/x"
	noise 1 9000000 | tee "$W/open/large" >"$W/open/private-large"
	chmod 0600 "$W/open/pri"*
	chmod 0700 "$W"/shut*
	tree_node "$W"
	local home
	home=$(mn_folder t)/root/home/admin
	mkdir -p "$home/.ssh"
	cp "$(mn_folder t)/ssh/id_ed25519.pub" "$home/.ssh/authorized_keys"
	chmod -R a+rX "$home"
	sed -i 's/root@127/admin@127/' "$XCATVAULT_CONFIG"
	night t
	ended 1
	equal "$(json "$SNAP" '[.reports[] | select(.kind == "unreadable").path] | sort | join(" ")')" \
	    '/install/open/pri\012vate:\040\134n /install/open/private /install/open/private-large /install/shut /install/shut\012up'
	equal "$(json "$SNAP" '[.reports[] | select(.kind == "unreadable") | .message | test("Permission denied")] | all')" true
	exits 0 xv ls "$SNAP" /install/open
	grep -q 'file' "$T/out"
	exits 0 xv cat "$SNAP" /install/open/file
	equal "$(cat "$T/out")" 1
	# nor one of which the digest would be asked for first
	noise 2 9000000 >"$W/open/private-late"
	chmod 0600 "$W/open/private-late"
	night t
	ended 1
	equal "$(json "$SNAP" '.reports[] | select(.path == "/install/open/private-late") | "\(.kind) \(.message | test("Permission denied"))"')" \
	    'unreadable true'
	sound
}

# --- large files -------------------------------------------------------------------------

# read_bytes: of the contents of /install, fetched by the night behind
read_bytes()
{
	json "$SNAP" '.volumes[] | select(.path == "/install").read_bytes'
}

@test "a large file that moved, or that another node has, is not fetched again" {
	local W=$T/tree strange=$'new\nli\\ne'
	mkdir "$W"
	noise 5 12582912 >"$W/image"
	truncate -s 16M "$W/sparse"
	noise 6 100000 | dd of="$W/sparse" bs=64K seek=30 conv=notrunc status=none
	tree_node "$W"
	night t
	ended 0
	equal "$(read_bytes)" $((12582912 + 16777216))
	mv "$W/image" "$W/$strange"
	cp --sparse=always "$W/sparse" "$W/sparse-copy"
	setfattr -n user.of -v copy "$W/sparse-copy" 2>/dev/null || :
	chmod 0600 "$W/sparse-copy"
	night t
	ended 0
	equal "$(read_bytes)" 0
	same_as_local "$W"
	comes_back "$SNAP" "$W" /install
	# the same size, another content
	noise 7 12582912 >"$W/other"
	night t
	ended 0
	equal "$(read_bytes)" 12582912
	# another node
	mkdir "$T/second"
	cp "$W/other" "$T/second/mine"
	mn_start u --volume "/install=$T/second"
	site u u 'volumes = ( "/install" );'
	night u
	ended 0
	equal "$(read_bytes)" 0
	comes_back "$SNAP" "$T/second" /install
	# without sha256sum there it comes by the wire, and is right as well
	mn_fault t tools=sha256sum
	mv "$W/other" "$W/another"
	night t
	ended 0
	equal "$(read_bytes)" 12582912
	same_as_local "$W"
	sound
}

@test "a digest that takes longer than the connection may be silent" {
	local W=$T/tree
	mkdir "$W"
	noise 5 9000000 >"$W/image"
	tree_node "$W"
	without_xcat
	night t
	ended 1
	mv "$W/image" "$W/moved"
	sed -i 's/idle_timeout = [0-9]*/idle_timeout = 2/' "$XCATVAULT_CONFIG"
	cat >"$(mn_folder t)/usr-local/bin/sha256sum" <<-'END'
	#!/bin/sh
	sleep 5
	exec /usr/bin/sha256sum "$@"
	END
	chmod 755 "$(mn_folder t)/usr-local/bin/sha256sum"
	night t
	rm "$(mn_folder t)/usr-local/bin/sha256sum"
	ended 1
	unsaid 'connection lost'
	equal "$(read_bytes)" 0
	comes_back "$SNAP" "$W" /install
}

@test "a large file that changes behind its digest is not taken for the one known" {
	local W=$T/tree
	mkdir "$W"
	noise 5 9000000 >"$W/image"
	tree_node "$W"
	without_xcat
	night t
	ended 1
	cp "$W/image" "$W/copy"
	cat >"$(mn_folder t)/usr-local/bin/sha256sum" <<-'END'
	#!/bin/sh
	/usr/bin/sha256sum "$@" || exit
	printf changed | dd of=copy bs=1 seek=4000000 conv=notrunc status=none
	END
	chmod 755 "$(mn_folder t)/usr-local/bin/sha256sum"
	night t
	rm "$(mn_folder t)/usr-local/bin/sha256sum"
	exits 0 xv cat "$SNAP" /install/copy
	cmp "$T/out" "$W/copy"
	night t
	exits 0 xv cat "$SNAP" /install/copy
	cmp "$T/out" "$W/copy"
}

# --- a night that is cut off --------------------------------------------------------------

@test "SIGINT and SIGTERM in the middle: what came is kept, and not fetched again" {
	local W=$T/tree signal total
	many_files "$W"
	tree_node "$W"
	without_xcat
	total=$(find "$W" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')
	for signal in INT TERM; do
		rm -rf "$V" "$T/cache"
		new_vault
		slow_tar 3000000
		night_begins t
		begun
		sleep 0.5
		kill -"$signal" "$NIGHT"
		night_is_over
		ended 2
		equal "$(snapshot_count)" 0
		grep -q 'what is stored of t so far is kept' "$T/err"
		fast_tar
		nothing_left t
		night t
		ended 1
		grep -q 'going on from where' "$T/err"
		[ "$(read_bytes)" -lt $((total - 200000)) ]
		same_as_local "$W"
		comes_back "$SNAP" "$W" /install
		sound
	done
}

@test "a second run of a site that still runs: status 4" {
	local W=$T/tree
	many_files "$W"
	tree_node "$W"
	slow_tar 2000000
	night_begins t
	begun
	exits 4 xv backup t
	complains 'site t|locked|runs'
	fast_tar
	kill -TERM "$NIGHT"
	night_is_over
	ended 2
	night t
	ended 0
}

# sshds PID: the sshd processes that came of it, the last first
sshds()
{
	local child

	while read -r child; do
		sshds "$child"
		[[ $(cat "/proc/$child/comm" 2>/dev/null) != sshd* ]] ||
		    echo "$child"
	done < <(sshd_children "$1")
}

# cut_connections NODE all|one: as a network that goes away does: what they ran
# is not killed, but hears no more
cut_connections()
{
	local listener child pid children

	listener=$(sshd_children "$(cat "$(mn_folder "$1")/pid")" | head -n 1)
	mapfile -t children < <(sshd_children "$listener")
	[ "${#children[@]}" -gt 0 ] || return 0
	[ "$2" = all ] || children=("${children[RANDOM % ${#children[@]}]}")
	for child in "${children[@]}"; do
		for pid in "$child" $(sshds "$child"); do
			kill -KILL "$pid" 2>/dev/null || :
		done
	done
}

@test "connections cut at 20 random points of a first backup, which then completes" {
	local W=$T/tree i seed total how want went_on=0 resumed=0
	many_files "$W"
	tree_node "$W"
	total=$(find "$W" -type f -printf '%s\n' | awk '{ n += $1 } END { print n }')
	exits 0 xv backup --site here --volume "$W=/install"
	want=$(root "$(snapshot_id "$(cat "$T/out")")")
	without_xcat
	slow_tar 12000000
	for i in {1..20}; do
		seed=$((${XCATVAULT_TEST_SEED:-$$} + i))
		RANDOM=$seed
		rm -rf "$V" "$T/cache"
		new_vault
		how=$([ $((RANDOM % 2)) -eq 0 ] && echo all || echo one)
		night_begins t
		sleep "$(printf '0.%03d' $((50 + RANDOM % 950)))"
		# shellcheck disable=SC2086
		cut_connections t $how
		night_is_over
		echo "seed $seed: $how: $(tail -n 1 "$T/err" "$T/out" | tr '\n' ' ')"
		case $STATUS in
		1)
			went_on=$((went_on + 1))
			;;
		2)
			equal "$(snapshot_count)" 0
			if grep -q 'so far is kept' "$T/err"; then
				resumed=$((resumed + 1))
			fi
			night t
			ended 1
			;;
		*)
			ended 1
			;;
		esac
		equal "$(root "$SNAP")" "$want"
		equal "$(json "$SNAP" '[.reports[] | select(.kind != "database")] | length')" 0
		[ $((i % 5)) -ne 0 ] || sound
	done
	echo "went on by itself: $went_on; kept and resumed: $resumed"
	comes_back "$SNAP" "$W" /install
	[ "$went_on" -gt 0 ]
}

@test "a large file goes on where the connection was cut" {
	local W=$T/tree got
	mkdir "$W"
	noise 77 24000000 >"$W/large"
	echo before >"$W/a"
	echo behind >"$W/z"
	tree_node "$W"
	without_xcat
	# the first connection is the one that commands are run in
	on mn_proxy t -,9000000,6000000
	cat "$MN_SSH/known_hosts" >>"$T/ssh/known_hosts"
	sed -i -e "s/127.0.0.1:[0-9]*/127.0.0.1:$MN_PORT/" \
	    -e "s/dump_timeout/lanes = 1; &/" "$XCATVAULT_CONFIG"
	night t
	ended 1
	got=$(sed -n "s/^[a-z]* after \([0-9]*\) bytes\$/\1/p" \
	    "$MN_DIR/proxy.log" | awk "{ n += \$1 } END { print n }")
	equal "$(grep -c "^cut after" "$MN_DIR/proxy.log")" 2
	# a third of what was cut off may have been under way
	[ "$got" -lt 29000000 ] || { cat "$MN_DIR/proxy.log"; false; }
	comes_back "$SNAP" "$W" /install
	sound
}

@test "the connection is cut while xCAT dumps: status 2, nothing left, then a night" {
	mkdir "$T/tree"
	echo x >"$T/tree/x"
	tree_node "$T/tree"
	on mn_fault t dump=slow:200
	on mn_sh t dumpxCATdb -p /.dbbackup
	dbbackup t >"$T/before"
	sed -i 's/dump_timeout = 3;/dump_timeout = 60;/' "$XCATVAULT_CONFIG"
	night_begins t
	until [ -n "$(on mn_sh t find / -maxdepth 1 -name '.xcatvault-dump.*')" ] ||
	    ! kill -0 "$NIGHT"; do
		sleep 0.05
	done
	cut_connections t all
	night_is_over
	ended 2
	complains 't: .*(connection|lost|closed)'
	on mn_fault t clear
	nothing_left t
	dbbackup t >"$T/after"
	diff "$T/before" "$T/after"
	night t
	ended 0
	proper_dbbackup t
}

@test "a node that hangs up on who says nothing for a while" {
	local W=$T/tree
	mkdir "$W"
	noise 5 6000000 >"$W/first"
	mn_start t --volume "/install=$W"
	mn_populate t >/dev/null
	echo log | mn_sh t tee /var/log/xcat/one.log >/dev/null
	# as hardened nodes have it, but sooner
	mn_sh t sh -c 'printf "%s\n" "ClientAliveInterval 1" "ClientAliveCountMax 1" \
	    >>/etc/ssh/sshd_config; kill -HUP "$(pgrep -o sshd)"'
	site t t 'volumes = ( "/install", "/var/log/xcat", "/.dbbackup" );'
	slow_tar 1000000
	night t
	fast_tar
	ended 0
	equal "$(volumes "$SNAP")" '/.dbbackup /install /var/log/xcat'
}

@test "the node goes away for good: status 2 in good time" {
	local tries=0

	T=$BATS_FILE_TMPDIR/gone
	V=$T/vault
	XCATVAULT_VAULT=$(vault_name "$V")
	while [ ! -e "$T/ended" ] && [ $tries -lt 600 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
	cat "$T.log"
	read -r STATUS SECONDS <"$T/ended"
	ended 2
	[ "$SECONDS" -lt 90 ]
	grep -q 'so far is kept' "$T/err"
	equal "$(snapshot_count)" 0
	XCATVAULT_CACHE=$T/cache sound
}

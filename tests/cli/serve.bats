#!/usr/bin/env bats
# shellcheck disable=SC2153
# The far side of an ssh vault: append-only, hostile clients, lost connections.
# (That all commands work on such a vault is told by the other suites, which
# run once with XCATVAULT_TEST_VAULT=ssh.)

load common

setup()
{
	! over_ssh || skip "starts servers of its own"
	scratch
	sshd_start node
	export XCATVAULT_REMOTE_PROGRAM=$XCATVAULT
	FAR=ssh://$SSHD_ADDRESS$V
	export XCATVAULT_VAULT=$FAR
}

teardown()
{
	sshd_stop
	clean
}

# forced COMMAND: what the key may start from now on, whatever is asked for
forced()
{
	echo "command=\"$1\",restrict $(cat "$XCATVAULT_SSH_DIR/id_ed25519.pub")" \
	    >"$SSHD_DIR/authorized_keys"
}

append_only()
{
	forced "$XCATVAULT serve --append-only $V"
}

# stamps: what would tell of a change to anything that was stored
stamps()
{
	find "$V" -type f ! -path '*/locks/*' -exec sha256sum {} + | sort
}

# ask: perl's hex of requests on stdin ("TYPE BODY..." a line, BODY in words as
# pack's: "4:N" a number of N bytes, "=NAME" a name); prints TYPE and text of
# each answer by a server of $V with these arguments
ask()
{
	perl -e '
		use IPC::Open2;
		$SIG{PIPE} = "IGNORE";
		my $id = 0;
		my @all = map { chomp; $_ } <STDIN>;
		my $pid = open2(my $in, my $out, @ARGV);
		binmode $in; binmode $out;
		read($in, my $greeting, 16) == 16 or exit 1;
		for my $line (@all) {
			my ($type, @words) = split / /, $line;
			my $body = "";
			for (@words) {
				$body .= /^=(.*)/ ? pack("n", length $1) . $1 :
				    /^8:(.*)/ ? pack("Q>", $1) :
				    /^4:(.*)/ ? pack("N", $1) :
				    /^1:(.*)/ ? chr($1) : die;
			}
			syswrite($out, pack("NCN", length $body, $type, ++$id) . $body);
			for (;;) {
				read($in, my $head, 9) == 9 or print("gone\n"), exit;
				my ($len, $t, $i) = unpack("NCN", $head);
				$len == 0 or read($in, my $b, $len);
				$b //= "";
				$b =~ s/[^ -~]+/./g;
				print "$t $b\n";
				last if $t != 65;
			}
		}
		close $out;
		waitpid($pid, 0);
		print "status ", $? >> 8, "\n";' "$XCATVAULT" "$@"
}

@test "append-only by a forced command: backups go in, and everything comes out" {
	plain_tree "$T/src"
	exits 0 xv -V "$V" init
	append_only
	take --volume "$T/src=/v"
	# shellcheck disable=SC2153 # set by take
	local first=$SNAP
	cp -a "$T/src" "$T/first"
	stamps >"$T/stamps"
	echo more >"$T/src/more"
	rm "$T/src/bin/large"
	take --volume "$T/src=/v"
	exits 0 xv list
	grep -q "$first" "$T/out"
	sound "$FAR"
	sound
	comes_back latest "$T/src" /v
	comes_back "$first" "$T/first" /v
	exits 0 xv export latest /v -o "$T/v.tar.zst"
	# what was there is as it was
	stamps | comm -13 - "$T/stamps" >"$T/gone"
	[ ! -s "$T/gone" ]
	# nothing but the server is to be had
	exits 0 ssh -F /dev/null -i "$XCATVAULT_SSH_DIR/id_ed25519" \
	    -o UserKnownHostsFile="$XCATVAULT_SSH_DIR/known_hosts" \
	    -p "$SSHD_PORT" "$SSHD_USER@127.0.0.1" "rm -rf $V; id" </dev/null
	equal "$(tr -d '\0' <"$T/out")" xcatvault-serve
	sound
}

@test "append-only: the vault is made by it, and by no other name" {
	append_only
	exits 0 xv init
	[ -s "$V/vault.json" ]
	exits 3 xv init
	complains 'already'
	exits 3 xv -V "$FAR/../other" init
	complains 'asked for'
	exits 3 xv -V "ssh://$SSHD_ADDRESS$T/other" init
	complains 'asked for'
	[ ! -e "$T/other" ]
	# the same directory by another name is the same
	ln -s vault "$T/alias"
	exits 0 xv -V "ssh://$SSHD_ADDRESS$T/alias" list
}

@test "append-only: nothing is removed, replaced, marked" {
	plain_tree "$T/src"
	exits 0 xv -V "$V" init
	append_only
	take --volume "$T/src=/v"
	stamps >"$T/stamps"
	local pack snap
	pack=$(packs | sed -n 1p)
	pack=${pack#"$V/"}
	snap=$(snapshot_files)
	snap=${snap#"$V/"}
	ask serve --append-only "$V" >"$T/said" <<-END
	1 4:1 1:0 =$V
	12 =$pack
	12 =$snap
	12 =vault.json
	12 =damaged/nothing
	7
	9 4:6 1:0 =$pack
	7
	9 4:8 1:1 =$snap
	7
	9 4:10 1:1 =damaged/$(basename "$pack" .pack)
	7
	9 4:12 1:1 =recover.sh
	END
	equal "$(cut -d' ' -f1 "$T/said" | paste -sd' ')" \
	    "64 66 66 66 64 64 66 64 66 64 66 64 66 status"
	equal "$(grep -c 'append-only' "$T/said")" 6
	equal "$(grep -c 'not what the name says' "$T/said")" 1
	stamps | cmp - "$T/stamps"
	equal "$(find "$V/tmp" -type f)" ""
}

@test "append-only: damage is healed, also under the name of the damaged pack" {
	plain_tree "$T/src"
	exits 0 xv -V "$V" init
	append_only
	take --threads 1 --volume "$T/src=/v"
	local pack
	pack=$(packs_of data)
	flip "$pack" 5000
	# found from afar, noted where the vault lies
	exits 5 xv verify --read-data
	equal "$(ls "$V/damaged")" ""
	exits 5 xv -V "$V" verify --read-data
	exits '0|1' xv backup --threads 1 --site s --volume "$T/src=/v"
	sound
	comes_back latest "$T/src" /v
	# all of it is lost, so that the same pack is made again
	pack=$(packs_of data | sed -n 1p)
	rm -r "$V/packs" "$V/damaged" "$V/snapshots" "$XCATVAULT_CACHE"
	mkdir "$V/packs" "$V/damaged" "$V/snapshots"
	mkdir -p "$(dirname "$pack")"
	take --threads 1 --volume "$T/src=/v"
	pack=$(packs_of data)
	rm -r "${V:?}/snapshots/s" "$XCATVAULT_CACHE"
	truncate -s 3000 "$pack"
	: >"$V/damaged/$(basename "$pack" .pack)"
	exits '0|1' xv backup --threads 1 --site s --volume "$T/src=/v"
	[ "$(stat -c %s "$pack")" -gt 3000 ]
	equal "$(ls "$V/damaged")" ""
	sound
	comes_back latest "$T/src" /v
}

@test "hostile names and messages: refused, nothing outside the vault is touched" {
	exits 0 xv -V "$V" init
	echo secret >"$T/secret"
	ask serve "$V" >"$T/said" <<-END
	1 4:1 1:0 =$V
	4 =../secret
	4 =packs/../../secret
	4 =$T/secret
	2 8:1000 =../secret
	3 1:0 =..
	3 1:0 =/
	11 =packs/../x
	11 =snapshots/../../x
	12 =../secret
	12 =locks/vault
	13 1:1 =../x
	7
	9 4:13 1:1 =../planted
	7
	9 4:15 1:1 =tmp/planted
	5 4:99 8:0 4:10
	8 4:99
	6 4:99
	15
	END
	equal "$(cut -d' ' -f1 "$T/said" | sort | uniq -c | tr -s ' \n' ' ')" \
	    " 4 64 16 66 1 status "
	equal "$(cat "$T/secret")" secret
	not grep -q secret.secret "$T/said"
	equal "$(find "$T" -maxdepth 1 -newer "$T/secret" -name 'x' -o -name planted)" ""
	equal "$(find "$V/tmp" "$V/packs" "$V/snapshots" -mindepth 1)" ""
	# another vault than its own; no hello; another version
	ask serve "$V" <<<"1 4:1 1:0 =/etc" | grep -q 'asked for'
	ask serve "$V" <<<"4 =vault.json" | grep -q gone
	ask serve "$V" <<<"1 4:2 1:0 =$V" | grep -q 'version 2'
	head -c 3000 /dev/urandom >"$T/noise"
	exits '0|2' xv serve "$V" <"$T/noise"
	sound
}

@test "serve: usage, a directory that is none, a terminal" {
	exits 3 xv serve
	exits 3 xv serve a b
	exits 3 xv serve --no-such-option "$V"
	exits 3 xv list
	complains 'no such file'
	exits 3 xv -V "ssh://$SSHD_ADDRESS" list
	complains 'no directory'
	exits 3 xv -V "ssh://$SSHD_ADDRESS/" list
	exits 3 xv -V "ssh://" list
	exits 3 xv -V "ssh://-oProxyCommand=x/v" list
	exits 0 script -qec "'$XCATVAULT' serve '$V'; echo status \$?" /dev/null
	says 'status 3'
	says 'ssh'
}

@test "a vault below the home of the user there" {
	# which is the real one here, so nothing may be made in it
	local far=ssh://$SSHD_ADDRESS/~/../../../../..$V

	exits 0 xv -V "$far" init
	[ -s "$V/vault.json" ]
	exits 0 xv -V "$far//" list
	exits 3 xv -V "ssh://$SSHD_ADDRESS/~/no-such-vault" list
	complains '\./no-such-vault'
}

@test "a far side without xcatvault; one that is no server" {
	XCATVAULT_REMOTE_PROGRAM=no-such-xcatvault exits 2 xv list
	complains 'no "no-such-xcatvault" there.*install'
	XCATVAULT_REMOTE_PROGRAM=/bin/false exits 2 xv list
	complains 'status 1'
	# words in a name are no words of a shell
	XCATVAULT_REMOTE_PROGRAM="x; touch $T/planted" exits 2 xv list
	exits 3 xv -V "ssh://$SSHD_ADDRESS$T/\$(touch $T/planted)" list
	[ ! -e "$T/planted" ]
}

@test "a far side whose shell has something to say first" {
	exits 0 xv init
	forced "echo Welcome to the machine; $XCATVAULT serve $V"
	exits 2 xv list
	complains '"Welcome to the machine" before .*bashrc'
	forced "printf 'xcat'; $XCATVAULT serve $V"
	exits 2 xv list
	complains 'printed'
	forced "sleep 1; echo oops >&2; exit 7"
	exits 2 xv list
	complains 'oops'
	# on stderr it may say what it likes
	forced "echo Welcome >&2; $XCATVAULT serve $V"
	exits 0 xv list
}

# begin_large PACKS: a backup of 56 MB in the background, BACKUP, that has
# stored so many packs
begin_large()
{
	local i

	exits 0 xv -V "$V" init
	sed -i -e 's/"pack_bytes": *[0-9]*/"pack_bytes": 2097152/' \
	    "$V/vault.json"
	mkdir -p "$T/src"
	for i in 1 2 3 4 5 6 7 8; do
		noise "$i" 7000000 >"$T/src/f$i"
	done
	xv backup --site s --volume "$T/src=/v" >"$T/out" 2>"$T/err" \
	    3>&- 4>&- &
	BACKUP=$!
	for ((i = 0; i < 6000; i++)); do
		[ "$(packs | wc -l)" -lt "$1" ] || return 0
		sleep 0.01
	done
	echo "no pack comes"
	return 1
}

# until_quiet COMMAND...: it succeeds within a minute
until_quiet()
{
	local i

	for ((i = 0; i < 600; i++)); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	"$@"
}

# program_of PID: the program that xv runs below it
program_of()
{
	local pid

	for pid in $(sshd_tree "$1"); do
		[ "$(readlink "/proc/$pid/exe")" != "$XCATVAULT" ] || echo "$pid"
	done
}

nothing_in_tmp()
{
	[ -z "$(find "$V/tmp" -type f)" ]
}

@test "the connection is cut in the middle of a backup: one line, the vault is valid, the next resumes" {
	local got=0 points=0 at n

	for at in 1 6; do
		rm -rf "$V" "$XCATVAULT_CACHE"
		begin_large "$at"
		sshd_cut node
		got=0
		wait "$BACKUP" || got=$?
		# it may have been quicker
		[ $got -ne 0 ] || continue
		points=$((points + 1))
		equal "$got" 2 "exit status"
		complains 'connection lost|ended'
		equal "$(snapshot_count)" 0
		n=$(packs | wc -l)
		[ "$n" -ge "$at" ]
		sound
		until_quiet xv backup --site s --volume "$T/src=/v"
		nothing_twice
		nothing_in_tmp
		sound "$FAR"
		comes_back latest "$T/src" /v
	done
	[ $points -ge 1 ]
}

@test "a client that is killed: its locks go, what it had not finished goes" {
	local got=0 tree

	begin_large 1
	tree=$(sshd_tree "$BACKUP")
	# shellcheck disable=SC2086
	kill -STOP $tree
	# the lock is held while it runs
	exits 4 xv backup --site s --volume "$T/src=/v"
	complains 'locked'
	# shellcheck disable=SC2086
	kill -KILL $tree
	{ wait "$BACKUP"; } 2>/dev/null || got=$?
	[ $got -ne 0 ]
	until_quiet nothing_in_tmp
	equal "$(snapshot_count)" 0
	exits 0 xv backup --site s --volume "$T/src=/v"
	nothing_twice
	sound
	comes_back latest "$T/src" /v
}

@test "a client that is told to end: nothing published, nothing left, no lock" {
	local got=0

	begin_large 1
	kill -TERM "$(program_of "$BACKUP")"
	wait "$BACKUP" || got=$?
	equal "$got" 2 "exit status"
	# in order, and not as if the connection had been lost
	equal "$(tail -n 1 "$T/err")" "xcatvault: interrupted (Terminated)"
	not grep -q lost "$T/err"
	equal "$(snapshot_count)" 0
	nothing_in_tmp
	exits 0 xv backup --site s --volume "$T/src=/v"
	nothing_twice
	sound
}

@test "two clients at once, one of them on the spot" {
	local got=0 tree

	begin_large 1
	tree=$(sshd_tree "$BACKUP")
	# shellcheck disable=SC2086
	kill -STOP $tree
	mkdir "$T/other"
	noise 1 3000000 >"$T/other/f"
	exits 0 xv backup --site other --volume "$T/other=/v"
	exits 4 xv -V "$V" backup --site s --volume "$T/src=/v"
	complains 'locked'
	# shellcheck disable=SC2086
	kill -CONT $tree
	wait "$BACKUP" || got=$?
	equal "$got" 0
	equal "$(snapshot_count)" 2
	sound
	comes_back s "$T/src" /v
	comes_back other "$T/other" /v
}

@test "the connection is cut while reading: status 2, and nothing is called damaged" {
	local got=0 command

	begin_large 1
	wait "$BACKUP"
	for command in "verify --read-data" "restore latest --to $T/to" \
	    "cat latest /v/f1"; do
		rm -rf "$T/to"
		# shellcheck disable=SC2086
		held_start recvfrom,read:when=60+400 "$XCATVAULT" $command
		held_next .
		sshd_cut node
		held_go
		held_end
		equal "$HELD_STATUS" 2 "exit status of $command"
		complains 'connection lost|ended'
	done
	equal "$(ls "$V/damaged")" ""
	sound "$FAR"
}

@test "a disk that fills up on the far side" {
	private_mounts full_far
}
full_far()
{
	trap sshd_stop EXIT
	sshd_stop
	small_fs "$T/fs" 7m
	V=$T/fs/vault
	sshd_start node
	XCATVAULT_VAULT=ssh://$SSHD_ADDRESS$V
	new_vault small
	plain_tree "$T/src"
	noise 1 6000000 >"$T/src/one"
	noise 2 6000000 >"$T/src/two"
	exits 2 xv backup --site s --volume "$T/src=/v"
	complains 'no space left'
	[ ! -s "$T/out" ]
	equal "$(snapshot_count)" 0
	equal "$(find "$V/tmp" -type f)" ""
	sound
	mount -o remount,size=64m "$T/fs"
	exits 0 xv backup --site s --volume "$T/src=/v"
	nothing_twice
	sound
	comes_back latest "$T/src" /v
}

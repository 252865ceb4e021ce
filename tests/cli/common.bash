# shellcheck shell=bash
# shellcheck disable=SC2015,SC2034
# Helpers of the command-line tests.  Loaded by each .bats file:
#
#	load common
#	setup() { scratch; }
#	teardown() { clean; }
#
# $XCATVAULT_TEST_VAULT tells which kind of vault the program works on: "ssh" or,
# by default, a directory.  With "ssh" each name of a directory that it is given
# for a vault becomes ssh://...; $V is the directory all the same, for what a
# test looks at or does to it behind the program's back.  directory_only skips
# a test that is about the directory itself.
#
# $XCATVAULT names the program (default: build/xcatvault of this source tree).
# Each test has a directory $T, a vault path $V (not yet made) and an index
# cache of its own.  Trees that many tests only read are made once a run, see
# nasty_source().

bats_require_minimum_version 1.5.0

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
XCATVAULT=$(realpath -m "${XCATVAULT:-$TESTS/../build/xcatvault}")
export XCATVAULT
export LC_ALL=C TZ=UTC

# an sshd within a test: sshd_start and others
# shellcheck source=tests/cli/sshd.bash
. "${BASH_SOURCE[0]%/*}/sshd.bash"

# --- scratch ---------------------------------------------------------------

scratch()
{
	T=$BATS_TEST_TMPDIR
	V=$T/vault
	export T V
	export XCATVAULT_VAULT XCATVAULT_CACHE=$T/cache
	XCATVAULT_VAULT=$(vault_name "$V")
	export HOME=$T XDG_CACHE_HOME=$T/xdg-cache XDG_CONFIG_HOME=$T/xdg-config
	export XCATVAULT_CONFIG=$T/xcatvault.conf
	HELD=
	umask 022
	cd "$T" || return 1
	[ -x "$XCATVAULT" ] || {
		echo "no program at $XCATVAULT (run make, or set XCATVAULT)"
		return 1
	}
}

clean()
{
	[ -z "${HELD-}" ] || held_kill
	[ -z "${OPEN_DIR-}" ] || rm -rf -- "$OPEN_DIR"
	# so that bats can delete what it made when not root
	[ "$(id -u)" -eq 0 ] || chmod -R u+rwX -- "$BATS_TEST_TMPDIR" || :
}

over_ssh()
{
	[ "${XCATVAULT_TEST_VAULT-}" = ssh ]
}

directory_only()
{
	! over_ssh || skip "is about a directory${1:+: $1}"
}

# vault_name DIR: what the program is to call the vault there
vault_name()
{
	if over_ssh && [ "${1#/}" != "$1" ]; then
		echo "ssh://$SSHD_ADDRESS$1"
	else
		echo "$1"
	fi
}

# xv ARG...: the program, which must not hang
xv()
{
	local args=("$@") i vault=${XCATVAULT_VAULT-}

	if over_ssh; then
		for ((i = 0; i < ${#args[@]}; i++)); do
			case ${args[i]} in
			-V | --vault)
				i=$((i + 1))
				args[i]=$(vault_name "${args[i]}")
				;;
			--vault=*)
				args[i]=--vault=$(vault_name "${args[i]#*=}")
				;;
			esac
		done
		[ -z "$vault" ] || vault=$(vault_name "$vault")
		local -x XCATVAULT_VAULT=$vault
	fi
	timeout -k 5 "${XCATVAULT_TEST_TIMEOUT:-120}" "$XCATVAULT" \
	    ${args[@]+"${args[@]}"}
}

# hurry: from here on no command of this test may take long, as one that waits
# for a lock would
hurry()
{
	export XCATVAULT_TEST_TIMEOUT=20
}

# new_vault [small]: makes $V; small: with packs closed at 1 MiB (a parameter of
# the vault's own), so that small tests get several packs
new_vault()
{
	xv init >/dev/null
	[ "${1-}" != small ] || sed -i \
	    -e 's/"pack_bytes": *[0-9]*/"pack_bytes": 1048576/' \
	    -e 's/"frame": *[0-9]*/"frame": 262144/' "$V/vault.json"
}

# take [ARG...]: a backup that must end with status 0; sets SNAP
take()
{
	local out

	out=$(xv backup --site s "$@")
	SNAP=$(snapshot_id "$out")
	[ -n "$SNAP" ]
}

# snapshot_id TEXT: the id that the summary line of a backup names
snapshot_id()
{
	sed -nE 's/^snapshot ([0-9a-f]{16}) .*/\1/p' <<<"$1"
}

# noise SEED BYTES: the same pseudo-random bytes on every machine
noise()
{
	head -c "$2" /dev/zero | openssl enc -aes-128-ctr -nosalt \
	    -K "$(printf '%032x' "$1")" -iv 00000000000000000000000000000000
}

# plain_tree DIR: a small tree without anything special
plain_tree()
{
	mkdir -p "$1/etc/conf.d" "$1/bin" "$1/empty"
	echo "host = mn1" >"$1/etc/site.conf"
	echo "net = 10.0.0.0/8" >"$1/etc/net.conf"
	echo "zone" >"$1/etc/conf.d/10-zone.conf"
	: >"$1/etc/conf.d/empty"
	noise 41 5000 >"$1/bin/tool"
	chmod 0755 "$1/bin/tool"
	noise 42 700000 >"$1/bin/large"
	ln "$1/bin/tool" "$1/bin/tool-too"
	ln -s ../bin/tool "$1/etc/link"
	touch -d '2024-01-02 03:04:05.678901234' "$1/etc/site.conf" "$1/empty"
}

# nasty_source, deep_source: sets SRC to the fidelity tree, made once a run
nasty_source()
{
	SRC=$(once nasty)
}

deep_source()
{
	SRC=$(once deep --deep)
}

once()
{
	local dir=$BATS_RUN_TMPDIR/trees

	mkdir -p "$dir"
	(
		flock 9
		[ -e "$dir/$1.made" ] || {
			rm -rf "${dir:?}/$1"
			"$TESTS/cli/nasty_tree.sh" "${@:2}" "$dir/$1" >&2
			: >"$dir/$1.made"
		}
	) 9>"$dir/lock"
	echo "$dir/$1"
}

# --- what a test needs -------------------------------------------------------

need_root()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root${1:+: $1}"
}

need()
{
	local tool

	for tool; do
		command -v "$tool" >/dev/null || skip "needs $tool"
	done
}

need_strace()
{
	need strace
	strace -f -qq -o /dev/null -e trace=none true 2>/dev/null ||
	    skip "strace may not trace here"
	# a sanitizer cannot look for leaks in what is traced
	export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0"
}

# unprivileged DIR ARG...: the program as a user without privileges, who owns
# the world-reachable directory that open_dir made
unprivileged()
{
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups \
		    --no-new-privs --inh-caps=-all \
		    env HOME="$OPEN_DIR" XCATVAULT_CACHE="$OPEN_DIR/cache" \
		    XCATVAULT_VAULT="$OPEN_DIR/vault" "$@"
	else
		env HOME="$OPEN_DIR" XCATVAULT_CACHE="$OPEN_DIR/cache" \
		    XCATVAULT_VAULT="$OPEN_DIR/vault" "$@"
	fi
}

# open_dir: sets OPEN_DIR, a directory of the unprivileged user, with a copy of
# the program in it (a build directory may be closed to that user)
open_dir()
{
	need setpriv
	OPEN_DIR=$(mktemp -d "${TMPDIR:-/tmp}/xcatvault-test.XXXXXX")
	cp "$XCATVAULT" "$OPEN_DIR/xcatvault"
	chmod 0755 "$OPEN_DIR" "$OPEN_DIR/xcatvault"
	[ "$(id -u)" -ne 0 ] || chown 65534:65534 "$OPEN_DIR"
	unprivileged test -x "$OPEN_DIR/xcatvault" ||
	    skip "no directory that another user can reach"
}

# private_mounts FUNCTION [ARG...]: runs it in a mount namespace of its own,
# so that whatever it mounts is gone when it ends, however it ends.  In there
# each command must succeed, and "exits STATUS COMMAND..." tests others.
private_mounts()
{
	need_root "mounts"
	unshare --mount --propagation private true 2>/dev/null ||
	    skip "may not make a mount namespace"
	declare -f >"$T/functions"
	declare -p SSHD_PROGRAM >>"$T/functions"
	# shellcheck disable=SC2016
	unshare --mount --propagation private bash -c \
	    'set -eu; . "$1"; shift; ! over_ssh || sshd_inside; "$@"' \
	    sh "$T/functions" "$@"
}

# sshd_inside: one that sees the mounts; it ends with the shell
sshd_inside()
{
	trap sshd_stop EXIT
	sshd_start node
	case $XCATVAULT_VAULT in
	ssh://*) XCATVAULT_VAULT=/${XCATVAULT_VAULT#ssh://*/} ;;
	esac
	XCATVAULT_VAULT=$(vault_name "$XCATVAULT_VAULT")
}

# small_fs DIR SIZE: mounts an empty file system of SIZE there
small_fs()
{
	mkdir -p "$1"
	mount -t tmpfs -o "size=$2,mode=0700" small "$1"
}

# --- what a command said -------------------------------------------------------

# exits STATUS[|STATUS] COMMAND...: runs it with output in $T/out and $T/err
exits()
{
	local want=$1 got=0

	shift
	"$@" >"$T/out" 2>"$T/err" || got=$?
	case "|$want|" in
	*"|$got|"*) return 0 ;;
	esac
	echo "exit status $got, not $want: $*"
	echo "--- stdout"
	head -c 4000 "$T/out"
	echo "--- stderr"
	head -c 4000 "$T/err"
	return 1
}

# complains REGEX: the last exits() left exactly one line on stderr, of the
# form "xcatvault: ...", and REGEX (extended, any case) matches it
complains()
{
	if [ "$(wc -l <"$T/err")" -ne 1 ] ||
	    ! grep -q '^xcatvault: ' "$T/err" || ! grep -Eiq -- "$1" "$T/err"; then
		echo "not one clear line with /$1/:"
		cat "$T/err"
		return 1
	fi
}

# says REGEX: the last exits() printed it, on stdout or stderr
says()
{
	cat "$T/out" "$T/err" | grep -Eiaq -- "$1" || {
		echo "nothing of /$1/ in:"
		cat "$T/out" "$T/err"
		return 1
	}
}

# not COMMAND...: it must fail ("! COMMAND" would go unnoticed)
not()
{
	! "$@"
}

# equal A B [TEXT]
equal()
{
	[ "$1" = "$2" ] || {
		echo "${3:-not equal}: '$1' and '$2'"
		return 1
	}
}

# --- judges of trees -------------------------------------------------------------

# same_tree A B [RSYNC_OPTION...]: B is A in everything but its sockets
same_tree()
{
	local out

	[ -d "$1" ] && [ -d "$2" ] || {
		echo "no directory: $1 or $2"
		return 1
	}
	out=$(rsync -aHAXn --checksum --delete -i --modify-window=-1 \
	    --exclude='*.socket' "${@:3}" "$1/" "$2/" 2>&1) &&
	    [ -z "$out" ] || {
		echo "rsync finds differences between $1 and $2:"
		head -n 30 <<<"$out"
		return 1
	}
	same_facts "$1" "$2"
}

# same_facts A B [deep]: types, modes, owners, sizes, link counts, times to the
# nanosecond, symlink targets, hard-link sets, holes, attributes
same_facts()
{
	tree_facts "$1" "${3-}" >"$T/facts.a"
	tree_facts "$2" "${3-}" >"$T/facts.b"
	diff -a "$T/facts.a" "$T/facts.b" >"$T/facts.diff" || {
		echo "$1 (<) and $2 (>) differ:"
		head -n 30 "$T/facts.diff"
		return 1
	}
}

# deep: paths may be longer than PATH_MAX, where no other judge follows: each
# directory's files are looked at from within it, and their content as well
tree_facts()
(
	each=-exec
	[ "${2-}" != deep ] || each=-execdir
	# shellcheck disable=SC2016
	holes='
		for my $name (@ARGV) {
			open(my $f, "<", $name) or next;
			my ($size, $at, @data) = (-s $f, 0);
			while ($at < $size) {
				my $from = sysseek($f, $at, 3) or last;		# SEEK_DATA
				$from += 0;
				$at = sysseek($f, $from, 4) + 0;		# SEEK_HOLE
				push @data, "$from-$at";
			}
			print "data of $name: @data\n";
		}'
	cd "$1" || exit 1
	find . -type s -o \
	    -type d -printf 'd %m %U %G %T@ %P\0' -o \
	    -type l -printf 'l %U %G %n %T@ %P -> %l\0' -o \
	    -printf '%y %m %U %G %n %s %T@ %P\0' | sort -z | tr '\0' '\n'
	find . ! -type d ! -type s -links +1 -printf '%i %P\0' | sort -zn |
	    perl -0 -ne 'chomp; my ($i, $p) = split / /, $_, 2;
		push @{$set{$i}}, $p;
		END { print sort map { join(" = ", "linked", sort @$_) . "\n" }
		    values %set }'
	find . -type f -size +0 "$each" perl -e "$holes" -- {} + | sort
	[ "$each" = -exec ] || find . -type f -execdir sha256sum -- {} + | sort
	command -v getfattr >/dev/null || exit 0
	find . ! -type s "$each" getfattr -h -d -m - -e hex -- {} + |
	    awk '/^# file: / { file = $0; next }
		 /./ { print "attribute of " file ": " $0 }' | sort
)

# judged_by_tar A B: GNU tar finds in B what it took from A
judged_by_tar()
{
	local said

	said=$(tar -C "$1" --format=posix -S --exclude='*.socket' -cf - . |
	    tar -C "$2" --compare -f - 2>&1) && [ -z "$said" ] || {
		echo "tar --compare of $1 with $2:"
		head -n 30 <<<"$said"
		return 1
	}
}

# judged_by_mtree MANIFEST TREE: the manifest (of ls --mtree) describes TREE.
# NetBSD's mtree takes \052, \077 and \133 for wildcards even when they are
# escaped, and knows minor numbers up to 255 only: such entries are left to
# the other judges.
judged_by_mtree()
{
	local said

	grep -Eav '^[^ #]*\\(052|077|133)|device=linux,[0-9]+,[0-9]{4}' "$1" \
	    >"$T/manifest.mtree"
	said=$(mtree -e -f "$T/manifest.mtree" -p "$2" 2>&1) &&
	    [ -z "$said" ] || {
		echo "mtree says of $2:"
		head -n 30 <<<"$said"
		return 1
	}
}

# judged_by_bsdtar MANIFEST TREE: what bsdtar packs by the manifest's words is
# what GNU tar finds in TREE, and no entry is missing.  (In GNU format, as the
# pax headers of bsdtar 3.6 cannot hold names of any bytes and spoil fractions
# of seconds before 1970.  So mtree alone judges the nanoseconds, and the few
# entries of a time that bsdtar cannot put into that format at all: before 1970
# and after 2242.)
judged_by_bsdtar()
{
	local said

	grep -Eav ' time=(-|[0-9]{11})' "$1" >"$T/manifest.bsdtar"
	said=$({ bsdtar -C "$2" -cf - --format=gnutar "@$T/manifest.bsdtar" |
	    tar -C "$2" --compare -f -; } 2>&1) && [ -z "$said" ] || {
		echo "bsdtar, then tar --compare, says of $2:"
		head -n 30 <<<"$said"
		return 1
	}
	equal "$(bsdtar -tf "$1" | wc -l)" \
	    "$(cd "$2" && find . ! -type s -print0 | tr -dc '\0' | wc -c)" \
	    "entries of $1 as bsdtar counts them, and of $2"
}

# --- looking into a vault with stock tools ------------------------------------------

# snapshot_files [VAULT], packs [VAULT]: paths, sorted
snapshot_files()
{
	find "${1:-$V}/snapshots" -name '*.json' | sort
}

packs()
{
	find "${1:-$V}/packs" -name '*.pack' | sort
}

# snapshot_count [VAULT]
snapshot_count()
{
	snapshot_files "$@" | wc -l
}

# pack_index PACK: its INDEX, by way of the trailer
pack_index()
{
	local at

	# its offset, its stored length, the length of its text
	mapfile -t at < <(tail -c 24 "$1" | od -An -v -w8 -tu8 | tr -d ' ')
	tail -c "+$((at[0] + 1))" "$1" | head -c "${at[1]}" |
	    zstd -dcq | tar -xOf - INDEX
}

# packs_of data|catalog [VAULT]
packs_of()
{
	local pack

	for pack in $(packs "${2:-$V}"); do
		[ "$(pack_index "$pack" | sed -n 1p)" != "# xcatvault pack 1 $1" ] ||
		    echo "$pack"
	done
}

# pack_bytes data|catalog [VAULT]
pack_bytes()
{
	packs_of "$@" | xargs -r stat -c %s | awk '{ n += $1 } END { print n + 0 }'
}

# blob_ids [VAULT]: the id of each stored blob
blob_ids()
{
	local pack

	for pack in $(packs "${1:-$V}"); do
		pack_index "$pack" | grep -v '^#'
	done | cut -d' ' -f1 | sort
}

# nothing_twice [VAULT]: no blob is stored twice
nothing_twice()
{
	local twice

	twice=$(blob_ids "$@" | uniq -d | wc -l)
	[ "$twice" -eq 0 ] || {
		echo "$twice blobs are stored twice"
		return 1
	}
}

# sound [VAULT]: verify of all data has nothing to say
sound()
{
	exits 0 xv -V "${1:-$V}" verify --read-data
}

# comes_back SNAP TREE [PATH]: restored (PATH: as stored, default TREE), it is TREE
comes_back()
{
	local to

	to=$(mktemp -d "$T/back.XXXXXX")
	exits 0 xv restore "$1" --to "$to" && same_tree "$2" "$to${3:-$2}"
}

# flip FILE OFFSET: inverts one byte
flip()
{
	perl -e 'open(my $f, "+<", $ARGV[0]) or die $!;
		seek($f, $ARGV[1], 0); read($f, my $c, 1) == 1 or die "end";
		seek($f, $ARGV[1], 0); print $f chr(ord($c) ^ 0xff);
		close($f) or die $!' "$1" "$2"
}

# --- a command stopped in its middle ---------------------------------------------------

# A command that waits where a test wants it to, without racing: strace stops it
# (SIGSTOP) as it enters one of CALLS.
#
# held_on PATH...     (before) only calls on these
# held_start CALLS[:when=N] COMMAND...
# held_next REGEX     waits until it is stopped in a call that REGEX matches
# held_go             lets it go on
# held_end            lets it go on to its end; sets HELD_STATUS, $T/out, $T/err
# held_kill           kills it as a crash would
held_on()
{
	HELD_PATHS=("$@")
}

held_start()
{
	local calls=${1%%:*} when='' p only=()

	[ "$calls" = "$1" ] || when=:${1#*:}
	shift
	for p in ${HELD_PATHS[@]+"${HELD_PATHS[@]}"}; do
		only+=(-P "$p")
	done
	HELD_LOG=$T/held.$RANDOM
	HELD_SEEN=0
	HELD_PID=
	: >"$HELD_LOG"
	# the shell redirects bats' own descriptors away: a stopped program
	# must not keep them open
	strace -f -qqq -y -s 4096 ${only[@]+"${only[@]}"} -o "$HELD_LOG" \
	    -e signal=STOP -e "trace=$calls" -e "inject=$calls:signal=STOP$when" \
	    "$@" >"$HELD_LOG.out" 2>"$HELD_LOG.err" 3>&- 4>&- &
	HELD=$!
}

# the calls by which a finished file gets its name
PUBLISHING=rename,renameat,renameat2,link,linkat
READING=read,pread64,readv,preadv

held_next()
{
	local tries=0

	while [ $tries -lt 1000 ]; do
		if [ "$(held_stops)" -gt "$HELD_SEEN" ]; then
			HELD_SEEN=$((HELD_SEEN + 1))
			held_stopped "$HELD_SEEN"
			head -n "$HELD_LINE" "$HELD_LOG" | grep -a "^$HELD_PID " |
			    grep -av -e ' ---' | tail -n 2 |
			    awk 'NR == 1 { begun = $0 } END {
				if (/resumed>/) print begun
				print }' | grep -Eaq -e "$1" && return 0
			held_go
		elif ! kill -0 "$HELD" 2>/dev/null; then
			break
		else
			sleep 0.02
		fi
		tries=$((tries + 1))
	done
	echo "it was never stopped in a call matching $1:"
	tail -n 20 "$HELD_LOG"
	cat "$HELD_LOG.err"
	return 1
}

held_go()
{
	kill -CONT "$HELD_PID" 2>/dev/null || :
}

# held_list: where the log tells that a thread entered a call and then stood
# still, and that thread (the others stop with it, which does not count)
held_list()
{
	awk '/--- SIGSTOP \{/ { entered[$1] = 1 }
	    /--- stopped by SIGSTOP/ && entered[$1] {
		print NR, $1; delete entered[$1] }' "$HELD_LOG"
}

held_stops()
{
	held_list | wc -l
}

# held_stopped N: of the N-th stop, sets HELD_LINE of the log and HELD_PID
held_stopped()
{
	read -r HELD_LINE HELD_PID < <(held_list | sed -n "$1p")
}

# further stops are passed over
held_end()
{
	local tries=0

	[ -z "${HELD_PID-}" ] || held_go
	while kill -0 "$HELD" 2>/dev/null; do
		if [ "$(held_stops)" -gt "$HELD_SEEN" ]; then
			HELD_SEEN=$((HELD_SEEN + 1))
			held_stopped "$HELD_SEEN"
			held_go
		fi
		sleep 0.02
		tries=$((tries + 1))
		[ $tries -lt 1000 ] || {
			echo "it does not end:"
			tail -n 20 "$HELD_LOG"
			held_kill
			return 1
		}
	done
	HELD_STATUS=0
	wait "$HELD" || HELD_STATUS=$?
	HELD=
	cp "$HELD_LOG.out" "$T/out"
	cp "$HELD_LOG.err" "$T/err"
}

held_kill()
{
	[ -z "${HELD_PID-}" ] || kill -KILL "$HELD_PID" 2>/dev/null || :
	kill -KILL "$HELD" 2>/dev/null || :
	wait "$HELD" 2>/dev/null || :
	HELD=
}

#!/usr/bin/env bats
# shellcheck disable=SC1091,SC2016,SC2030,SC2031,SC2059,SC2317
# What puts a proved dump into /.dbbackup on a node, here on directories of this
# host: whole or not at all, killed wherever it may be.

load common

PUBLISH=$TESTS/../remote/node/publish.pl

setup()
{
	scratch
	need perl
}

teardown()
{
	clean
}

NAMES=(hosts nodelist passwd site)

# dump DIR WORD [NAME...]: of files that say WORD, and a stray one
dump()
{
	local name

	mkdir -p "$1"
	for name in "${@:3}"; do
		echo "#$name of $2" >"$1/$name.csv"
	done
	chmod 0644 "$1"/*.csv
}

# fresh DIR: an old dump at DIR/target, a new one at DIR/$NEW
fresh()
{
	rm -rf "${1:?}"
	mkdir -p "$1"
	dump "$1/target" old "${NAMES[@]}" gone
	echo "#same" | tee "$1/target/same.csv" >/dev/null
	echo stray >"$1/target/nodelist.csv.bak"
	mkdir "$1/target/sub"
	echo stray >"$1/target/sub/x.csv"
	renew "$1"
}

renew()
{
	rm -rf "$1/${NEW:=new}"
	dump "$1/$NEW" new "${NAMES[@]}"
	echo "#same" >"$1/$NEW/same.csv"
	: >"$1/$NEW/.room"
	mkdir "$1/$NEW/strange"
}

words()
{
	printf '%s.csv\n' "${NAMES[@]}" same
	echo .
}

# publish DIR [COMMAND...]: under that command
publish()
{
	words | "${@:2}" perl "$PUBLISH" "$1/target" "$1/$NEW"
}

# contents DIR: each entry's name, mode and text, on lines
contents()
{
	(cd "$1" && find . -mindepth 1 -type f -printf '%P %m ' -exec head -n 1 {} \; \
	    -o -mindepth 1 -printf '%P %y\n' | sort)
}

all_new()
{
	equal "$(contents "$1/target")" "$(for n in "${NAMES[@]}"; do
		echo "$n.csv 600 #$n of new"
	done | sed '$a same.csv 600 #same' | sort)"
}

# Calls that change anything, or that come between
CALLS=rename,renameat,renameat2,link,symlink,unlink,unlinkat,rmdir,mkdir,chmod,fchmod,fsync,openat,write

# killed_everywhere DIR MAKE CHECK...: made by MAKE, killed as it enters each of
# the calls that it makes there; CHECK then holds
killed_everywhere()
{
	local call nth status at=0

	need_strace
	"$2" "$1"
	publish "$1" strace -qqq -o "$T/calls" -e trace="$CALLS" >/dev/null
	# strace counts the calls of each name; the first ones are perl's own
	awk -F'(' -v dir="$1/" '{ n[$1]++ } index($0, dir) { there = 1 }
	    there { print $1, n[$1] }' "$T/calls" >"$T/points"
	[ "$(wc -l <"$T/points")" -gt 15 ]
	while read -r call nth; do
		at=$((at + 1))
		"$2" "$1"
		status=0
		publish "$1" strace -qqq -o /dev/null -e trace="$call" \
		    -e inject="$call:signal=KILL:when=$nth" \
		    >"$T/said" 2>&1 || status=$?
		[ $status -ge 128 ] || {
			echo "not killed at call $at, $call: status $status"
			return 1
		}
		"${@:3}" "$1" || {
			echo "killed at call $at, $call"
			return 1
		}
	done <"$T/points"
}

old_or_new()
{
	local now

	now=$(contents "$1/target")
	[ "$now" = "$OLD" ] || all_new "$1" || {
		echo "neither old nor new: $now"
		return 1
	}
}

@test "the directory changes places with the new one, which holds just what is proved" {
	NEW=new
	fresh "$T/d"
	exits 0 publish "$T/d"
	equal "$(cat "$T/out")" published
	all_new "$T/d"
	equal "$(stat -c %a "$T/d/target")" 700
	# what was there is in the other one's place
	equal "$(cat "$T/d/new/gone.csv")" '#gone of old'
}

@test "the first time there is no directory to change places with" {
	NEW=new
	fresh "$T/d"
	rm -r "$T/d/target"
	exits 0 publish "$T/d"
	all_new "$T/d"
	not test -e "$T/d/new"
}

@test "a list that is cut short, empty or strange: nothing is touched" {
	NEW=new
	fresh "$T/d"
	OLD=$(contents "$T/d/target")
	local list
	for list in '' '.\n' 'hosts.csv\n' 'hosts.csv\nnodel' '../x.csv\n.\n' \
	    'a b.csv\n.\n' '.hidden.csv\n.\n' 'x.csv.bak\n.\n' '/etc/passwd.csv\n.\n'; do
		words() { printf "$list"; }
		exits '1|255|2|9|13|22|25|29' publish "$T/d"
		grep -q '^publish: ' "$T/err"
		equal "$(contents "$T/d/target")" "$OLD" "after $list"
		not grep -q published "$T/out"
	done
	# a name of the list that is not there
	words() { printf 'hosts.csv\nnosuch.csv\n.\n'; }
	not publish "$T/d"
	equal "$(contents "$T/d/target")" "$OLD"
}

@test "killed at any call: the old dump or the new one, whole" {
	NEW=new
	fresh "$T/d"
	OLD=$(contents "$T/d/target")
	killed_everywhere "$T/d" fresh old_or_new
}

@test "killed at any call the first time: no dump or the new one, whole" {
	NEW=new
	first() { fresh "$1"; rm -r "$1/target"; }
	none_or_new() { [ ! -e "$1/target" ] || all_new "$1"; }
	killed_everywhere "$T/d" first none_or_new
}

# xcat_reads DIR: what restorexCATdb would load, whatever the entries are
xcat_reads()
{
	local f table

	for f in "$1"/target/* "$1"/target/.[!.]*; do
		table=$(basename "$f")
		table=${table%%.*}
		[ -z "$table" ] || [ ! -f "$f" ] || echo "$table: $(head -n 1 "$f")"
	done | sort
}

# As dump.sh does it for a mount point: the new dump lies within the target
read_whole()
{
	local now

	now=$(xcat_reads "$1")
	[ "$now" = "$READ_OLD" ] || [ "$now" = "$READ_NEW" ] || {
		echo "neither old nor new: $now"
		return 1
	}
	# the next one completes it, and takes away what this one left
	renew "$1"
	publish "$1" >/dev/null
	all_new "$1"
}

@test "within a mount point all is old or all is new, killed at any call" {
	NEW=target/.xcatvault-dump.abc NAMES=(nodelist site)
	fresh "$T/d"
	READ_OLD=$(xcat_reads "$T/d")
	exits 0 publish "$T/d"
	all_new "$T/d"
	READ_NEW=$(xcat_reads "$T/d")
	# a stray file and one of a table that is gone are among the old ones
	equal "$(wc -l <<<"$READ_OLD")" 5
	equal "$(wc -l <<<"$READ_NEW")" 3
	fresh "$T/d"
	killed_everywhere "$T/d" fresh read_whole
}

@test "within a mount point: tables that are new, odd entries, another run's dump" {
	NEW=target/.xcatvault-dump.abc NAMES=(nodelist site)
	odd() {
		fresh "$1"
		rm "$1/target/site.csv" "$1/target/nodelist.csv"
		mkdir "$1/target/nodelist.csv"
		: >"$1/target/nodelist.csv/x"
		ln -s /etc/hostname "$1/target/hosts.csv"
		ln -s nowhere "$1/target/nowhere.csv"
		mkfifo "$1/target/fifo"
	}
	odd "$T/d"
	exits 0 publish "$T/d"
	all_new "$T/d"
	[ -s /etc/hostname ]
	odd "$T/d"
	mkdir "$T/d/target/.xcatvault-dump.xyz"
	exits 0 publish "$T/d"
	[ -d "$T/d/target/.xcatvault-dump.xyz" ]
	rmdir "$T/d/target/.xcatvault-dump.xyz"
	all_new "$T/d"
}

@test "within a mount point: no room, no links, another one at it" {
	NEW=target/.xcatvault-dump.abc NAMES=(nodelist site)
	local call nth before

	need_strace
	for call in mkdir symlink rename; do
		for nth in 1 2 3; do
			fresh "$T/d"
			chmod 0600 "$T/d/target/same.csv"
			before=$(contents "$T/d/target" | grep -v xcatvault-)
			publish "$T/d" strace -qqq -o /dev/null -e trace="$call" \
			    -e inject="$call:error=ENOSPC:when=$nth" \
			    >"$T/said" 2>&1 || {
				grep -q '^publish: ' "$T/said"
				rm -rf "$T/d/$NEW"
				equal "$(contents "$T/d/target")" "$before" "$call $nth"
				continue
			}
			all_new "$T/d"
		done
	done
	for call in link symlink; do
		fresh "$T/d"
		exits 0 publish "$T/d" strace -qqq -o /dev/null \
		    -e trace="$call" -e inject="$call:error=EPERM"
		all_new "$T/d"
	done
	fresh "$T/d"
	before=$(xcat_reads "$T/d")
	not publish "$T/d" flock "$T/d/target" 2>"$T/said"
	grep -q 'another one is at it' "$T/said"
	equal "$(xcat_reads "$T/d")" "$before"
	exits 0 publish "$T/d"
}

@test "a mount point that nobody knew of: copied into it, all or nothing" {
	NEW=new NAMES=(nodelist site)
	mounted() {
		umount "$1/target" 2>/dev/null || :
		rm -rf "$1"
		mkdir -p "$1/target"
		mount -t tmpfs -o size=1m none "$1/target"
		dump "$1/target" old "${NAMES[@]}" gone
		echo "#same" >"$1/target/same.csv"
		renew "$1"
	}
	in_namespace() {
		mounted "$T/d"
		local stamp
		stamp=$(stat -c %i "$T/d/target/same.csv")
		READ_OLD=$(xcat_reads "$T/d")
		publish "$T/d"
		all_new "$T/d"
		READ_NEW=$(xcat_reads "$T/d")
		equal "$(stat -c %i "$T/d/target/same.csv")" "$stamp"
		killed_everywhere "$T/d" mounted read_whole
		# no room for a second dump: the old one stays
		mounted "$T/d"
		head -c 2000000 /dev/zero >"$T/d/target/filler" 2>/dev/null || :
		sums() { (cd "$1/target" && sha256sum -- *.csv); }
		sums "$T/d" >"$T/before"
		head -c 200000 /dev/zero | tr '\0' x >>"$T/d/new/site.csv"
		not publish "$T/d"
		sums "$T/d" | diff "$T/before" -
		not grep -r . "$T/d/target/".xcatvault*
	}
	declare -p NAMES NEW CALLS PUBLISH >"$T/variables"
	wrapped() { . "$T/variables"; in_namespace; }
	private_mounts wrapped
}

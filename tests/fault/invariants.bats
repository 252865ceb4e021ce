#!/usr/bin/env bats
# The invariants of the vault, xcatvault-vault(5), each by name.  The sweep
# (sweep.sh) meets them at every system call; here is the point of each.

load ../cli/common

setup()
{
	need_strace
	scratch
	new_vault small
	plain_tree "$T/src"
}

teardown() { clean; }

NAMING=rename,renameat,renameat2,link,linkat

# killed_at CALLS:when=N: a backup killed as it enters that call
killed_at()
{
	local calls=${1%%:*}

	# bash would tell of the kill on stderr
	{
		exits 137 strace -f -qqq -y -o "$T/trace" -e "trace=$calls" \
		    -e "inject=$calls:signal=KILL:${1#*:}" \
		    "$XCATVAULT" backup --threads 1 --site s --volume "$T/src=/v"
	} 2>/dev/null
}

# stamps: what would tell of any change to a pack or a snapshot
stamps()
{
	{ packs; snapshot_files; } | while read -r file; do
		stat -c '%n %i %s %a %h %y' "$file"
		sha256sum "$file"
	done
}

unmodified()
{
	stamps | sort >"$T/stamps.now"
	equal "$(sort "$T/stamps" | comm -23 - "$T/stamps.now")" ""
}

@test "invariant 1: all packs are durable under their names before the snapshot is there" {
	noise 1 2500000 >"$T/src/one"
	exits 0 strace -f -qqq -y -s 4096 -o "$T/trace" \
	    -e "trace=$NAMING,fsync,fdatasync,syncfs,mkdir,mkdirat" \
	    "$XCATVAULT" backup --site s --volume "$T/src=/v"
	[ "$(packs | wc -l)" -ge 3 ]
	perl "$TESTS/fault/durable_order.pl" "$V" "$T/trace"
	# an incremental run, where little is new
	echo more >"$T/src/more"
	exits 0 strace -f -qqq -y -s 4096 -o "$T/trace" \
	    -e "trace=$NAMING,fsync,fdatasync,syncfs,mkdir,mkdirat" \
	    "$XCATVAULT" backup --site s --volume "$T/src=/v"
	perl "$TESTS/fault/durable_order.pl" "$V" "$T/trace"
}

@test "a vault that was made is there after a crash, with the way to it" {
	local dir

	exits 0 strace -f -qqq -y -s 4096 -o "$T/trace" -e trace=fsync \
	    "$XCATVAULT" -V "$T/new/way/vault" init
	for dir in "$T" "$T/new" "$T/new/way" "$T/new/way/vault"; do
		grep "fsync([0-9]*<$dir>" "$T/trace"
	done
	cd "$T"
	exits 0 strace -f -qqq -y -s 4096 -o "$T/trace" -e trace=fsync \
	    "$XCATVAULT" -V other/vault init
	for dir in "$T" "$T/other"; do
		grep "fsync([0-9]*<$dir>" "$T/trace"
	done
}

@test "invariant 1: names that a killed run did not make durable are made so before they are leaned on" {
	noise 1 3500000 >"$T/src/one"
	killed_at "$NAMING:when=3"
	local pack commit

	packs >"$T/packs"
	[ "$(wc -l <"$T/packs")" -ge 2 ]
	exits 0 strace -f -qqq -y -s 4096 -o "$T/trace" \
	    -e "trace=$NAMING,fsync" \
	    "$XCATVAULT" backup --site s --volume "$T/src=/v"
	commit=$(grep -n "^.*rename.*snapshots/.*\.json" "$T/trace" |
	    tail -n 1 | cut -d : -f 1)
	while read -r pack; do
		head -n "$commit" "$T/trace" |
		    grep "fsync([0-9]*<$(dirname "$pack")>"
	done <"$T/packs"
}

@test "invariant 1: a disk that fails to sync gets no snapshot" {
	noise 1 2500000 >"$T/src/one"
	local call

	for call in fsync fdatasync; do
		strace -f -qqq -o "$T/trace" -e "trace=$call" \
		    -e "inject=$call:error=EIO" \
		    "$XCATVAULT" backup --site s --volume "$T/src=/v" \
		    >"$T/out" 2>"$T/err" && got=0 || got=$?
		grep -q INJECTED "$T/trace" || {
			# it does not use that call at all
			rm -rf "$V"
			new_vault small
			continue
		}
		equal "$got" 2 "exit status"
		complains 'input/output error'
		equal "$(snapshot_count)" 0
	done
	sound
	take --volume "$T/src=/v"
	comes_back latest "$T/src" /v
}

@test "invariant 1: a write that fails, if only once, gets no wrong snapshot" {
	local n got

	# the last piece of a large file, a small file, INDEX, the trailer
	noise 1 1300000 >"$T/src/one"
	for ((n = 1; n <= 8; n++)); do
		rm -rf "$V"
		new_vault small
		got=0
		strace -f -qqq -y -o "$T/trace" -e trace=write \
		    -e "inject=write:error=ENOSPC:when=$n" \
		    "$XCATVAULT" backup --threads 1 --site s \
		    --volume "$T/src=/v" >"$T/out" 2>"$T/err" || got=$?
		if grep -q "<$V/.*INJECTED" "$T/trace"; then
			equal "$got" 2 "exit status, write $n"
			# the message may be the write that failed
			[ ! -s "$T/err" ] || complains 'no space left'
			equal "$(snapshot_count)" 0
		fi
		sound
	done
}

@test "invariant 2: packs and snapshots are never modified in place" {
	noise 1 2500000 >"$T/src/one"
	take --volume "$T/src=/v"
	local pack
	pack=$(packs_of data | sed -n 1p)
	stamps >"$T/stamps"
	# by a night of change, watched as it opens files
	noise 2 2500000 >"$T/src/two"
	rm "$T/src/one"
	exits 0 strace -f -qqq -y -s 4096 -o "$T/trace" -e trace=open,openat,openat2 \
	    "$XCATVAULT" backup --site s --volume "$T/src=/v"
	not grep -E '(packs/[0-9a-f]{2}(>, "|/)[0-9a-f]{64}\.pack|\.json)".*O_(WRONLY|RDWR|TRUNC|APPEND)' \
	    "$T/trace"
	unmodified
	stamps >"$T/stamps"
	# by a crash, by reading, by proving
	noise 3 2500000 >"$T/src/three"
	killed_at "$NAMING:when=3"
	unmodified
	exits 0 xv verify --read-data
	exits 0 xv restore latest --to "$T/to"
	unmodified
	# by healing: what is damaged stays as it is, beside the new copy
	flip "$pack" 5000
	stamps >"$T/stamps"
	exits 5 xv verify --read-data
	unmodified
	noise 1 2500000 >"$T/src/one"
	noise 2 2500000 >"$T/src/two"
	exits '0|1' xv backup --site s --volume "$T/src=/v"
	unmodified
	sound
}

@test "invariant 3: a crash leaves nothing but unreferenced packs and files in tmp" {
	take --volume "$T/src=/v"
	find "$V" -type f | sort >"$T/before"
	noise 1 3500000 >"$T/src/one"
	killed_at "$NAMING:when=3"
	equal "$(snapshot_count)" 1
	equal "$(find "$V" -type f | sort | comm -13 "$T/before" - |
	    grep -v "^$V/\(packs/[0-9a-f][0-9a-f]/[0-9a-f]*\.pack\|tmp/\|locks/\)")" ""
	packs >"$T/packs"
	sound
	# which the next backup reuses
	take --volume "$T/src=/v"
	equal "$(packs | comm -23 "$T/packs" -)" ""
	nothing_twice
	sound
	comes_back latest "$T/src" /v
}

@test "invariant 3: an interrupted first backup resumes, however often it is interrupted" {
	local i=0 got n

	for n in 1 2 3 4; do
		noise $n 3000000 >"$T/src/f$n"
	done
	# each run is killed as it gives its second name, so it adds a pack
	while [ "$(snapshot_count)" -eq 0 ]; do
		got=0
		strace -f -qqq -o "$T/trace" -e "trace=$NAMING" \
		    -e "inject=$NAMING:signal=KILL:when=2" \
		    "$XCATVAULT" backup --threads 1 --site s \
		    --volume "$T/src=/v" >"$T/out" 2>"$T/err" || got=$?
		equal "$got" 137
		i=$((i + 1))
		[ $i -lt 40 ] || {
			echo "no end: $(packs | wc -l) packs after $i runs"
			return 1
		}
	done 2>/dev/null
	[ $i -ge 4 ]
	nothing_twice
	sound
	comes_back latest "$T/src" /v
}

@test "invariant 3: a crash just before the commit costs the next run nothing" {
	noise 1 3500000 >"$T/src/one"
	# the last name given is the snapshot's
	cp -a "$V" "$T/dry"
	exits 0 strace -f -qqq -o "$T/trace" -e "trace=$NAMING" "$XCATVAULT" \
	    -V "$T/dry" backup --threads 1 --site s --volume "$T/src=/v"
	rm -rf "$XCATVAULT_CACHE"
	held_start "$NAMING" "$XCATVAULT" backup --threads 1 --site s \
	    --volume "$T/src=/v"
	local i last

	last=$(packs "$T/dry" | wc -l)
	for ((i = 0; i < last; i++)); do
		held_next '\.pack'
		[ $i -eq $((last - 1)) ] || held_go
	done
	held_kill
	equal "$(snapshot_count)" 0
	packs >"$T/packs"
	equal "$(wc -l <"$T/packs")" "$last"
	take --threads 1 --volume "$T/src=/v"
	packs | diff "$T/packs" -
	comes_back latest "$T/src" /v
}

@test "invariant 5: nobody who reads waits for one who writes" {
	take --volume "$T/src=/v"
	cp -a "$T/src" "$T/first"
	local first=$SNAP
	noise 1 2500000 >"$T/src/one"
	held_start "$NAMING" "$XCATVAULT" backup --site s --volume "$T/src=/v"
	held_next 'packs'
	hurry
	exits 0 xv list
	exits 0 xv ls -R latest /v
	exits 0 xv find latest '*.conf'
	exits 0 xv cat latest /v/etc/site.conf
	exits 0 xv diff "$first" latest
	sound
	comes_back latest "$T/first" /v
	exits 0 xv export latest /v -o "$T/v.tar.zst"
	held_go
	held_end
	equal "$HELD_STATUS" 0
	comes_back latest "$T/src" /v
}

@test "invariant 5: nobody who writes waits for one who reads" {
	take --volume "$T/src=/v"
	cp -a "$T/src" "$T/first"
	held_start write,pwrite64,pwritev "$XCATVAULT" restore latest --to "$T/to"
	held_next "$T/to/"
	hurry
	noise 1 2500000 >"$T/src/one"
	take --volume "$T/src=/v"
	comes_back latest "$T/src" /v
	held_go
	held_end
	equal "$HELD_STATUS" 0
	same_tree "$T/first" "$T/to/v"
}

@test "invariant 6: a lock left by a dead process heals by itself" {
	held_start "$NAMING" "$XCATVAULT" backup --site s --volume "$T/src=/v"
	held_next 'packs'
	held_kill
	equal "$(snapshot_count)" 0
	exits 0 xv backup --site s --volume "$T/src=/v"
	comes_back latest "$T/src" /v
	sound
}

@test "invariant 6: a live lock is never broken, however old" {
	held_start "$NAMING" "$XCATVAULT" backup --site s --volume "$T/src=/v"
	held_next 'packs'
	find "$V/locks" -exec touch -h -d 2001-01-01 {} +
	exits 4 timeout 20 "$XCATVAULT" backup --site s --volume "$T/src=/v"
	exits 4 timeout 20 "$XCATVAULT" backup --site s --volume "$T/src=/v"
	held_go
	held_end
	equal "$HELD_STATUS" 0
	equal "$(snapshot_count)" 1
	sound
}

@test "interrupted by a signal: nothing published, nothing left in tmp" {
	local signal seed=0

	for signal in TERM HUP; do
		# packs of the run before would be used again: nothing to stop at
		noise "$((++seed))" 3500000 >"$T/src/one"
		held_start "$NAMING" "$XCATVAULT" backup --site s \
		    --volume "$T/src=/v"
		held_next 'packs'
		kill -$signal "$HELD_PID"
		held_go
		held_end
		case $HELD_STATUS in
		2 | 129 | 130 | 143) ;;
		*) echo "status $HELD_STATUS after SIG$signal"; return 1 ;;
		esac
		equal "$(snapshot_count)" 0
		equal "$(find "$V/tmp" -type f)" ""
		sound
	done
	take --volume "$T/src=/v"
	nothing_twice
	comes_back latest "$T/src" /v
}

#!/bin/bash
# sweep.sh [--quick | --full] [--seconds N] [backup|restore|first [CALL [HOW [N]]]]
#
# Lets the n-th system call of a backup or a restore fail, or kills the program
# as it enters it, for n = 1, 2, ... over the calls that matter, and looks at
# what is left behind:
#
#   backup   a second backup into a vault that has a snapshot
#   first    the first backup into an empty vault
#   restore  a restore into an empty directory
#
# After each: verify of all data has nothing to say, earlier snapshots restore
# the same, status 0 means that all is right and 2 to 5 that nothing was
# published, and the next run, left in peace, succeeds and makes all well
# without storing anything twice.
#
# --quick (the default) takes points from each row of n, as many as fit into
# the time (40 s, or --seconds); --full takes them all.  CALL, HOW (KILL or an
# errno) and N give one point again.
set -u
export LC_ALL=C TZ=UTC
umask 022

tests=$(cd "$(dirname "$0")/.." && pwd)
XCATVAULT=$(realpath -m "${XCATVAULT:-$tests/../build/xcatvault}")

mode=quick
seconds=40
while :; do
	case ${1-} in
	quick | --quick) mode=quick ;;
	full | --full) mode=full ;;
	--seconds) seconds=$2; shift ;;
	-*) echo "sweep: unknown option $1" >&2; exit 3 ;;
	*) break ;;
	esac
	shift
done
only_what=${1-} only_call=${2-} only_how=${3-} only_n=${4-}

[ -x "$XCATVAULT" ] || {
	echo "sweep: no program at $XCATVAULT" >&2
	exit 3
}
if ! strace -f -qq -o /dev/null -e trace=none true 2>/dev/null; then
	echo "sweep: skipped: strace is not here, or may not trace"
	exit 0
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/xcatvault-sweep.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
export HOME=$work
# a sanitizer cannot look for leaks in what is traced
export ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0"
unset XCATVAULT_VAULT XCATVAULT_CONFIG

passed=0 failed=0 unhit=0

# What is swept: kind, how (KILL, or the error returned), calls.  A call that
# the program does not make costs nothing.  KILL takes each call that changes
# something on disk, so that every state the disk can be in is met.
table()
{
	local changing="openat write pwrite64 pwritev fsync fdatasync rename
	    renameat renameat2 link linkat mkdir mkdirat unlink unlinkat
	    ftruncate fallocate flock close symlinkat fchmod fchown fchownat
	    fchmodat utimensat mknodat fsetxattr lsetxattr copy_file_range"
	local call

	for call in $changing; do
		echo "$1 KILL $call"
	done
	for call in write pwrite64 pwritev mkdir mkdirat rename renameat \
	    renameat2 link linkat symlinkat ftruncate fallocate openat; do
		echo "$1 ENOSPC $call"
	done
	for call in fsync fdatasync close read pread64 getdents64 statx \
	    newfstatat unlinkat flock fstat lseek; do
		echo "$1 EIO $call"
	done
	for call in read pread64 write pwrite64 flock fsync openat; do
		echo "$1 EINTR $call"
	done
	for call in openat getdents64 statx newfstatat; do
		echo "$1 EACCES $call"
	done
	echo "$1 EMFILE openat"
	echo "$1 EAGAIN clone3"
	echo "$1 EAGAIN clone"
	echo "$1 ENOMEM mmap"
}

# --- what is worked on ------------------------------------------------------

noise()
{
	head -c "$2" /dev/zero | openssl enc -aes-128-ctr -nosalt \
	    -K "$(printf '%032x' "$1")" -iv 00000000000000000000000000000000
}

tree()
{
	local i

	mkdir -p "$1/etc/conf.d" "$1/empty" "$1/many"
	for i in 1 2 3 4; do
		echo "line $i" >"$1/many/file$i"
		noise "$i" $((i * 700)) >"$1/etc/conf.d/$i"
	done
	noise 20 1300000 >"$1/large"
	noise 21 200000 >"$1/cut"
	ln "$1/cut" "$1/many/linked"
	ln -s ../etc "$1/many/symlink"
	truncate -s 1M "$1/hole"
	mkfifo "$1/fifo"
	: >"$1/nothing"
	setfattr -n user.a -v 1 "$1/cut" 2>/dev/null || :
	chmod 0750 "$1/etc"
	touch -d '2024-01-02 03:04:05.678901234' "$1/etc/conf.d" "$1/empty"
}

changed()
{
	rm "$1/many/file3"
	echo other >"$1/many/file4"
	noise 22 1300000 >"$1/large2"
	mkdir "$1/new"
	for i in 1 2 3 4; do
		noise "3$i" $((i * 900)) >"$1/new/$i"
	done
	chmod 0700 "$1/etc"
}

xv()
{
	XCATVAULT_CACHE=$work/run/cache timeout -k 5 60 \
	    "$XCATVAULT" -V "$work/run/vault" "$@"
}

prepare()
{
	mkdir "$work/run" "$work/old"
	tree "$work/src"
	if ! xv init >/dev/null || ! [ -e "$work/run/vault/vault.json" ]; then
		echo "sweep: init fails even without faults" >&2
		exit 2
	fi
	sed -i -e 's/"pack_bytes": *[0-9]*/"pack_bytes": 1048576/' \
	    -e 's/"frame": *[0-9]*/"frame": 262144/' "$work/run/vault/vault.json"
	cp -a "$work/run" "$work/base.first"
	if ! xv backup --site s --volume "$work/src=/v" >/dev/null ||
	    [ "$(snapshots)" -ne 1 ]; then
		echo "sweep: backup fails even without faults" >&2
		exit 2
	fi
	cp -a "$work/src" "$work/old/v"
	cp -a "$work/run" "$work/base.backup"
	cp -a "$work/run" "$work/base.restore"
	rm -rf "$work/run"
	changed "$work/src"
}

# again KIND: the state that KIND starts from
again()
{
	rm -rf "$work/run" "$work/to" "$work/back"
	cp -a "$work/base.$1" "$work/run"
}

# command KIND: sets COMMAND
command_of()
{
	case $1 in
	backup | first)
		COMMAND=(backup --threads 2 --site s --volume "$work/src=/v") ;;
	restore)
		COMMAND=(restore s --to "$work/to") ;;
	esac
}

# --- judges -------------------------------------------------------------------

same()
{
	local said

	said=$(rsync -aHAXn --checksum --delete -i --modify-window=-1 \
	    "$1/" "$2/" 2>&1) && [ -z "$said" ] && return 0
	wrong "$3"
	head -n 4 <<<"$said"
	return 1
}

wrong()
{
	bad=$((bad + 1))
	echo "  wrong: $1"
}

# quiet COMMAND...: with status 0, or it is wrong
quiet()
{
	local got=0

	xv "$@" >"$work/q.out" 2>"$work/q.err" || got=$?
	[ $got -eq 0 ] && return 0
	wrong "'$1 ${2-}' afterwards: status $got"
	head -n 5 "$work/q.err"
	return 1
}

snapshots()
{
	find "$work/run/vault/snapshots" -name '*.json' | wc -l
}

pack_ids()
{
	local pack offset stored

	find "$work/run/vault/packs" -name '*.pack' | while read -r pack; do
		read -r offset stored < <(tail -c 24 "$pack" |
		    od -An -v -tu8 | tr -s '\n ' ' ')
		tail -c "+$((offset + 1))" "$pack" | head -c "${stored%% *}" |
		    zstd -dcq | tar -xOf - INDEX | grep -v '^#'
	done | cut -d' ' -f1
}

back()
{
	rm -rf "$work/back"
	quiet restore "$1" --to "$work/back" &&
	    same "$2" "$work/back/v" "$3"
}

# after_backup STATUS SNAPSHOTS_BEFORE HOW CALL
after_backup()
{
	local status=$1 before=$2 how=$3 call=$4 now

	now=$(snapshots)
	case $status in
	0 | 1)
		equal "$now" $((before + 1)) "status $status, snapshots"
		[ "$status" -ne 0 ] ||
		    back s "$work/src" "status 0, but the snapshot differs"
		[ "$status" -ne 1 ] || [ -s "$work/err" ] ||
		    wrong "status 1, but nothing is reported"
		;;
	137)
		;;
	*)
		equal "$now" "$before" "status $status, snapshots"
		;;
	esac
	quiet verify --read-data
	[ "$before" -eq 0 ] ||
	    back "$first_id" "$work/old/v" "the earlier snapshot differs"
	quiet "${COMMAND[@]}" && {
		back s "$work/src" "the next backup differs"
		quiet verify --read-data
		# what a run could not read of the vault it may store anew
		case $how-$call in
		KILL-* | ENOSPC-[!o]*)
			equal "$(pack_ids | sort | uniq -d | wc -l)" 0 \
			    "blobs stored twice"
			;;
		esac
	}
}

after_restore()
{
	[ "$1" -ne 0 ] || same "$work/old/v" "$work/to/v" \
	    "status 0, but the restored tree differs"
	quiet "${COMMAND[@]}" &&
	    same "$work/old/v" "$work/to/v" "the second restore differs"
}

equal()
{
	[ "$1" = "$2" ] || wrong "$3: $1, not $2"
}

# --- one point -------------------------------------------------------------------

# point KIND HOW CALL N: 1 if the program never came to that call
point()
{
	local kind=$1 how=$2 call=$3 n=$4 inject before status=0

	again "$kind"
	command_of "$kind"
	before=$(snapshots)
	case $how in
	KILL) inject="inject=$call:signal=KILL:when=$n" ;;
	# a full disk stays full; but write also carries the error message
	ENOSPC)
		inject="inject=$call:error=$how:when=$n"
		[ "$call" = write ] || inject=$inject+ ;;
	*) inject="inject=$call:error=$how:when=$n" ;;
	esac
	{
		XCATVAULT_CACHE=$work/run/cache timeout -k 5 60 \
		    strace -f -qqq -y -o "$work/trace" -e "trace=$call" \
		    -e "$inject" \
		    "$XCATVAULT" -V "$work/run/vault" "${COMMAND[@]}" \
		    >"$work/out" 2>"$work/err" || status=$?
	} 2>"$work/told"
	# 127: the loader did not even get to start the program
	[ $status -ne 127 ] || return 1
	grep -aq INJECTED "$work/trace" || [ $status -eq 137 ] || return 1

	bad=0
	judge "$kind" "$how" "$call" "$status" "$before" >"$work/judged"
	if [ $bad -eq 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: sweep.sh $kind $call $how $n (status $status)"
		head -n 3 "$work/err"
		cat "$work/judged"
		grep -aE 'INJECTED' "$work/trace" | head -n 2 | cut -c1-300
	fi
	return 0
}

judge()
{
	local kind=$1 how=$2 call=$3 status=$4 before=$5

	if [ "$how" = KILL ]; then
		equal "$status" 137 "exit status of what was killed"
	else
		case $status in
		[0-5]) ;;
		*) wrong "exit status $status" ;;
		esac
		[ "$status" -eq 0 ] || [ "$call" = write ] ||
		    grep -q '^xcatvault: ' "$work/err" ||
		    wrong "status $status without a line of why"
		durable "$call" "$status"
	fi
	case $kind in
	restore) after_restore "$status" ;;
	*) after_backup "$status" "$before" "$how" "$call" ;;
	esac
}

# durable CALL STATUS: a failed fsync of what the vault keeps is no success
durable()
{
	case $1 in
	fsync | fdatasync) ;;
	*) return ;;
	esac
	[ "$2" -ne 0 ] && [ "$2" -ne 1 ] && return
	grep -a 'EIO.*INJECTED' "$work/trace" |
	    grep -aq "<$work/run/vault/\(packs\|snapshots\|tmp\)" &&
	    wrong "an fsync in the vault failed, and the status is $2"
}

# --- rows of points ------------------------------------------------------------------

# count_all KIND: how often one thread makes each call at most
count_all()
{
	again "$1"
	command_of "$1"
	XCATVAULT_CACHE=$work/run/cache timeout -k 5 60 \
	    strace -f -qqq -o "$work/counts.$1" \
	    "$XCATVAULT" -V "$work/run/vault" "${COMMAND[@]}" \
	    >/dev/null 2>&1 || {
		echo "sweep: '$1' fails even without faults" >&2
		exit 2
	}
	awk '{ sub(/\(.*/, "", $2); n[$1 " " $2]++ }
	    END { for (k in n) { split(k, a, " ")
		if (n[k] > m[a[2]]) m[a[2]] = n[k] }
		for (c in m) print c, m[c] }' "$work/counts.$1" \
	    >"$work/calls.$1"
}

how_often()
{
	awk -v c="$2" '$1 == c { print $2 }' "$work/calls.$1"
}

# loader_maps KIND: how many mmaps are the loader's, which dies of a failure;
# the last thing it does is to unmap its cache
loader_maps()
{
	awk '$2 ~ /^munmap/ { exit } $2 ~ /^mmap/ { n++ } END { print n + 0 }' \
	    "$work/counts.$1"
}

# rows: KIND HOW CALL COUNT FIRST for each row that has points
rows()
{
	local kind how call count first

	for kind in $kinds; do
		count_all "$kind"
		table "$kind" | while read -r kind how call; do
			[ -z "$only_call" ] || [ "$only_call" = "$call" ] ||
			    continue
			[ -z "$only_how" ] || [ "$only_how" = "$how" ] ||
			    continue
			count=$(how_often "$kind" "$call")
			first=1
			[ "$call" != mmap ] || first=$((1 + $(loader_maps "$kind")))
			[ "${count:-0}" -lt "$first" ] ||
			    echo "$kind $how $call $count $first"
		done
	done
}

full()
{
	local kind how call count first n

	while read -r kind how call count first <&3; do
		n=$first
		while [ "$n" -le "$count" ]; do
			point "$kind" "$how" "$call" "$n" || {
				unhit=$((unhit + 1))
				# a thread may make fewer calls than it did
				[ "$n" -lt $((count - 2)) ] || break
			}
			n=$((n + 1))
		done
		echo "swept: $kind $how $call, $count points ($failed failed so far)"
	done 3<"$work/rows"
}

# Rounds over all rows: the last call of each (where commits are), the first, the
# one in the middle, then quarters, and so on until the time is over.  KILL
# rows of renames and fsyncs come first.
quick()
{
	local kind how call count first n part end

	end=$((SECONDS + seconds))
	sort -k2,2 "$work/rows" | awk '
	    $2 == "KILL" && $3 ~ /^(rename|link|f.*sync)/ { print; next }
	    { later[++n] = $0 }
	    END { for (i = 1; i <= n; i++) print later[i] }' >"$work/order"
	mv "$work/order" "$work/rows"
	: >"$work/done"
	for part in 1/1 0/1 1/2 1/4 3/4 1/8 3/8 5/8 7/8 1/16 3/16 5/16 7/16 9/16 \
	    11/16 13/16 15/16; do
		while read -r kind how call count first <&3; do
			[ $SECONDS -lt $end ] || return
			n=$((first + (count - first) * ${part%/*} / ${part#*/}))
			grep -qx "$kind $how $call $n" "$work/done" && continue
			echo "$kind $how $call $n" >>"$work/done"
			point "$kind" "$how" "$call" "$n" || unhit=$((unhit + 1))
		done 3<"$work/rows"
	done
}

kinds="first backup restore"
[ -z "$only_what" ] || kinds=$only_what
prepare
first_id=$(find "$work/base.backup/vault/snapshots" -name '*.json' |
    sed 's/.*-\([0-9a-f]*\)\.json/\1/')
if [ -n "$only_n" ]; then
	point "$only_what" "$only_how" "$only_call" "$only_n" ||
	    echo "the program never comes to that call"
else
	rows >"$work/rows"
	if [ $mode = full ]; then
		full
	else
		quick
	fi
fi
echo "sweep: $(grep -c . "$work/rows" 2>/dev/null) rows, $unhit points not met"
echo "sweep: $passed passed, $failed failed"
[ $failed -eq 0 ]

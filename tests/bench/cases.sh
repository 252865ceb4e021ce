# shellcheck shell=bash
# cases.sh: take the samples of one corpus.  Sourced by run.sh, not run.
#
# Uses of run.sh: WORK, LOG, TSV, TOOLS, BORG_RUNS, CORPUS, KIND, TREE, FILE,
# TREE_ENTRIES, TREE_BYTES, TREE_DISK_BYTES; sets STATE, OUT, CHILD, MEASURED and FAILED.
# shellcheck disable=SC2034

# Forget all that is cached of files, save the programs.
make_cold() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	"$BENCH_DIR/bin/measure" -r /dev/null bash -c "${STEP[$1.version]}" \
	    >/dev/null
}

# use TOOL: make its STATE the current one.
use() {
	STATE=$WORK/$1
}

# new_state TOOL: an empty repository and cache.
new_state() {
	use "$1"
	rm -rf "$STATE"
	mkdir "$STATE"
	bash -c "${STEP[$1.init]}" >>"$LOG" 2>&1
}

# Bytes in the repository.
repo_bytes() {
	find "$STATE/repo" -type f -printf '%s\n' |
	    awk '{ n += $1 } END { printf "%.0f", n }'
}

# sample CASE TOOL STEP RUN: one measurement, into MEASURED.  A step that
# fails is reported, and does not end the run.
sample() {
	local status

	{
		echo "== $CORPUS $1 $2 run $4"
		echo "TREE='$TREE' STATE='$STATE' OUT='$OUT' FILE='$FILE'"
		echo "\$ ${STEP[$2.$3]}"
	} >>"$LOG"
	sync
	"$BENCH_DIR/bin/measure" -r "$WORK/cost" -o "$WORK/stdout" \
	    -e "$WORK/stderr" bash -o pipefail -c "${STEP[$2.$3]}" 9>&- &
	CHILD=$!
	wait "$CHILD" || die "measure failed"
	CHILD=
	MEASURED=$(cat "$WORK/cost")
	if [ "$1" != cat ]; then
		cat "$WORK/stdout" >>"$LOG"
	fi
	cat "$WORK/stderr" >>"$LOG"
	status=${MEASURED##*	}
	say "$CORPUS $1 $2 $4: ${MEASURED%%	*} s"
	if [ "$status" -ne 0 ]; then
		say "  failed with status $status:"
		tail -n 3 "$WORK/stderr" >&2
		FAILED=1
	fi
}

# record CASE TOOL RUN BYTES: write the sample down.  BYTES is what a backup
# stored, - for other steps.
record() {
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' \
	    "$CORPUS" "$KIND" "$1" "$2" "$3" "$MEASURED" "$4" >>"$TSV"
}

# fault MESSAGE: the step ended well, but did wrong.
fault() {
	say "  $1"
	echo "$1" >>"$LOG"
	MEASURED="${MEASURED%	*}	99"
	FAILED=1
}

# A first backup that had to read much from the disk after all was not warm,
# and is taken again, once.
case_first() {
	local try read_bytes

	for try in 1 2; do
		new_state "$1"
		"$BENCH_DIR/bin/files" warm "$TREE"
		sample first "$1" first "$2"
		read_bytes=$(cut -f 5 "$WORK/cost")
		if [ "$read_bytes" -le $((TREE_BYTES / 50)) ]; then
			break
		elif [ "$try" -eq 1 ]; then
			say "  read $((read_bytes >> 20)) MiB from disk: again"
		fi
	done
	record first "$1" "$2" "$(repo_bytes)"
}

case_cold() {
	new_state "$1"
	make_cold "$1"
	sample cold "$1" first "$2"
	record cold "$1" "$2" "$(repo_bytes)"
}

# A first backup that is not measured, when none was asked for.
case_prepare() {
	new_state "$1"
	sample prepare "$1" first "$2"
}

# What a tool needs beside its first backup.
case_ready() {
	if [ -n "${STEP[$1.ready]:-}" ]; then
		bash -c "${STEP[$1.ready]}" >>"$LOG" 2>&1
	fi
}

# again CASE TOOL RUN: back up once more.
again() {
	local before

	if [ -n "${STEP[$2.again]:-}" ]; then
		bash -c "${STEP[$2.again]}" >>"$LOG" 2>&1
	fi
	before=$(repo_bytes)
	"$BENCH_DIR/bin/files" warm "$TREE" "$STATE"
	sample "$1" "$2" unchanged "$3"
	record "$1" "$2" "$3" $(($(repo_bytes) - before))
}

# Each run goes out from the state before the change.
case_change() {
	if [ "$2" -eq 1 ]; then
		cp -a --reflink=auto "$STATE" "$STATE.keep"
	else
		rm -rf "$STATE"
		cp -a --reflink=auto "$STATE.keep" "$STATE"
	fi
	again change "$1" "$2"
}

case_verify() {
	"$BENCH_DIR/bin/files" warm "$STATE"
	sample verify "$1" verify "$2"
	record verify "$1" "$2" -
}

case_cat() {
	"$BENCH_DIR/bin/files" warm "$STATE"
	sample cat "$1" cat "$2"
	cmp -s "$WORK/stdout" "$TREE/$FILE" || fault "cat: not that file"
	record cat "$1" "$2" -
}

# Mount a new ext4 with room for the corpus on $WORK/fresh; a directory where
# that cannot be done.
new_fs() {
	local loop

	OUT=$WORK/fresh/out
	mkdir "$WORK/fresh"
	if is_root; then
		truncate -s $((TREE_DISK_BYTES * 5 / 4 + (1 << 30))) \
		    "$WORK/fresh.img"
		# No lazy work: it would go on beside the sample.
		mkfs.ext4 -q -F -m 0 -N $((TREE_ENTRIES * 5 / 4 + 20000)) \
		    -E lazy_itable_init=0,lazy_journal_init=0 "$WORK/fresh.img"
		# Direct I/O, lest all be cached twice.
		loop=$(losetup --direct-io=on -f --show "$WORK/fresh.img" ||
		    losetup -f --show "$WORK/fresh.img") ||
		    die "no loop device for the restore"
		mount "$loop" "$WORK/fresh"
		losetup -d "$loop"	# takes effect when unmounted
	fi
	mkdir "$OUT"
}

free_fs() {
	unmount_below "$WORK"
	rm -rf "$WORK/fresh" "$WORK/fresh.img"
}

# What xcatvault brought back must be what it was given.
compare_restored() {
	rsync -aHAXn --checksum --delete -i "$TREE/" "$OUT$TREE/" \
	    >"$WORK/differ" 2>&1 || echo "rsync failed" >>"$WORK/differ"
	if [ -s "$WORK/differ" ]; then
		head -n 20 "$WORK/differ" >>"$LOG"
		fault "restore: $(wc -l <"$WORK/differ") differences to rsync"
	else
		printf '#fact\t%s: xcatvault restored it exactly (%s)\n' \
		    "$CORPUS" "rsync -aHAXn --checksum --delete" >>"$TSV"
	fi
}

case_restore() {
	new_fs
	"$BENCH_DIR/bin/files" warm "$STATE"
	sample restore "$1" restore "$2"
	if [ "$1" = xcatvault ] && [ "$2" -eq 1 ]; then
		compare_restored
	fi
	record restore "$1" "$2" -
	free_fs
}

# rounds N CASE: take samples of CASE, N of each tool, the tools in turn.
rounds() {
	local run tool names

	IFS=, read -ra names <<<"$TOOLS"
	for ((run = 1; run <= $1; run++)); do
		for tool in "${names[@]}"; do
			if [ "$tool" = borg ] && [ "$run" -gt "$BORG_RUNS" ]
			then
				continue
			fi
			use "$tool"
			case $2 in
			first)		case_first "$tool" "$run" ;;
			cold)		case_cold "$tool" "$run" ;;
			prepare)	case_prepare "$tool" "$run" ;;
			ready)		case_ready "$tool" ;;
			unchanged)	again unchanged "$tool" "$run" ;;
			verify)		case_verify "$tool" "$run" ;;
			restore)	case_restore "$tool" "$run" ;;
			cat)		case_cat "$tool" "$run" ;;
			change)		case_change "$tool" "$run" ;;
			esac
		done
	done
}

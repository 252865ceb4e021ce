#!/usr/bin/env bash
# Measure xcatvault beside GNU tar | zstd, restic and borg, in one run.
#
#	run.sh [--size small|default|full] [--runs N] [--only CASE,...]
#	    [--tools TOOL,...] [--without-borg] [--corpora NAME,...]
#	    [--corpus DIR]... [--dir DIR]
#
#   --size	small takes minutes, default about half an hour; see corpus.sh
#   --runs	rounds of every step, 3 (small: 2); the short steps get 5 at
#		least (small: as many)
#   --borg-runs	rounds of borg, which takes long: 1
#   --only	of first, cold, unchanged, verify, restore, cat and change,
#		of ssh-first, ssh-unchanged, ssh-change and ssh-bulk (see
#		ssh.sh), and of ssh-restore, ssh-restore-noop and drill (see
#		onto.sh), of ssh-database and compare (see database.sh), and of
#		image-inspect (see inspect.sh), image-copy (see imgcopy.sh),
#		image-vault and image-native (see keep.sh), which are the
#		default; and of rss-image-copy,
#		rss-million, rss-large, rss-ssh-million,
#		rss-ssh-restore-million and rss-image-inspect, which run only
#		when named: the memory of xcatvault alone, with a million
#		files, with a file of 4 GiB beside one of 256 MiB, with a
#		million files over ssh, from a node and onto one, and with a
#		bundle of 2 GB
#   --tools	of xcatvault, tar (over ssh: all bare commands), restic and borg
#   --corpora	of root and many
#   --corpus	measure this directory instead; it is copied, not touched
#   --dir	where corpora, repositories and results lie
#		($XCATVAULT_BENCH_DIR, /var/tmp/xcatvault-bench)
# The program measured is $XCATVAULT, build/xcatvault.
#
# In each round the tools take turns.  Before each sample everything written
# so far is flushed, and what the step reads is read once, so that it is in the
# page cache; cold drops the cache instead.  Restores go onto a file system
# made for the one sample, in a loop device: an ext4 that has just lost many
# files is slow to make new ones.  The small change alters one file in 200
# where it lies, the same for all tools; before each sample the tool gets back
# the repository and the cache it had before.  The files are put right after.
#
# Results: a table on standard output, and in DIR/results the table, a line for
# each sample (.tsv), and all commands with their output (.log).  Exits 0 when
# every step of every tool worked, met or not what is asked of it; else 1.
set -Eeuo pipefail
shopt -s inherit_errexit
# shellcheck source-path=SCRIPTDIR source=common.sh disable=SC1091
. "$(dirname "$0")/common.sh"
# shellcheck source-path=SCRIPTDIR source=tools.sh disable=SC1091
. "$(dirname "$0")/tools.sh"
# shellcheck source-path=SCRIPTDIR source=ssh.sh disable=SC1091
. "$(dirname "$0")/ssh.sh"
# shellcheck source-path=SCRIPTDIR source=onto.sh disable=SC1091
. "$(dirname "$0")/onto.sh"
# shellcheck source-path=SCRIPTDIR source=database.sh disable=SC1091
. "$(dirname "$0")/database.sh"
# shellcheck source-path=SCRIPTDIR source=inspect.sh disable=SC1091
. "$(dirname "$0")/inspect.sh"
# shellcheck source-path=SCRIPTDIR source=imgcopy.sh disable=SC1091
. "$(dirname "$0")/imgcopy.sh"
# shellcheck source-path=SCRIPTDIR source=keep.sh disable=SC1091
. "$(dirname "$0")/keep.sh"
# shellcheck source-path=SCRIPTDIR source=cases.sh disable=SC1091
. "$(dirname "$0")/cases.sh"

SIZE=default
RUNS=
BORG_RUNS=1
CASES=first,cold,unchanged,verify,restore,cat,change
CASES+=,ssh-first,ssh-unchanged,ssh-change,ssh-bulk
CASES+=,ssh-restore,ssh-restore-noop,drill,ssh-database,compare
CASES+=,image-inspect,image-copy,image-vault,image-native
TOOLS=xcatvault,tar,restic,borg
CORPORA=root,many
CORPUS_DIRS=()
ONLY=
CHILD=
FAILED=0

export XCATVAULT=${XCATVAULT:-build/xcatvault}
export TREE='' STATE='' OUT='' FILE=''

usage() {
	sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
	exit 3
}

# wanted LIST ITEM: is ITEM in the comma separated LIST?
wanted() {
	case ,$1, in
	*,"$2",*)	return 0 ;;
	*)		return 1 ;;
	esac
}

# all_known LIST NAME...: is each item of LIST one of the names?
all_known() {
	local item items known

	IFS=, read -ra items <<<"$1"
	shift
	known=$(IFS=,; echo "$*")
	for item in "${items[@]}"; do
		wanted "$known" "$item" || return 1
	done
}

parse_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--size)		SIZE=${2:?} ;;
		--runs)		RUNS=${2:?} ;;
		--borg-runs)	BORG_RUNS=${2:?} ;;
		--only)		ONLY=${2:?}; CASES=$2 ;;
		--tools)	TOOLS=${2:?} ;;
		--corpora)	CORPORA=${2:?} ;;
		--corpus)	CORPUS_DIRS+=("$(cd "${2:?}" && pwd)") ;;
		--dir)		BENCH_DIR=${2:?} ;;
		--without-borg)	TOOLS=${TOOLS/,borg/}; shift; continue ;;
		*)		usage ;;
		esac
		shift 2
	done
	RUNS=${RUNS:-$([ "$SIZE" = small ] && echo 2 || echo 3)}
	all_known "$SIZE" small default full || usage
	all_known "$CASES" first cold unchanged verify restore cat change \
	    ssh-first ssh-unchanged ssh-change ssh-bulk \
	    ssh-restore ssh-restore-noop drill ssh-database compare \
	    rss-million rss-large \
	    image-inspect rss-image-inspect \
	    image-copy rss-image-copy image-vault image-native \
	    rss-ssh-million rss-ssh-restore-million || usage
	all_known "$TOOLS" xcatvault tar restic borg || usage
	all_known "$CORPORA" root many || usage
	case $RUNS$BORG_RUNS in
	*[!0-9]*)	usage ;;
	esac
	SHORT_RUNS=$((RUNS > 5 ? RUNS : 5))
	[ "$SIZE" != small ] || SHORT_RUNS=$RUNS
}

# Leave out of TOOLS what is not here and cannot be installed.
find_tools() {
	local tool names left=()

	need zstd zstd || die "zstd is needed"
	need rsync rsync || die "rsync is needed"
	IFS=, read -ra names <<<"$TOOLS"
	for tool in "${names[@]}"; do
		case $tool in
		xcatvault)
			if [ ! -x "$XCATVAULT" ]; then
				say "no program at $XCATVAULT (run make, or" \
				    "set XCATVAULT): the others only"
				continue
			fi
			XCATVAULT=$(realpath "$XCATVAULT")
			;;
		restic)	need restic restic || continue ;;
		borg)	need borg borgbackup || continue ;;
		esac
		left+=("$tool")
	done
	TOOLS=$(IFS=,; echo "${left[*]}")
}

# What the numbers were measured on, into the results.
write_facts() {
	local tool names

	{
		date '+#fact	date: %Y-%m-%d %H:%M %Z'
		printf '#fact\tmachine: %s cores,%s, %s MiB, Linux %s\n' \
		    "$(nproc)" \
		    "$(sed -n 's/^model name.*:\(.*\)/\1/p' /proc/cpuinfo |
			head -n 1)" \
		    "$(awk '/^MemTotal/ { print int($2 / 1024) }' \
			/proc/meminfo)" "$(uname -r)"
		printf '#fact\tfile system: %s\n' \
		    "$(stat -f -c %T "$BENCH_DIR")"
		IFS=, read -ra names <<<"$TOOLS"
		for tool in "${names[@]}"; do
			printf '#fact\t%s: %s\n' "$tool" \
			    "$(bash -c "${STEP[$tool.version]}" 2>&1 |
				tr '\n' ' ')"
		done
		printf '#fact\tsize %s, %s runs (short steps %s, borg %s)\n' \
		    "$SIZE" "$RUNS" "$SHORT_RUNS" "$BORG_RUNS"
	} >>"$TSV"
}

# Undo what an interrupted run left, and at the end our own traces.  A corpus
# is put right from the copies taken before it was altered.
cleanup() {
	local saved

	if [ -n "$CHILD" ]; then
		kill "$CHILD" 2>/dev/null || true
		wait "$CHILD" 2>/dev/null || true
	fi
	ssh_stop
	rm -rf "$BENCH_DIR/nodes"
	unmount_below "$WORK"
	if is_root && [ -e "$WORK/fresh.img" ]; then
		losetup -n -O NAME -j "$WORK/fresh.img" |
		    xargs -r losetup -d || true
	fi
	for saved in "$BENCH_DIR"/corpora/*.saved.tar; do
		[ ! -e "$saved" ] || undo_change "${saved%.saved.tar}"
	done
	rm -rf "$WORK"
}

# alter_tree TREE: the small change.  What it overwrites is kept in
# TREE.saved.tar until undo_change.
alter_tree() {
	"$BENCH_DIR/bin/files" plan "$1" 5 >"$WORK/plan"
	tar -C "$1" --null --no-recursion --hard-dereference --xattrs \
	    --xattrs-include='*' -T "$WORK/plan" -cf "$1.saved.tmp"
	sync "$1.saved.tmp"
	mv "$1.saved.tmp" "$1.saved.tar"
	"$BENCH_DIR/bin/files" alter "$1" <"$WORK/plan"
}

undo_change() {
	tar -C "$1" --overwrite --xattrs --xattrs-include='*' \
	    -xpf "$1.saved.tar"
	sync -f "$1"
	rm "$1.saved.tar"
}

# open_corpus NAME KIND DIR: what later steps must know of it.
open_corpus() {
	local files free

	CORPUS=$1 KIND=$2 TREE=$3
	TREE_ENTRIES=$(find "$TREE" -printf x | wc -c)
	# shellcheck disable=SC2034
	TREE_DISK_BYTES=$(du -s --block-size=1 "$TREE" | cut -f 1)
	read -r files TREE_BYTES < <(find "$TREE" -type f -printf '%s\n' |
	    awk '{ n += $1 } END { printf "%.0f %.0f\n", NR, n }')
	if [ -z "$KIND" ]; then
		KIND=root
		if [ "$files" -ge 10000 ] && [ $((TREE_BYTES / files)) -lt 16384 ]
		then
			KIND=many
		fi
	fi
	FILE=$(cd "$TREE" && find . -type f -size +3000c -size -4097c \
	    -printf '%P\n' | LC_ALL=C sort | awk '
		!/[^A-Za-z0-9\/._+-]/ { a[++n] = $0 }
		END { print a[int((n + 1) / 2)] }')
	free=$(df --output=avail --block-size=1 "$WORK" | tail -n 1)
	[ "$free" -gt $((TREE_BYTES * 5)) ] ||
	    die "$BENCH_DIR needs $((TREE_BYTES / 200000000)) GB free for $CORPUS"
	printf '#corpus\t%s\t%s\t%s\t%s\t%s\n' \
	    "$CORPUS" "$KIND" "$files" "$TREE_ENTRIES" "$TREE_BYTES" >>"$TSV"
}

# Is CASE to be measured on this corpus?
chosen() {
	wanted "$CASES" "$1" || return 1
	case $1 in
	cold)
		is_root || return 1
		[ "$KIND" = many ] || [ "$SIZE" = full ] || [ -n "$ONLY" ]
		;;
	cat)
		[ -n "$FILE" ]
		;;
	ssh-first | drill)
		[ "$KIND" = root ] || [ "$SIZE" = full ] || [ -n "$ONLY" ]
		;;
	ssh-unchanged | ssh-restore-noop)
		[ "$KIND" = many ] || [ "$SIZE" = full ] || [ -n "$ONLY" ]
		;;
	esac
}

# The cases on the open corpus, read where it lies.
measure_local() {
	local case before=

	for case in first cold unchanged verify restore cat change; do
		if chosen "$case"; then before=no; fi
	done
	[ -n "$before" ] || return 0
	if chosen first; then
		rounds "$RUNS" first
		before=yes
	fi
	if chosen cold; then
		rounds "$RUNS" cold
		before=yes
	fi
	[ "$before" = yes ] || rounds 1 prepare
	rounds 1 ready
	if chosen unchanged; then rounds "$SHORT_RUNS" unchanged; fi
	if chosen verify; then rounds "$RUNS" verify; fi
	if chosen cat; then rounds "$SHORT_RUNS" cat; fi
	if chosen restore; then rounds "$RUNS" restore; fi
	if chosen change; then
		alter_tree "$TREE"
		rounds "$RUNS" change
		undo_change "$TREE"
	fi
	rm -rf "${WORK:?}"/{xcatvault,tar,restic,borg}{,.keep}
}

measure_corpus() {
	measure_local
	measure_ssh
	rm -rf "${WORK:?}"/*
}

# The corpora of ours that were asked for.
measure_built() {
	local name dir names

	IFS=, read -ra names <<<"$CORPORA"
	for name in "${names[@]}"; do
		dir=$("$BENCH_SRC/corpus.sh" --dir "$BENCH_DIR" \
		    --size "$SIZE" "$name")
		open_corpus "$name" "$name" "$dir"
		measure_corpus
	done
}

# Directories of the caller's; altered are only copies.
measure_given() {
	local dir

	for dir in "${CORPUS_DIRS[@]}"; do
		if wanted "$CASES" change || wanted "$CASES" ssh-change
		then
			mkdir -p "$WORK/copy"
			cp -a --reflink=auto "$dir" "$WORK/copy/"
			open_corpus "$dir" '' "$WORK/copy/${dir##*/}"
		else
			open_corpus "$dir" '' "$dir"
		fi
		measure_corpus
	done
}

# The memory of xcatvault alone: a million files.
measure_million() {
	local dir

	dir=$("$BENCH_SRC/corpus.sh" --dir "$BENCH_DIR" --size "$SIZE" million)
	open_corpus million million "$dir"
	CASES=first,unchanged,verify,restore
	measure_corpus
}

# The memory of xcatvault alone: one file, 16 times as large the second time.
measure_large() {
	local mib source

	source=$("$BENCH_SRC/corpus.sh" --dir "$BENCH_DIR" --size "$SIZE" root)
	CASES=first,verify,restore
	for mib in 256 4096; do
		mkdir "$WORK/large"
		while find "$source" -type f -print0 | LC_ALL=C sort -z |
		    xargs -0 cat 2>/dev/null; do
			:
		done | head -c ${mib}M >"$WORK/large/file" || true
		open_corpus "large-$mib" large "$WORK/large"
		measure_corpus
	done
}

main() {
	local all

	parse_options "$@"
	mkdir -p "$BENCH_DIR/results"
	BENCH_DIR=$(cd "$BENCH_DIR" && pwd)
	WORK=$BENCH_DIR/work
	RESULT=$BENCH_DIR/results/$(date +%Y%m%d-%H%M%S)
	TSV=$RESULT.tsv LOG=$RESULT.log
	exec 9>"$BENCH_DIR/lock"
	flock -n 9 || die "another run is using $BENCH_DIR"
	is_root || say "not root: no cold runs, and restores go to a directory"
	helper measure
	helper files
	find_tools
	trap 'say "${0##*/}: line $LINENO: failed; see $LOG"' ERR
	trap cleanup EXIT
	trap 'exit 130' INT TERM HUP
	cleanup
	mkdir "$WORK"
	write_facts
	ssh_find
	all=$CASES
	if [ -n "$TOOLS" ] && tr , '\n' <<<"$all" |
	    grep -qv -e '^rss-' -e '^ssh-bulk$' -e '^ssh-database$' \
	-e '^compare$' -e '^image-' -e '^$'; then
		if [ ${#CORPUS_DIRS[@]} -gt 0 ]; then
			measure_given
		else
			measure_built
		fi
	fi
	if [ -n "$TOOLS" ] && wanted "$all" ssh-bulk; then measure_bulk; fi
	if wanted "$all" image-inspect; then measure_inspect; fi
	if wanted "$all" image-copy; then measure_image_copy; fi
	if wanted "$TOOLS" xcatvault; then
		if wanted "$all" image-vault; then measure_image_vault; fi
		if wanted "$CASES" image-native; then measure_image_native; fi
		if wanted "$all" ssh-database; then measure_database; fi
		if wanted "$all" compare; then
			database_tool
			measure_compare
		fi
		TOOLS=xcatvault RUNS=1 SHORT_RUNS=1
		if wanted "$all" rss-million; then measure_million; fi
		if wanted "$all" rss-large; then measure_large; fi
		if wanted "$all" rss-ssh-million; then measure_ssh_million; fi
		if wanted "$all" rss-ssh-restore-million; then
			measure_onto_million
		fi
		if wanted "$all" rss-image-inspect; then measure_inspect_rss; fi
		if wanted "$all" rss-image-copy; then measure_image_copy_rss; fi
	fi
	awk -f "$BENCH_SRC/report.awk" "$TSV" | tee "$RESULT.txt"
	echo "samples: $TSV"
	exit "$FAILED"
}

main "$@"

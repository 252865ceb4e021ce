# shellcheck shell=bash
# database.sh: the database onto a node, and the comparison that proves it.
# Sourced by run.sh, behind ssh.sh, not run.
#
# Cases:
#	ssh-database	a snapshot's database onto a fresh node: how long xCAT's
#			two commands take (stand-ins, which are quicker than
#			xCAT's own), and how long what is ours beside them does
#	compare		71 tables with 100,000 rows, each against itself in
#			another order, in memory
#
# More is in the steps' environment:
#	TARGET		folder of the node restored onto

# shellcheck disable=SC2016,SC2034
STEP+=(
	[xcatvault.ssh-database]='XCATVAULT_CACHE="$STATE/cache" XCATVAULT_SSH_DIR="$TARGET/ssh" "$XCATVAULT" -C "$TARGET/bench.conf" -V "$STATE/repo" --json restore bench --site target --database-only'
	[xcatvault.compare]='"$JUDGE_TOOL" "$TREE/old" "$TREE/new"'
)

database_tool() {
	export JUDGE_TOOL=${JUDGE_TOOL:-${XCATVAULT%/*}/tests/cli/judge_tool}
	[ -x "$JUDGE_TOOL" ] || die "no $JUDGE_TOOL: run make bench"
}

# part CASE TOOL SECONDS RUN: one of the times that a step has told itself
part() {
	MEASURED="$3	0	0	0	0	0	${MEASURED##*	}"
	record "$1" "$2" "$4" -
}

# number_of NAME: in the JSON that a step has printed
number_of() {
	sed -n "s/^ *\"$1\": *\\([0-9.e-]*\\),\\{0,1\\}\$/\\1/p" \
	    "$WORK/stdout"
}

# Of a node with so many nodes in its database.
measure_database() {
	local nodes=1000 run

	[ "$SIZE" != small ] || nodes=100
	mkdir "$WORK/empty"
	echo "of a node" >"$WORK/empty/text"
	open_corpus database database "$WORK/empty"
	ssh_start
	"$MN" populate "$NODE" "$nodes" >>"$LOG"
	node_files >"$NODE/files"
	ssh_new_state xcatvault
	sample ssh-prepare xcatvault ssh-first 1
	TARGET=$BENCH_DIR/nodes/target
	for ((run = 1; run <= SHORT_RUNS; run++)); do
		rm -rf "$TARGET"
		onto_open
		sample ssh-database xcatvault ssh-database "$run"
		onto_close
		record ssh-database xcatvault "$run" -
		part ssh-database xcat "$(number_of xcat_seconds)" "$run"
		part ssh-database own "$(number_of own_seconds)" "$run"
	done
	ssh_stop
	rm -rf "$NODE" "${WORK:?}"/*
}

# tables DIR COMMAND...: the rows of each in the order that COMMAND makes
tables() {
	local dir=$1 table

	shift
	mkdir -p "$dir"
	for ((table = 1; table <= 71; table++)); do
		{
			echo '#node,groups,status,comments,disable'
			awk -v n=$((table <= 32 ? 1409 : 1408)) 'BEGIN {
				for (i = 1; i <= n; i++)
					printf("\"node%06d\",\"all,rack%d\"," \
					    "\"booted\",\"it is \"\"%d\"\"\"," \
					    "\n", i, i % 50, i * 7919 % 10007)
			}' | "$@"
		} >"$dir/own$table.csv"
	done
}

measure_compare() {
	local run said

	mkdir "$WORK/tables"
	tables "$WORK/tables/old" cat
	tables "$WORK/tables/new" tac
	open_corpus compare database "$WORK/tables"
	for ((run = 1; run <= SHORT_RUNS; run++)); do
		sample compare xcatvault compare "$run"
		read -r -a said <"$WORK/stdout" || said=(0)
		[ "${said[*]:1}" = "71 100000 0" ] ||
		    fault "not 71 tables with 100,000 equal rows: ${said[*]}"
		part compare xcatvault "${said[0]}" "$run"
	done
	rm -rf "${WORK:?}"/*
}

# shellcheck shell=bash
# onto.sh: restores onto a node over ssh on loopback, and the drill.  Sourced by
# run.sh, behind ssh.sh, not run.
#
# Cases, and what each is held against:
#	ssh-restore	zstd -dc FILE | ssh node tar -x, with the archive that
#			"ssh node tar -c | zstd -3 -T0" has made
#	ssh-restore-noop	with all there already: ssh node find -printf
#	drill		verify --read-data, and then a plain restore
# The snapshot is that of ssh-first.  The node restored onto is a second one,
# whose /install is a file system made for the one sample (see run.sh); drill
# and plain restore go onto such a one, too.  The database is left out of the
# restores, but not of the drill; it has no osimages, for the corpus has none
# of their files.
#
# More is in the steps' environment:
#	TARGET		folder of the node restored onto

export TARGET=''

# shellcheck disable=SC2016,SC2034
STEP+=(
	[xcatvault.ssh-restore]='XCATVAULT_CACHE="$STATE/cache" XCATVAULT_SSH_DIR="$TARGET/ssh" "$XCATVAULT" -C "$TARGET/bench.conf" -V "$STATE/repo" restore bench --site target --without-database'
	[bare.ssh-restore]='zstd -q -dc "$STATE/repo/full.tar.zst" | ssh -F "$TARGET/ssh/config" -c "$CIPHER" node tar -C /install --numeric-owner -xpf -'
	[bare.ssh-restore-noop]='ssh -F "$TARGET/ssh/config" -c "$CIPHER" node "cd /install && exec find . -printf '\''$FORMAT'\''" >/dev/null'
	[xcatvault.drill]='XCATVAULT_CACHE="$STATE/cache" "$XCATVAULT" -V "$STATE/repo" drill bench --to "$OUT"'
	[bare.drill]='export XCATVAULT_CACHE="$STATE/cache"; "$XCATVAULT" -V "$STATE/repo" verify --read-data && "$XCATVAULT" -V "$STATE/repo" restore bench --to "$OUT"'
)
STEP[xcatvault.ssh-restore-noop]=${STEP[xcatvault.ssh-restore]}

# A node with nothing in its /install, which is a file system of its own.
onto_open() {
	TARGET=$BENCH_DIR/nodes/target
	new_fs
	"$MN" start "$TARGET" --volume "/install=$OUT"
	cat >"$TARGET/bench.conf" <<-END
	sites = {
		target = {
			address = "root@127.0.0.1:$(cat "$TARGET/port")";
			identity = "$TARGET/ssh/id_ed25519";
		};
	};
	END
	chmod 600 "$TARGET/bench.conf"
}

onto_close() {
	"$MN" stop "$TARGET"
	free_fs
}

# What is on the node must be what the snapshot was taken of.
onto_compare() {
	rsync -aHAXn --checksum --delete -i "$TREE/" "$OUT/" \
	    >"$WORK/differ" 2>&1 || echo "rsync failed" >>"$WORK/differ"
	[ -s "$WORK/differ" ] || return 0
	head -n 20 "$WORK/differ" >>"$LOG"
	fault "$1: $(wc -l <"$WORK/differ") differences to rsync"
}

# onto_case CASE TOOL RUN
onto_case() {
	case $1 in
	drill)	ssh_use xcatvault ; new_fs ;;
	*)	ssh_use "$2" ; onto_open ;;
	esac
	"$BENCH_DIR/bin/files" warm "$STATE"
	sample "$1" "$2" "$1" "$3"
	if [ "$1.$2.$3" = ssh-restore.xcatvault.1 ]; then
		onto_compare "$1"
	fi
	record "$1" "$2" "$3" -
	if [ "$1" = drill ]; then free_fs; else onto_close; fi
}

onto_rounds() {
	local run tool

	for ((run = 1; run <= $1; run++)); do
		for tool in xcatvault bare; do
			ssh_joins "$2" "$tool" || continue
			onto_case "$2" "$tool" "$run"
		done
	done
}

# All samples on one node, where all is there before the first of them.
onto_noop() {
	local run tool

	wanted "$TOOLS" xcatvault || return 0
	ssh_use xcatvault
	onto_open
	sample ssh-restore-noop xcatvault ssh-restore 0
	for ((run = 1; run <= $1; run++)); do
		for tool in xcatvault bare; do
			ssh_joins ssh-restore-noop "$tool" || continue
			ssh_use xcatvault
			"$BENCH_DIR/bin/files" warm "$STATE"
			sample ssh-restore-noop "$tool" ssh-restore-noop "$run"
			if [ "$tool.$run" = xcatvault.1 ]; then
				onto_compare ssh-restore-noop
			fi
			record ssh-restore-noop "$tool" "$run" -
		done
	done
	onto_close
}

onto_chosen() {
	chosen ssh-restore || chosen ssh-restore-noop || chosen drill
}

# What the cases need of the first backups, when those were not measured.
onto_prepare() {
	if wanted "$TOOLS" xcatvault && [ ! -d "$WORK/ssh-xcatvault" ]; then
		ssh_new_state xcatvault
		sample ssh-prepare xcatvault ssh-first 1
	fi
	if chosen ssh-restore && wanted "$TOOLS" tar &&
	    [ ! -d "$WORK/ssh-bare" ]; then
		ssh_new_state bare
		sample ssh-prepare bare ssh-first 1
	fi
}

# With the nodes of ssh.sh started, before the corpus is altered.
measure_onto() {
	onto_chosen || return 0
	onto_prepare
	if chosen ssh-restore; then onto_rounds "$RUNS" ssh-restore; fi
	if chosen ssh-restore-noop; then onto_noop "$SHORT_RUNS"; fi
	if chosen drill; then onto_rounds "$RUNS" drill; fi
}

# The memory of xcatvault with a million files that go onto a node.
measure_onto_million() {
	local dir

	dir=$("$BENCH_SRC/corpus.sh" --dir "$BENCH_DIR" --size "$SIZE" million)
	open_corpus ssh-restore-million ssh-million "$dir"
	# shellcheck disable=SC2034
	CASES=ssh-restore,ssh-restore-noop ONLY=yes
	measure_ssh
	rm -rf "${WORK:?}"/*
}

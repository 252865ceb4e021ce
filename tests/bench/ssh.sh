# shellcheck shell=bash
# ssh.sh: the same over ssh on loopback, where a test management node
# (tests/mn) has the corpus as its /install.  Sourced by run.sh, not run.
#
# Cases, and the bare command that each is held against:
#	ssh-first	ssh node tar -c | zstd -3 -T0 >FILE
#	ssh-unchanged	ssh node find -printf, with xcatvault's own format
#	ssh-change	the same find
#	ssh-bulk	"cat" of the same file through a channel of libssh
#	ssh-fixed	no more than a connection of libssh and "true"
# What is measured of xcatvault is a site's whole night, with its dump of the
# database, proof and publication.  That much is the same whatever /install
# holds: ssh-fixed is the night of an empty volume of the same node, so that the
# report can tell the two apart.
#
# restic and borg cannot read a tree over ssh.  What comes nearest: they run on
# the node, where the tree is local, with their repository beyond ssh (sftp, and
# "borg serve") on a second such node, which stands for this host.  That is work
# xcatvault does on this side; and they take neither the database nor more than
# one connection.  Repositories of all lie in the same file system.
#
# All speak aes128-gcm, which xcatvault asks for as well, lest it be a race of
# ciphers.  Only processes of this side are counted, so there is no column for
# the processor, and no telling whether others disturbed a sample.
#
# More is in the steps' environment:
#	NODE, KEEPER	folders of the two nodes (tests/mn/mn.sh)
#	NODE_PORT	of the node's sshd
#	FORMAT		what find is to print

MN=$BENCH_SRC/../mn/mn.sh
CIPHER=aes128-gcm@openssh.com
export MN CIPHER NODE='' KEEPER='' NODE_PORT='' FORMAT=''
export REMOTE_TOOL=${REMOTE_TOOL:-}

# shellcheck disable=SC2016,SC2034
STEP+=(
	[xcatvault.ssh-init]=${STEP[xcatvault.init]}
	[xcatvault.ssh-first]='XCATVAULT_CACHE="$STATE/cache" XCATVAULT_SSH_DIR="$NODE/ssh" "$XCATVAULT" -C "$NODE/bench.conf" -V "$STATE/repo" backup bench'
	[xcatvault.ssh-fixed]='XCATVAULT_CACHE="$STATE/cache" XCATVAULT_SSH_DIR="$NODE/ssh" "$XCATVAULT" -C "$NODE/bench.conf" -V "$STATE/repo" backup empty'

	[bare.ssh-init]='mkdir "$STATE/repo"'
	[bare.ssh-first]='ssh -F "$NODE/ssh/config" -c "$CIPHER" node tar -C /install -cf - . | zstd -q -f -3 -T0 -o "$STATE/repo/full.tar.zst"'
	[bare.ssh-unchanged]='ssh -F "$NODE/ssh/config" -c "$CIPHER" node "cd /install && exec find . -printf '\''$FORMAT'\''" >/dev/null'
	[bare.ssh-bulk]='XCATVAULT_SSH_DIR="$NODE/ssh" "$REMOTE_TOOL" -a "root@127.0.0.1:$NODE_PORT" -i "$NODE/ssh/id_ed25519" bulk "cat /install/noise"'
	[bare.ssh-fixed]='XCATVAULT_SSH_DIR="$NODE/ssh" "$REMOTE_TOOL" -a "root@127.0.0.1:$NODE_PORT" -i "$NODE/ssh/id_ed25519" command true </dev/null'

	[restic.ssh-init]='"$MN" shell "$NODE" env RESTIC_PASSWORD="$RESTIC_PASSWORD" restic -q -r "sftp:keeper:$STATE/repo" -o sftp.command="ssh -F /root/.ssh/config -c $CIPHER keeper /usr/lib/openssh/sftp-server" --cache-dir "$STATE/cache" init --repository-version 2'
	[restic.ssh-first]='"$MN" shell "$NODE" env RESTIC_PASSWORD="$RESTIC_PASSWORD" restic -q -r "sftp:keeper:$STATE/repo" -o sftp.command="ssh -F /root/.ssh/config -c $CIPHER keeper /usr/lib/openssh/sftp-server" --cache-dir "$STATE/cache" backup --compression auto /install'

	[borg.ssh-init]='"$MN" shell "$NODE" env BORG_BASE_DIR="$STATE" BORG_RSH="ssh -F /root/.ssh/config -c $CIPHER" borg init --encryption none "ssh://keeper$STATE/repo"'
	[borg.ssh-first]='"$MN" shell "$NODE" env BORG_BASE_DIR="$STATE" BORG_RSH="ssh -F /root/.ssh/config -c $CIPHER" BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes BORG_RELOCATED_REPO_ACCESS_IS_OK=yes borg create --compression zstd,3 "ssh://keeper$STATE/repo::night-{now:%H%M%S%f}" /install'
)
# A later night is the same command.
ssh_step_again() {
	STEP[$1.ssh-$2]=${STEP[$1.ssh-$3]}
}

ssh_step_again bare change unchanged
ssh_step_again xcatvault unchanged first
ssh_step_again xcatvault change first
ssh_step_again xcatvault bulk first
ssh_step_again restic change first
ssh_step_again borg change first

# -------------------------------------------------------------------- nodes

# Leave out what this host does not allow.
ssh_find() {
	local why

	case ,$CASES, in
	*ssh-* | *,drill,* | *image-copy* | *,image-native,*) ;;
	*)			return 0 ;;
	esac
	why=$("$MN" can 2>&1) || why=${why:-mn.sh can: failed}
	have ssh || why="needs ssh"
	if [ -n "$why" ]; then
		say "ssh cases: skipped: ${why#mn: skipped: }"
		CASES=$(tr , '\n' <<<"$CASES" |
		    grep -v -e ssh- -e '^drill$' -e image-copy \
		    -e '^image-native$' | paste -sd ,) || true
		return 0
	fi
	REMOTE_TOOL=${REMOTE_TOOL:-${XCATVAULT%/*}/tests/cli/remote_tool}
	[ -x "$REMOTE_TOOL" ] || die "no $REMOTE_TOOL: run make bench"
	FORMAT=$(sed -n 's/^\t"\(%y .*\)"$/\1/p' \
	    "$BENCH_SRC/../../remote/node/listing.h" | sed 's/\\\\/\\/g')
	[ -n "$FORMAT" ] || die "no LISTING_FORMAT in remote/node/listing.h"
	NODE=$BENCH_DIR/nodes/node KEEPER=$BENCH_DIR/nodes/keeper
	{
		printf '#fact\tssh: %s, %s, loopback\n' "$(ssh -V 2>&1)" \
		    "$CIPHER"
		printf '#fact\tover ssh: %s; %s\n' \
		    "restic and borg run on the node, the tree local to them" \
		    "their repository is beyond sftp and \"borg serve\""
	} >>"$TSV"
}

ssh_stop() {
	local node

	for node in "$BENCH_DIR"/nodes/*/; do
		[ ! -d "$node" ] || "$MN" stop "${node%/}"
	done
}

# The node's database and what lies below its own /install are made before the
# corpus is mounted there.
ssh_start() {
	ssh_stop
	if [ ! -e "$NODE/populated" ]; then
		rm -rf "$NODE"
		"$MN" start "$NODE"
		"$MN" populate "$NODE" small >>"$LOG"
		# Of osimages the corpus has no files.
		# shellcheck disable=SC2016
		"$MN" shell "$NODE" sh -c 'cd /etc/xcat || exit
		    for t in osimage linuximage; do
			sqlite3 $t.sqlite "delete from $t" || exit
		    done'
		"$MN" stop "$NODE"
		touch "$NODE/populated"
	fi
	"$MN" start "$NODE" --volume "/install=$TREE" --volume "$WORK=$WORK"
	NODE_PORT=$(cat "$NODE/port")
	cat >"$NODE/bench.conf" <<-END
	sites = {
		bench = {
			address = "root@127.0.0.1:$NODE_PORT";
			identity = "$NODE/ssh/id_ed25519";
			volumes = ( "/install", "/.dbbackup" );
		};
		empty = {
			address = "root@127.0.0.1:$NODE_PORT";
			identity = "$NODE/ssh/id_ed25519";
			volumes = ( "/srv", "/.dbbackup" );
		};
	};
	END
	chmod 600 "$NODE/bench.conf"
	if wanted "$TOOLS" restic || wanted "$TOOLS" borg; then
		ssh_start_keeper
	fi
	node_files >"$NODE/files"
}

# The node's root may log in there.
ssh_start_keeper() {
	local to=$NODE/root/root/.ssh

	"$MN" start "$KEEPER" --volume "$WORK=$WORK"
	cp "$KEEPER/ssh/id_ed25519" "$to/id_keeper"
	cp "$KEEPER/ssh/known_hosts" "$to/known_hosts"
	cat >"$to/config" <<-END
	Host keeper
		HostName 127.0.0.1
		Port $(cat "$KEEPER/port")
		IdentityFile /root/.ssh/id_keeper
		UserKnownHostsFile /root/.ssh/known_hosts
	END
}

# All that is on the node but the host's own directories that it sees and the
# published dump.
node_files() {
	(
		cd "$NODE/root" || exit
		find . -path './.dbbackup/*.csv' -o -print
		cd "/proc/$(cat "$NODE/pid")/root/dev" || exit
		find . -path ".$WORK" -prune -o -path ".${WORK#/dev}" -prune \
		    -o -path ./pts -prune -o -printf 'dev/%P\n'
	) | LC_ALL=C sort
}

# Processes of the node: its first and sshd when all is quiet.
node_processes() {
	local ns

	ns=$(readlink "/proc/$(cat "$NODE/pid")/ns/pid")
	{ find /proc/[0-9]*/ns/pid -maxdepth 0 -printf "%l\n" 2>/dev/null ||
	    true; } | grep -cxF "$ns"
}

# Nothing of a night may be left on the node, nor in the corpus.
nothing_left() {
	local tries=0 entries

	while [ "$(node_processes)" -gt 2 ]; do
		if [ $tries -eq 50 ]; then
			fault "a process is left on the node"
			break
		fi
		tries=$((tries + 1))
		sleep 0.1
	done
	node_files >"$WORK/files"
	if ! cmp -s "$NODE/files" "$WORK/files"; then
		diff "$NODE/files" "$WORK/files" >>"$LOG" || true
		fault "files are left on the node"
	fi
	entries=$(find "$TREE" -printf x | wc -c)
	[ "$entries" -eq "$TREE_ENTRIES" ] ||
	    fault "$TREE had $TREE_ENTRIES entries, and has $entries"
}

# -------------------------------------------------------------------- cases

ssh_use() {
	STATE=$WORK/ssh-$1
}

ssh_new_state() {
	ssh_use "$1"
	rm -rf "$STATE"
	mkdir "$STATE"
	bash -c "${STEP[${2:-$1}.ssh-init]}" >>"$LOG" 2>&1
}

# ssh_sample CASE TOOL RUN [BYTES_BEFORE]: measured, judged, written down
ssh_sample() {
	local bytes=-

	"$BENCH_DIR/bin/files" warm "$TREE"
	if [ -n "$(find "$STATE" -type f -print -quit)" ]; then
		"$BENCH_DIR/bin/files" warm "$STATE"
	fi
	sample "$1" "$2" "$1" "$3"
	[ "$2" != xcatvault ] || nothing_left
	[ -z "${4-}" ] || bytes=$(($(repo_bytes) - $4))
	record "$1" "$2" "$3" "$bytes"
}

# Each round in a new repository.
ssh_case_new() {
	ssh_new_state "$2"
	ssh_sample "$1" "$2" "$3" 0
}

ssh_case_again() {
	ssh_use "$2"
	mkdir -p "$STATE/repo"
	ssh_sample "$1" "$2" "$3" "$(repo_bytes)"
}

# In a vault of its own, which knows of nothing else.
ssh_case_fixed() {
	if [ "$2" = xcatvault ] && [ "$3" -eq 1 ]; then
		ssh_new_state fixed xcatvault
	fi
	ssh_use fixed
	ssh_sample "$1" "$2" "$3"
}

# Each round goes out from the state before the change.
ssh_case_change() {
	ssh_use "$2"
	mkdir -p "$STATE/repo"
	if [ "$3" -eq 1 ]; then
		cp -a --reflink=auto "$STATE" "$STATE.keep"
	else
		rm -rf "$STATE"
		cp -a --reflink=auto "$STATE.keep" "$STATE"
	fi
	ssh_sample "$1" "$2" "$3" "$(repo_bytes)"
}

# ssh_joins CASE TOOL: restic and borg are there for the first backup, and for
# the change when they have made that one
ssh_joins() {
	case $2 in
	xcatvault)	wanted "$TOOLS" xcatvault ;;
	bare)		wanted "$TOOLS" tar ;;
	*)
		wanted "$TOOLS" "$2" || return 1
		[ "$1" = ssh-first ] ||
		    { [ "$1" = ssh-change ] && [ -d "$WORK/ssh-$2" ]; }
		;;
	esac
}

# ssh_rounds N CASE: the tools take turns
ssh_rounds() {
	local run tool

	for ((run = 1; run <= $1; run++)); do
		for tool in xcatvault bare restic borg; do
			ssh_joins "$2" "$tool" || continue
			[ "$tool" != borg ] || [ "$run" -le "$BORG_RUNS" ] ||
			    continue
			case $2 in
			ssh-first | ssh-bulk)
				ssh_case_new "$2" "$tool" "$run" ;;
			ssh-fixed)
				ssh_case_fixed "$2" "$tool" "$run" ;;
			ssh-unchanged)
				ssh_case_again "$2" "$tool" "$run" ;;
			ssh-change)
				ssh_case_change "$2" "$tool" "$run" ;;
			esac
		done
	done
}

# The cases on the open corpus.
measure_ssh() {
	chosen ssh-first || chosen ssh-unchanged || chosen ssh-change ||
	    onto_chosen || return 0
	ssh_start
	if chosen ssh-first; then
		ssh_rounds "$RUNS" ssh-first
	elif wanted "$TOOLS" xcatvault; then
		ssh_new_state xcatvault
		sample ssh-prepare xcatvault ssh-first 1
	fi
	measure_onto
	ssh_rounds "$SHORT_RUNS" ssh-fixed
	if chosen ssh-unchanged; then
		ssh_rounds "$SHORT_RUNS" ssh-unchanged
	fi
	if chosen ssh-change; then
		alter_tree "$TREE"
		ssh_rounds "$RUNS" ssh-change
		undo_change "$TREE"
	fi
	ssh_stop
}

# One file of noise.
measure_bulk() {
	local mib=1024

	[ "$SIZE" != small ] || mib=256
	mkdir "$WORK/noise"
	head -c ${mib}M /dev/urandom >"$WORK/noise/noise"
	open_corpus noise noise "$WORK/noise"
	ssh_start
	ssh_rounds "$SHORT_RUNS" ssh-fixed
	ssh_rounds "$SHORT_RUNS" ssh-bulk
	ssh_stop
	rm -rf "${WORK:?}"/*
}

# The memory of xcatvault with a million files on the node.
measure_ssh_million() {
	local dir

	dir=$("$BENCH_SRC/corpus.sh" --dir "$BENCH_DIR" --size "$SIZE" million)
	open_corpus ssh-million ssh-million "$dir"
	# shellcheck disable=SC2034
	CASES=ssh-first,ssh-unchanged ONLY=yes
	measure_ssh
}

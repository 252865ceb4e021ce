# shellcheck shell=bash
# tools.sh: how each tool does each step.  Sourced by run.sh, not run.
#
# A step is a command line for bash, run with these in its environment:
#	TREE	the directory to back up
#	STATE	what the tool keeps; STATE/repo is its repository or archive
#	OUT	an empty directory to restore into
#	FILE	a file of about 4 KB, its name relative to TREE
# Nothing else is set but the variables below, so each line can be tried by
# hand.  init makes an empty repository and is not timed; ready brings along
# what the later steps need beside a first backup, and is not timed either.
# The small change is backed up by the same command as an unchanged tree.

export LC_ALL=C
export RESTIC_PASSWORD=bench
export BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
export BORG_RELOCATED_REPO_ACCESS_IS_OK=yes

# shellcheck disable=SC2016,SC2034
declare -A STEP=(
	[xcatvault.version]='"$XCATVAULT" --version'
	[xcatvault.init]='"$XCATVAULT" -V "$STATE/repo" init'
	[xcatvault.first]='XCATVAULT_CACHE="$STATE/cache" "$XCATVAULT" -V "$STATE/repo" backup --site bench --volume "$TREE"'
	[xcatvault.unchanged]='XCATVAULT_CACHE="$STATE/cache" "$XCATVAULT" -V "$STATE/repo" backup --site bench --volume "$TREE"'
	[xcatvault.verify]='XCATVAULT_CACHE="$STATE/cache" "$XCATVAULT" -V "$STATE/repo" verify --read-data'
	[xcatvault.restore]='XCATVAULT_CACHE="$STATE/cache" "$XCATVAULT" -V "$STATE/repo" restore latest --to "$OUT"'
	[xcatvault.cat]='XCATVAULT_CACHE="$STATE/cache" "$XCATVAULT" -V "$STATE/repo" cat latest "$TREE/$FILE"'

	# tar reads nothing when its archive is /dev/null, so ready costs only
	# the walk.  Each night starts from the list of the full backup.
	[tar.version]='tar --version | head -n 1; zstd --version'
	[tar.init]='mkdir "$STATE/repo"'
	[tar.first]='tar -C "$TREE" -cf - . | zstd -q -f -3 -T0 -o "$STATE/repo/full.tar.zst"'
	[tar.ready]='tar -C "$TREE" --listed-incremental="$STATE/full.list" -cf /dev/null .'
	[tar.again]='rm -f "$STATE/repo/night.tar.zst"; cp "$STATE/full.list" "$STATE/night.list"'
	[tar.unchanged]='tar -C "$TREE" --listed-incremental="$STATE/night.list" -cf - . | zstd -q -f -3 -T0 -o "$STATE/repo/night.tar.zst"'
	[tar.verify]='zstd -q -t "$STATE/repo/full.tar.zst"'
	[tar.restore]='zstd -q -dc "$STATE/repo/full.tar.zst" | tar -C "$OUT" --numeric-owner -xpf -'
	[tar.cat]='zstd -q -dc "$STATE/repo/full.tar.zst" | tar -xOf - "./$FILE"'

	[restic.version]='restic version'
	[restic.init]='restic -q -r "$STATE/repo" --cache-dir "$STATE/cache" init --repository-version 2'
	[restic.first]='restic -q -r "$STATE/repo" --cache-dir "$STATE/cache" backup --compression auto "$TREE"'
	[restic.unchanged]='restic -q -r "$STATE/repo" --cache-dir "$STATE/cache" backup --compression auto "$TREE"'
	[restic.verify]='restic -q -r "$STATE/repo" --cache-dir "$STATE/cache" check --read-data'
	[restic.restore]='restic -q -r "$STATE/repo" --cache-dir "$STATE/cache" restore latest --target "$OUT"'
	[restic.cat]='restic -q -r "$STATE/repo" --cache-dir "$STATE/cache" dump latest "$TREE/$FILE"'

	[borg.version]='borg --version'
	[borg.init]='BORG_BASE_DIR="$STATE" borg init --encryption none "$STATE/repo"'
	[borg.first]='BORG_BASE_DIR="$STATE" borg create --compression zstd,3 "$STATE/repo::first" "$TREE"'
	[borg.unchanged]='BORG_BASE_DIR="$STATE" borg create --compression zstd,3 "$STATE/repo::night-{now:%H%M%S%f}" "$TREE"'
	[borg.verify]='BORG_BASE_DIR="$STATE" borg check --verify-data "$STATE/repo"'
	[borg.restore]='cd "$OUT" && BORG_BASE_DIR="$STATE" borg extract --numeric-ids "$STATE/repo::first"'
	[borg.cat]='BORG_BASE_DIR="$STATE" borg extract --stdout "$STATE/repo::first" "${TREE#/}/$FILE"'
)

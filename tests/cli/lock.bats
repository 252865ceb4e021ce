#!/usr/bin/env bats
# Two at once: who waits, who is told to come again, who is not disturbed

load common

setup()
{
	scratch
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src=/v"
	echo more >"$T/src/more"
}

teardown() { clean; }

# hold_backup SITE: a backup of that site that stands still, and has its locks
hold_backup()
{
	# what it does in a vault elsewhere is not its own to be stopped in
	if over_ssh; then
		held_on "$T/src/more"
		held_start "$READING" "$XCATVAULT" backup --site "$1" \
		    --volume "$T/src=/v"
		held_next "$T/src/more"
		return
	fi
	held_start "$PUBLISHING" "$XCATVAULT" backup --site "$1" \
	    --volume "$T/src=/v"
	held_next "$V/packs/|packs/.*\\.pack"
}

@test "a second backup of the same site meanwhile: status 4, one line" {
	need_strace
	hold_backup s
	exits 4 timeout 20 "$XCATVAULT" backup --site s --volume "$T/src=/v"
	complains 'busy|lock|running'
	[ ! -s "$T/out" ]
	# the first is not disturbed
	held_go
	held_end
	equal "$HELD_STATUS" 0
	equal "$(snapshot_count)" 2
	comes_back latest "$T/src" /v
	sound
	take --volume "$T/src=/v"
}

@test "backups of many sites that start at once all go their way" {
	directory_only "the far side cleans there"
	need_strace
	echo left >"$V/tmp/1-0.pack"
	# one stands still where it takes away what a dead one left
	held_on "$V/tmp/1-0.pack"
	held_start flock,unlink,unlinkat "$XCATVAULT" backup --site one \
	    --volume "$T/src=/v"
	held_next 'tmp/1-0.pack'
	exits 0 timeout 20 "$XCATVAULT" backup --site two --volume "$T/src=/v"
	held_go
	held_end
	equal "$HELD_STATUS" 0
	equal "$(find "$V/tmp" -type f)" ""
	equal "$(snapshot_count)" 3
	sound
}

@test "a backup of another site meanwhile goes its way" {
	need_strace
	hold_backup s
	exits 0 timeout 20 "$XCATVAULT" backup --site other --volume "$T/src=/v"
	held_go
	held_end
	equal "$HELD_STATUS" 0
	equal "$(snapshot_count)" 3
	comes_back s "$T/src" /v
	comes_back other "$T/src" /v
	sound
}

@test "many at once: each ends with 0 or 4, and the vault is sound" {
	local pids='' pid n=0 got

	for i in 1 2 3 4 5 6; do
		mkdir "$T/src$i"
		noise "$i" 2000000 >"$T/src$i/own"
		noise 77 2000000 >"$T/src$i/shared"
		xv backup --site "site$((i % 3))" --volume "$T/src$i=/v" \
		    >/dev/null 2>&1 3>&- 4>&- &
		pids="$pids $!"
	done
	for pid in $pids; do
		got=0
		wait "$pid" || got=$?
		case $got in
		0) n=$((n + 1)) ;;
		4) ;;
		*) echo "status $got"; return 1 ;;
		esac
	done
	[ $n -ge 3 ]
	equal "$(snapshot_count)" $((n + 1))
	sound
}

#!/usr/bin/env bats
# init, and what is refused before any work begins

load common
setup() { scratch; }
teardown() { clean; }

@test "init makes a vault that only its owner can read, whatever the umask" {
	local mask entry

	for mask in 000 022 077; do
		(umask $mask && exits 0 xv -V "$T/v$mask" init)
		for entry in vault.json README.txt recover.sh packs snapshots; do
			[ -e "$T/v$mask/$entry" ]
		done
		equal "$(find "$T/v$mask" -type d ! -perm 0700)" ""
		equal "$(find "$T/v$mask" -type f -perm /0077)" ""
	done
}

@test "init: vault.json holds the format, an id and the cutting parameters" {
	need jq
	exits 0 xv init
	equal "$(jq -r '[.format, .cutter.min, .cutter.average, .cutter.max,
	    .frame, .catalog_frame, .pack_bytes, .pack_blobs, .level] |
	    map(tostring) | join(" ")' "$V/vault.json")" \
	    "1 65536 262144 1048576 4194304 262144 134217728 65536 3"
	jq -re .id "$V/vault.json" | grep -Eqx '[0-9a-f]{32}'
}

@test "init gives each vault an id of its own" {
	exits 0 xv -V "$T/a" init
	exits 0 xv -V "$T/b" init
	[ -s "$T/a/vault.json" ] && [ -s "$T/b/vault.json" ]
	not cmp -s "$T/a/vault.json" "$T/b/vault.json"
}

@test "init takes an existing empty directory" {
	mkdir "$V"
	exits 0 xv init
	[ -s "$V/vault.json" ]
	exits 0 xv list
}

@test "init refuses a directory with something in it, and leaves it alone" {
	mkdir "$V"
	echo mine >"$V/file"
	exits 3 xv init
	complains 'vault.*not empty|not empty.*vault|vault'
	equal "$(find "$V" -mindepth 1)" "$V/file"
	equal "$(cat "$V/file")" mine
}

@test "init refuses a vault, and leaves it alone" {
	exits 0 xv init
	plain_tree "$T/src"
	take --volume "$T/src"
	find "$V" -type f -exec sha256sum {} + | sort >"$T/before"
	exits 3 xv init
	complains 'already'
	find "$V" -type f -exec sha256sum {} + | sort | cmp - "$T/before"
}

@test "init refuses a file" {
	echo mine >"$V"
	exits '2|3' xv init
	complains 'vault'
	equal "$(cat "$V")" mine
}

@test "init into a directory without permission fails with one line" {
	open_dir
	mkdir "$OPEN_DIR/closed"
	[ "$(id -u)" -ne 0 ] || chown 0:0 "$OPEN_DIR/closed"
	chmod 0555 "$OPEN_DIR/closed"
	exits '2|3' unprivileged "$OPEN_DIR/xcatvault" \
	    -V "$OPEN_DIR/closed/vault" init
	complains 'permission denied'
}

@test "the vault's name: -V before or after the command, or the environment" {
	unset XCATVAULT_VAULT
	exits 3 xv list
	complains 'vault'
	exits 0 xv -V "$V" init
	exits 0 xv -V "$V" list
	exits 0 xv list -V "$V"
	exits 0 xv list --vault "$V"
	exits 0 xv "--vault=$V" list
	export XCATVAULT_VAULT=$V
	exits 0 xv list
	# an option wins over the environment
	export XCATVAULT_VAULT=$T/nowhere
	exits 0 xv -V "$V" list
}

@test "no command, an unknown one, an unknown option: status 3" {
	exits 3 xv
	exits 3 xv no-such-command
	says 'no-such-command'
	exits 3 xv list --no-such-option
	says 'no-such-option'
	exits 0 xv init
	exits 3 xv backup
	exits 3 xv cat latest
	exits 3 xv diff latest
	exits 3 xv find latest
	exits 3 xv restore latest
	exits 3 xv export latest
	exits 3 xv ls
}

@test "help and --version" {
	local command

	exits 0 xv --version
	says 'xcatvault [0-9]+\.[0-9]+'
	exits 0 xv help
	for command in init backup list ls find cat diff verify restore export; do
		grep -q -w -- "$command" "$T/out"
	done
	for command in init backup list ls find cat diff verify restore export; do
		exits 0 xv help "$command"
		grep -q -w -- "$command" "$T/out"
	done
	exits 3 xv help no-such-command
}

@test "what is not a vault: one line and status 3, from every command" {
	mkdir "$T/empty" "$T/other" "$T/src"
	echo x >"$T/other/file"
	: >"$T/file"
	local v

	for v in "$T/empty" "$T/other" "$T/file" "$T/none"; do
		each_command_refuses "$v" 3 'vault'
	done
	[ ! -e "$T/none" ]
	equal "$(ls -A "$T/empty")" ""
}

@test "a vault of a newer format: one line and status 3, from every command" {
	plain_tree "$T/src"
	exits 0 xv init
	take --volume "$T/src"
	sed -i 's/"format": *1/"format": 2/' "$V/vault.json"
	find "$V" -type f -exec sha256sum {} + | sort >"$T/before"
	each_command_refuses "$V" 3 'format'
	find "$V" -type f -exec sha256sum {} + | sort | cmp - "$T/before"
}

@test "a vault.json that is none: one line, nothing else" {
	exits 0 xv init
	mkdir "$T/src"
	local bad

	for bad in '' '{' 'null' '[]' '{"format": 1}' '{"format": "x"}' \
	    '{"format": -1}'; do
		printf '%s' "$bad" >"$V/vault.json"
		each_command_refuses "$V" '3|5' 'vault'
	done
	head -c 100000 /dev/zero >"$V/vault.json"
	each_command_refuses "$V" '3|5' 'vault'
	rm "$V/vault.json"
	mkdir "$V/vault.json"
	each_command_refuses "$V" '2|3|5' 'vault'
}

# each_command_refuses VAULT STATUS REGEX
each_command_refuses()
{
	local v=$1 want=$2 regex=$3
	set -- "backup --volume $T/src" list "ls latest" "find latest x" \
	    "cat latest /x" "diff latest latest" verify "verify --read-data" \
	    "restore latest --to $T/to" "export latest /x"

	for command; do
		# shellcheck disable=SC2086
		exits "$want" xv -V "$v" $command
		complains "$regex"
		[ ! -s "$T/out" ]
	done
	[ ! -e "$T/to" ]
}

#!/usr/bin/env bats
# --json: every command's output parses, whatever the names in it

load common

setup()
{
	need jq iconv
	scratch
}

teardown() { clean; }

# is_json: the last output is JSON in UTF-8, and not empty
is_json()
{
	if ! [ -s "$T/out" ] || ! iconv -f utf-8 -t utf-8 "$T/out" >/dev/null ||
	    ! jq -e . "$T/out" >/dev/null; then
		echo "not JSON:"
		head -c 2000 "$T/out"
		return 1
	fi
}

@test "--json of each command, before or after it" {
	exits 0 xv init --json
	is_json
	plain_tree "$T/src"
	exits 0 xv --json backup --site s --volume "$T/src=/v"
	is_json
	local first
	first=$(snapshot_files | sed 's/.*-\([0-9a-f]*\)\.json/\1/')
	grep -q "$first" "$T/out"
	exits 0 xv list --json
	is_json
	grep -q "$first" "$T/out"
	exits 0 xv ls latest --json
	is_json
	exits 0 xv --json ls -R latest /v
	is_json
	grep -q '/v/etc/site.conf' "$T/out"
	exits 0 xv find latest '*.conf' --json
	is_json
	exits 0 xv diff "$first" latest --json
	is_json
	exits 0 xv verify --json
	is_json
	exits 0 xv verify --read-data --json
	is_json
	exits 0 xv restore latest --to "$T/to" --dry-run --json
	is_json
	exits 0 xv restore latest --to "$T/to" --json
	is_json
	exits 0 xv export latest /v -o "$T/v.tar.zst" --json
	is_json
	echo more >"$T/src/more"
	exits 0 xv backup --json --site s --volume "$T/src=/v"
	is_json
	exits 5 xv diff "$first" latest --json
	is_json
	grep -q '/v/more' "$T/out"
}

@test "--json and names of any bytes" {
	new_vault
	nasty_source
	exits 0 xv backup --json --site s --volume "$SRC=/v"
	is_json
	exits 0 xv ls -R latest /v --json
	is_json
	exits 0 xv find latest '*' --json
	is_json
	exits 0 xv restore latest --dry-run --to "$T/to" --json
	is_json
	mkdir "$T/empty"
	exits 0 xv backup --site s --volume "$T/empty=/v"
	exits 5 xv diff "$(xv list --json | grep -Eo '[0-9a-f]{16}' | sed -n 1p)" \
	    latest --json
	is_json
}

@test "--json and trouble: the same exit status, and JSON or nothing on stdout" {
	local command

	new_vault small
	plain_tree "$T/src"
	noise 1 1500000 >"$T/src/one"
	take --volume "$T/src=/v"
	flip "$(packs_of data | sed -n 1p)" 5000
	exits 5 xv verify --read-data --json
	is_json
	exits 5 xv restore latest --to "$T/to" --json
	[ ! -s "$T/out" ] || is_json
	for command in "cat latest /none" "ls none" "restore none --to $T/x" \
	    "backup --site s --volume $T/none"; do
		# shellcheck disable=SC2086
		exits '2|3' xv --json $command
		[ ! -s "$T/out" ] || is_json
	done
}

@test "the snapshot files are JSON" {
	new_vault
	nasty_source
	exits 0 xv backup --site s --volume "$SRC=/v"
	cp "$(snapshot_files)" "$T/out"
	is_json
	cp "$V/vault.json" "$T/out"
	is_json
}

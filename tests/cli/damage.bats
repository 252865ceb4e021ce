#!/usr/bin/env bats
# Damage in the vault: found, named, worked around, healed

load common
setup() { scratch; }
teardown() { clean; }

# damaged_later: a vault of several packs with one snapshot of $T/src as /v,
# ID, which a test then damages
damaged_later()
{
	new_vault small
	plain_tree "$T/src"
	noise 1 1500000 >"$T/src/one"
	noise 2 1500000 >"$T/src/two"
	noise 3 1500000 >"$T/src/three"
	take --volume "$T/src=/v"
	ID=$SNAP
	[ "$(packs_of data | wc -l)" -ge 3 ]
}

# middle FILE: flips a byte there
middle()
{
	flip "$1" $(($(stat -c %s "$1") / 2))
}

# named PACK: the last output names the pack
named()
{
	says "$(basename "$1" .pack | cut -c1-16)"
}

# healed: the data is still there, so the next backup makes all well, the old
# snapshot included; old packs are not touched
healed()
{
	exits '0|1' xv backup --site s --volume "$T/src=/v"
	says 'damage|heal|anew|repair|again|lost|missing'
	sound
	comes_back latest "$T/src" /v
	comes_back "$ID" "$T/src" /v
	# and is at rest then
	packs >"$T/packs"
	exits 0 xv backup --site s --volume "$T/src=/v"
	packs | diff "$T/packs" -
}

# only_right: whatever a restore from damage did put into $T/to is right
only_right()
{
	(cd "$T/to/v" && find . -type f ! -size 0) | while read -r f; do
		cmp "$T/src/$f" "$T/to/v/$f" || exit 1
	done
}

@test "a flipped bit in a data pack: found by --read-data, named, healed" {
	damaged_later
	local pack
	pack=$(packs_of data | sed -n 2p)
	middle "$pack"
	exits 5 xv verify --read-data
	named "$pack"
	says '/v/(one|two|three|bin/large)'
	says "${ID:0:8}|s@|/s/"
	says 'next backup|backup'
	# verify of the one snapshot finds it too
	exits 5 xv verify latest --read-data
	named "$pack"
	sha256sum "$pack" >"$T/sum"
	healed
	sha256sum --status -c "$T/sum"
}

@test "restore, cat and export from a damaged pack: status 5, nothing wrong written" {
	damaged_later
	local pack
	pack=$(packs_of data | sed -n 2p)
	middle "$pack"
	exits 5 xv restore latest --to "$T/to"
	named "$pack"
	says '(one|two|three|large)'
	only_right
	cmp "$T/src/etc/site.conf" "$T/to/v/etc/site.conf"
	[ "$(find "$T/to" -type f | wc -l)" -ge 6 ]
	local n=0 got

	for f in one two three; do
		got=0
		xv cat latest /v/$f >"$T/out" 2>"$T/err" || got=$?
		case $got in
		0) cmp "$T/out" "$T/src/$f" ;;
		5) n=$((n + 1)); complains '.' ;;
		*) return 1 ;;
		esac
	done
	[ $n -ge 1 ] && [ $n -le 2 ]
	exits 5 xv export latest /v -o "$T/v.tar.zst"
	[ ! -e "$T/v.tar.zst" ]
	# a part that needs no damaged blob is as good as ever
	exits 0 xv restore latest /v/etc --to "$T/part"
	same_tree "$T/src/etc" "$T/part/v/etc"
}

@test "a truncated data pack: found by structure alone, named, healed" {
	damaged_later
	local pack
	pack=$(packs_of data | sed -n 1p)
	truncate -s 300000 "$pack"
	exits 5 xv verify
	named "$pack"
	exits 5 xv restore latest --to "$T/to"
	only_right
	healed
}

@test "an empty data pack; a pack gone" {
	damaged_later
	local pack
	pack=$(packs_of data | sed -n 2p)
	truncate -s 0 "$pack"
	exits 5 xv verify
	named "$pack"
	healed
	pack=$(packs_of data 2>/dev/null | sed -n 1p)
	rm "$pack"
	exits 5 xv verify
	named "$pack"
	healed
}

@test "a flipped bit in a catalog pack: found by structure alone, named, healed" {
	damaged_later
	local pack
	pack=$(packs_of catalog | sed -n 1p)
	flip "$pack" 200
	rm -rf "$XCATVAULT_CACHE"
	exits 5 xv verify
	named "$pack"
	exits 5 xv restore latest --to "$T/to"
	complains '.'
	exits 5 xv ls -R latest /v
	healed
}

@test "a truncated catalog pack, or one that is gone" {
	damaged_later
	local pack
	pack=$(packs_of catalog | sed -n 1p)
	truncate -s 500 "$pack"
	exits 5 xv verify
	named "$pack"
	healed
	rm -rf "$V" "$T/src" "$T"/back.*
	damaged_later
	pack=$(packs_of catalog | sed -n 1p)
	rm "$pack"
	exits 5 xv verify
	healed
}

@test "no flipped byte of a pack goes unnoticed" {
	new_vault
	plain_tree "$T/src"
	rm "$T/src/bin/large"
	take --volume "$T/src=/v"
	local pack size at

	for pack in $(packs); do
		size=$(stat -c %s "$pack")
		cp "$pack" "$T/good"
		at=0
		while [ $at -lt "$size" ]; do
			flip "$pack" $at
			rm -rf "$V/damaged"
			exits 5 xv verify --read-data || {
				echo "byte $at of $size in $pack"
				return 1
			}
			cp "$T/good" "$pack"
			at=$((at + size / 11 + 1))
		done
		# the trailer, byte by byte
		at=$((size - 40))
		while [ $at -lt "$size" ]; do
			flip "$pack" $at
			rm -rf "$V/damaged"
			exits 5 xv verify || {
				echo "byte $at of $size in $pack"
				return 1
			}
			cp "$T/good" "$pack"
			at=$((at + 3))
		done
	done
	rm -rf "$V/damaged"
	sound
}

@test "a flipped bit in a snapshot: one line each, the others are as good as ever" {
	damaged_later
	local file
	echo later >"$T/src/later"
	take --volume "$T/src=/v"
	file=$(snapshot_files | tail -n 1)
	flip "$file" 100
	exits 5 xv verify
	says "$(basename "$file" .json)|$SNAP"
	exits 5 xv restore latest --to "$T/to"
	complains "$SNAP"
	exits 5 xv cat "$SNAP" /v/later
	complains "$SNAP"
	exits '0|1|5' xv list
	grep -q "$ID" "$T/out"
	comes_back_but_later "$ID"
	# the next backup is whole, and the latest
	exits '0|1' xv backup --site s --volume "$T/src=/v"
	comes_back latest "$T/src" /v
	exits 0 xv verify latest --read-data
	nothing_twice
	# what is damaged stays named until it is removed
	exits 5 xv verify
	rm "$file"
	sound
}

comes_back_but_later()
{
	exits 0 xv restore "$1" --to "$T/first"
	[ ! -e "$T/first/v/later" ]
	cmp "$T/src/one" "$T/first/v/one"
}

@test "snapshots that are empty, cut, or nonsense under a right name" {
	damaged_later
	local file text name stamp=20250101T000000.000Z

	file=$(snapshot_files)
	for text in '' '{' '[]' '{"format": 1}' \
	    '{"format": 1, "site": 7, "volumes": "x"}' \
	    "$(head -c 300 "$file")"; do
		name=$(printf '%s' "$text" | sha256sum | cut -c1-16)
		printf '%s' "$text" >"$V/snapshots/s/$stamp-$name.json"
		exits 5 xv verify
		says "$name"
		exits '2|3|5' xv ls "$name"
		exits '0|1|5' xv list
		grep -q "$ID" "$T/out"
		comes_back "$ID" "$T/src" /v
		rm "$V/snapshots/s/$stamp-$name.json"
	done
	sound
}

@test "a snapshot of a newer format is refused, the others are not" {
	damaged_later
	local text name

	text=$(sed 's/"format": *1/"format": 2/' "$(snapshot_files)")
	name=$(sha256sum <<<"$text" | cut -c1-16)
	cat >"$V/snapshots/s/20200101T000000.000Z-$name.json" <<<"$text"
	exits '3|5' xv restore "$name" --to "$T/to"
	complains 'format'
	comes_back latest "$T/src" /v
}

@test "files that do not belong there are no damage" {
	damaged_later
	: >"$V/tmp/left-over"
	: >"$V/packs/README"
	mkdir -p "$V/packs/zz" "$V/lost+found"
	: >"$V/snapshots/.hidden"
	: >"$V/snapshots/s/20250101T000000.000Z-0123456789abcdef.json.tmp"
	exits 0 xv verify --read-data
	exits 0 xv list
	comes_back latest "$T/src" /v
	take --volume "$T/src=/v"
}

@test "a file that is no pack under a pack's name: named, and nothing else harmed" {
	damaged_later
	local id
	id=$(printf junk | sha256sum | cut -d' ' -f1)
	mkdir -p "$V/packs/${id:0:2}"
	noise 4 5000 >"$V/packs/${id:0:2}/$id.pack"
	# no snapshot needs it, so nothing is lost
	exits 0 xv verify
	grep -q "$id" "$T/err"
	grep -q '^Nothing is lost' "$T/out"
	comes_back latest "$T/src" /v
	exits '0|1' xv backup --site s --volume "$T/src=/v"
	comes_back latest "$T/src" /v
}

@test "damage that no backup can heal stays named" {
	damaged_later
	local pack
	rm "$T/src/one" "$T/src/two" "$T/src/three"
	take --volume "$T/src=/v"
	for pack in $(packs_of data); do
		middle "$pack"
	done
	exits 5 xv verify --read-data
	exits '0|1' xv backup --site s --volume "$T/src=/v"
	exits 5 xv verify --read-data
	says "/v/(one|two|three)"
	# but what is there is there
	comes_back latest "$T/src" /v
	exits 0 xv verify latest --read-data
	exits 5 xv restore "$ID" --to "$T/to"
}

@test "verify of a sound vault says one line; of one snapshot; of a part of the data" {
	damaged_later
	for args in '' latest --read-data --read-data=50 'latest --read-data=10%'; do
		# shellcheck disable=SC2086
		exits 0 xv verify $args
		equal "$(wc -l <"$T/out")" 1
		[ ! -s "$T/err" ]
	done
	for percent in 0 101 x -1; do
		exits 3 xv verify --read-data=$percent
	done
	exits '2|3' xv verify none
	rm -r "$V"
	new_vault
	exits 0 xv verify --read-data
}

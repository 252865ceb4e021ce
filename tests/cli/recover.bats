#!/usr/bin/env bats
# recover.sh, which lies in every vault, needs stock tools and no xcatvault

load common

setup()
{
	scratch
	# a PATH with what a rescue system has, less us and script languages
	mkdir "$T/bin"
	ln -s -t "$T/bin" /usr/sbin/* /usr/bin/* 2>/dev/null || :
	rm -f "$T"/bin/xcatvault* "$T"/bin/perl* "$T"/bin/python* "$T"/bin/ruby* \
	    "$T"/bin/lua* "$T"/bin/node* "$T"/bin/jq "$T"/bin/gcc* "$T"/bin/cc
}

teardown() { clean; }

# recover ARG...: as one would without us
recover()
{
	env -i PATH="$T/bin" "TMPDIR=$T" sh "$V/recover.sh" "$@"
}

# without TOOL...
without()
{
	local tool

	for tool; do
		rm -f "$T/bin/$tool"
	done
}

@test "recover.sh list names each snapshot" {
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src=/v"
	local first=$SNAP
	take --volume "$T/src=/v"
	not env -i PATH="$T/bin" sh -c 'command -v xcatvault'
	exits 0 recover list
	grep -q "$first" "$T/out"
	grep -q "$SNAP" "$T/out"
}

@test "recover.sh brings the fidelity tree back the same" {
	new_vault
	nasty_source
	take --volume "$SRC=/nasty"
	exits 0 recover "$SNAP" "$T/back"
	same_tree "$SRC" "$T/back/nasty"
}

@test "recover.sh brings paths of more than 4 KiB back" {
	new_vault
	deep_source
	take --volume "$SRC=/deep"
	exits 0 recover "$SNAP" "$T/back"
	same_facts "$SRC" "$T/back/deep" deep
}

@test "recover.sh with GNU tar alone, where there is no bsdtar" {
	new_vault
	plain_tree "$T/src"
	echo x >"$T/src/a b"
	echo x >"$T/src/back\\slash"
	take --volume "$T/src=/v"
	without bsdtar bsdcpio mtree setfattr getfattr setfacl rsync
	exits 0 recover "$SNAP" "$T/back"
	same_tree "$T/src" "$T/back/v"
}

@test "recover.sh: any snapshot, several volumes, many packs" {
	new_vault small
	plain_tree "$T/src"
	noise 1 3000000 >"$T/src/one"
	take --volume "$T/src=/v" --volume "$T/src/etc=/etc"
	local first=$SNAP
	cp -a "$T/src" "$T/first"
	rm "$T/src/one"
	noise 2 3000000 >"$T/src/two"
	echo changed >"$T/src/etc/site.conf"
	take --volume "$T/src=/v" --volume "$T/src/etc=/etc"
	exits 0 recover "$first" "$T/back1"
	same_tree "$T/first" "$T/back1/v"
	same_tree "$T/first/etc" "$T/back1/etc"
	exits 0 recover "$SNAP" "$T/back2"
	same_tree "$T/src" "$T/back2/v"
	# and the vault is as it was
	sound
}

@test "recover.sh from a copy of the vault elsewhere, read-only, called from anywhere" {
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src=/v"
	mkdir "$T/with space"
	cp -r "$V" "$T/with space/copy of vault"
	rm -r "$V"
	chmod -R a-w "$T/with space/copy of vault"
	cd /
	exits 0 env -i PATH="$T/bin" sh "$T/with space/copy of vault/recover.sh" \
	    "$SNAP" "$T/back"
	same_tree "$T/src" "$T/back/v"
	chmod -R u+w "$T/with space/copy of vault"
}

@test "recover.sh says what is wrong: no such snapshot, damage, no zstd" {
	new_vault small
	plain_tree "$T/src"
	noise 1 1500000 >"$T/src/one"
	take --volume "$T/src=/v"
	exits '1|2|3|5' recover ffffffffffffffff "$T/back"
	[ -s "$T/err" ]
	exits '1|2|3' recover
	flip "$(packs_of data | sed -n 1p)" 5000
	exits '1|2|5' recover "$SNAP" "$T/back"
	[ -s "$T/err" ]
	without zstd zstdcat unzstd zstdmt pzstd
	exits '1|2|3|127' recover "$SNAP" "$T/back2"
	grep -q zstd "$T/err"
}

@test "README.txt tells how" {
	new_vault
	grep -q 'recover\.sh' "$V/README.txt"
	grep -q 'zstd' "$V/README.txt"
	grep -q 'sha256sum' "$V/README.txt"
}

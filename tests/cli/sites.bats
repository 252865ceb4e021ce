#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031
# What the configuration says of a site, done at night.

load common
load ../mn/mn
load night

setup_file()
{
	shared_node
}

teardown_file()
{
	shared_stop
}

setup()
{
	night_scratch
}

teardown()
{
	night_clean
}

# entries SNAP PATH: how many
entries()
{
	xv ls -R "$1" "$2" | wc -l
}

# --- several sites ----------------------------------------------------------------

@test "--all takes every site, one line each; one that fails does not stop it" {
	site first a 'volumes = ( "/install/custom" );'
	SITES+="	dead = { address = \"root@127.0.0.1:1\"; };"$'\n'
	site last a 'volumes = ( "/var/log/xcat" );'
	exits 2 xv backup --all
	equal "$(wc -l <"$T/out")" 2
	equal "$(cut -d' ' -f3 "$T/out" | tr '\n' ' ')" 'first last '
	complains 'dead: .*127\.0\.0\.1.*refused'
	equal "$(snapshot_count)" 2
	exits 0 xv -q backup first last
	equal "$(cat "$T/out" "$T/err")" ''
	equal "$(snapshot_count)" 4
}

@test "a signal between two sites: the others are not taken for done" {
	site first a 'after = "kill -TERM $PPID";' 'volumes = ( "/var/log/xcat" );'
	site second a 'volumes = ( "/var/log/xcat" );'
	exits 2 xv backup --all
	complains '1 of 2 sites not backed up: interrupted'
	equal "$(snapshot_count)" 1
}

@test "--json: of several sites one array, of one an object" {
	site first a 'volumes = ( "/install/custom" );'
	exits 0 xv backup --json first
	equal "$(jq -r .site "$T/out")" first
	exits 0 xv backup --json --all
	equal "$(jq -c 'map(.site)' "$T/out")" '["first"]'
	SITES+="	dead = { address = \"root@127.0.0.1:1\"; };"$'\n'
	site last a 'volumes = ( "/var/log/xcat" );'
	exits 2 xv backup --json --all
	equal "$(jq -c 'map(.site)' "$T/out")" '["first","last"]'
	exits 2 xv backup --json dead
	equal "$(cat "$T/out")" ''
}

@test "names that are no site, or both kinds of volume: status 3 and nothing done" {
	site m a
	exits 3 xv backup nosuch
	complains 'nosuch.*m'
	exits 3 xv backup m nosuch
	complains nosuch
	exits 3 xv backup --all m
	complains 'either'
	exits 3 xv backup --volume /etc m
	complains 'volume'
	equal "$(snapshot_count)" 0
	: >"$XCATVAULT_CONFIG"
	exits 3 xv backup --all
	complains 'no sites'
}

@test "an unknown and a changed host key, a wrong key: one line and status 2" {
	site m a
	ssh-keygen -q -t ed25519 -N '' -f "$T/other"
	mv "$T/ssh/known_hosts" "$T/known"
	exits 2 xv backup m
	complains 'm: .*key.*(unknown|not known).*'
	sed "s/ssh-ed25519 .*/$(cut -d' ' -f1,2 "$T/other.pub" | sed 's,/,\\/,g')/" \
	    "$T/known" >"$T/ssh/known_hosts"
	exits 2 xv backup m
	complains 'm: .*key.*(changed|another)'
	cp "$T/known" "$T/ssh/known_hosts"
	sed -i "s,identity = .*,identity = \"$T/other\";," "$XCATVAULT_CONFIG"
	exits 2 xv backup m
	complains 'm: .*(refused|login|denied)'
	equal "$(snapshot_count)" 0
}

# --- around a night --------------------------------------------------------------------

@test "hooks run before and after, and are told the site and the status" {
	site m a "before = \"echo before \$XCATVAULT_SITE [\$XCATVAULT_STATUS] >>$T/hooks\";" \
	    "after = \"echo after \$XCATVAULT_SITE \$XCATVAULT_STATUS >>$T/hooks\";" \
	    'volumes = ( "/var/log/xcat" );'
	night m
	ended 0
	on mn_fault a dump=missing-table
	night m
	ended 1
	on mn_fault a clear
	on mn_fault a find=missing
	night m
	ended 2
	equal "$(cat "$T/hooks")" 'before m []
after m 0
before m []
after m 1
before m []
after m 2'
}

@test "a hook that fails: before, no backup; after, status 1" {
	config_line "log = \"$T/hooks.log\";"
	site m a 'before = "exit 7";' 'volumes = ( "/var/log/xcat" );'
	exits 2 xv backup m
	complains 'm: "exit 7" ended with status 7'
	equal "$(snapshot_count)" 0
	equal "$(wc -l <"$T/hooks.log")" 1 "lines in the log"
	grep -Eq ' m: status 2: .*"exit 7" ended with status 7$' "$T/hooks.log"
	SITES=
	site m a 'after = "exit 9";' 'volumes = ( "/var/log/xcat" );'
	night m
	ended 1 'm: "exit 9" ended with status 9'
	equal "$(snapshot_count)" 1
}

@test "what is not on the screen is in the log, for its owner only" {
	config_line "log = \"$T/night.log\";"
	site m a 'volumes = ( "/var/log/xcat" );'
	night m
	ended 0
	equal "$(stat -c %a "$T/night.log")" 600
	on mn_fault a dump=badbytes
	exits 1 xv -q backup m
	grep -q 'control byte' "$T/err"
	on mn_fault a clear
	on mn_fault a tar=missing
	night m
	ended 2
	equal "$(grep -Ec '^[0-9TZ:.-]+ m: status [012]: ' "$T/night.log")" 3
	grep -q 'm: status 0: snapshot [0-9a-f]* m complete' "$T/night.log"
	grep -q 'site.csv: database: .*control byte 0x01' "$T/night.log"
	grep -q 'm: status 2: .*tar' "$T/night.log"
	# a log that cannot be written costs a word, not the night
	ln -sf /etc/passwd "$T/night.log"
	on mn_fault a clear
	night m
	[ -n "$SNAP" ]
	grep -q 'log .*cannot be opened' "$T/err"
}

@test "no details of a night in the log are of the password kind" {
	config_line "log = \"$T/night.log\";"
	site m a
	on mn_fault a dump=badbytes:passwd
	night m
	ended 1
	equal "$(on mn_sh a sqlite3 /etc/xcat/passwd.sqlite 'select password from passwd' |
	    grep -Fc -f - "$T/night.log" "$T/out" "$T/err" | awk -F: '{ n += $2 } END { print n }')" 0
}

# --- what is taken ----------------------------------------------------------------------

@test "excludes of the site and of the command line; -x" {
	node b --small /install/mnt=1m
	on mn_sh b sh -c 'mkdir -p /install/a/b /install/skip/deep && echo x >/install/mnt/other-fs
		for f in a/keep a/x.tmp a/b/y.tmp a/b/core skip/1 skip/deep/2 a/skip; do
			echo $f >/install/$f; done'
	site m b 'volumes = ( "/install" );' 'exclude = ( "*.tmp", "/skip" );' \
	    'one_file_system = true;'
	night --exclude core m
	ended 0
	exits 0 xv find "$SNAP" '*'
	grep -qx /install/a/keep "$T/out"
	grep -qx /install/a/skip "$T/out"
	grep -qx /install/mnt "$T/out"
	not grep -E '[.]tmp$|/install/skip|/core$|other-fs' "$T/out"
	# as a directory of this host gives it
	exits 0 xv backup --site here --one-file-system --exclude '*.tmp' \
	    --exclude /skip --exclude core \
	    --volume "/proc/$(cat "$(mn_folder b)/pid")/root/install=/install"
	diff <(xv ls --mtree "$SNAP" /install) <(xv ls --mtree here /install)
	# without it the other file system is taken
	sed -i '/one_file_system/d' "$XCATVAULT_CONFIG"
	night m
	exits 0 xv find "$SNAP" other-fs
	grep -qx /install/mnt/other-fs "$T/out"
}

@test "extra paths: files and directories outside of the volumes" {
	node b
	on mn_sh b sh -c 'mkdir -p /srv/deep/er "/srv/a b" && echo 1 >/srv/deep/er/f &&
		echo 2 >"/srv/a b/'"it's"'" && echo 3 >/srv/not && ln -s deep /srv/link &&
		echo 4 >/etc/xcat/extra && echo 5 >/var/log/messages && echo 6 >/toplevel'
	site m b 'volumes = ( "/install", "/var/log/xcat" );' \
	    'extra = ( "/srv/deep", "/srv/a b/it'\''s", "/etc/passwd", "/etc/xcat", "/srv/link" );'
	night m
	ended 0
	exits 0 xv find "$SNAP" '*'
	local path
	for path in /srv/deep/er/f /srv/link /etc/passwd /etc/xcat/extra; do
		grep -qx "$path" "$T/out"
	done
	grep -q "/srv/a.*b/it.*s" "$T/out"
	not grep -E '^(/srv/not|/etc/shadow)' "$T/out"
	equal "$(json "$SNAP" '[.volumes[] | select(.selected).path] | sort | join(" ")')" '/etc /srv'
	exits 0 xv restore "$SNAP" /srv --to "$T/to"
	equal "$(cat "$T/to/srv/a b/it's")" 2
	equal "$(readlink "$T/to/srv/link")" deep
	# the same again is unchanged
	night m
	ended 0
	equal "$(json "$SNAP" '[.volumes[] | select(.selected) | .new_files + .changed_files] | add')" 0
	# what is no volume's and cannot be selected from is not left out silently
	SITES=
	site m b 'volumes = ( "/install", "/var/log/xcat" );' \
	    'extra = ( "/nosuch", "/toplevel", "/var/log/messages" );'
	night m
	ended 1
	cp "$T/err" "$T/told"
	for path in /nosuch /toplevel /var/log/messages; do
		exits 0 xv find "$SNAP" "${path##*/}"
		grep -qx "$path" "$T/out" || grep -q "^xcatvault: $path: " "$T/told" || {
			echo "$path: neither stored nor told"
			return 1
		}
	done
}

@test "a volume / holds the dump: proved as it was stored, and found again" {
	site m a 'volumes = ( "/" ); exclude = [ "/[a-z]*" ];' \
	    'one_file_system = true;'
	night m
	ended 0
	equal "$(volumes "$SNAP")" /
	equal "$(json "$SNAP" .status)" complete
	equal "$(json "$SNAP" .database.dump)" whole
	exits 0 xv cat "$SNAP" /.dbbackup/site.csv
	exits 0 xv diff "$SNAP" "$SNAP" --db
	[ "$(xv ls "$SNAP" /.dbbackup | wc -l)" -eq 71 ]
	# what the exclusion takes is missed
	site n a 'volumes = ( "/" ); exclude = [ "/[a-z]*", "nodelist.csv" ];' \
	    'one_file_system = true;'
	night n
	ended 1 "n: NO DATABASE.*70 of 71 tables"
}

@test "a volume that the node has not: told, partial, the others stored" {
	site m a 'volumes = ( "/install", "/nosuch", "/etc/passwd" );'
	night m
	ended 1
	grep -q '^xcatvault: /nosuch: missing' "$T/err"
	grep -q '^xcatvault: /etc/passwd: missing' "$T/err"
	equal "$(sed -n 's/^xcatvault: \(.*\): missing.*/\1/p' "$T/err" |
	    tr '\n' ' ')" '/nosuch /etc/passwd ' 'as configured'
	equal "$(json "$SNAP" .status)" partial
	equal "$(volumes "$SNAP")" '/.dbbackup /install'
	equal "$(json "$SNAP" .database.dump)" whole
	sound
}

@test "a volume with quotes and spaces in its path" {
	local odd=$'/srv/o\'dd "x" $(id) \\n;'
	node b
	on mn_sh b sh -c 'mkdir -p "$1/in" && echo "of it" >"$1/in/f"' sh "$odd"
	site m b 'volumes = ( "/srv/o'\''dd \"x\" $(id) \\n;" );'
	night m
	ended 0
	exits 0 xv restore "$SNAP" --to "$T/to"
	equal "$(cat "$T/to$odd/in/f")" 'of it'
}

@test "a volume read locally, the rest over ssh" {
	local dir
	dir=$(mn_folder a)/root
	site m a "volumes = ( { path = \"/install\"; local = \"$dir/install\"; }, \"/var/log/xcat\" );"
	night m
	ended 0
	equal "$(volumes "$SNAP")" '/.dbbackup /install /var/log/xcat'
	equal "$(json "$SNAP" '.volumes[] | select(.path == "/install").source')" "$dir/install"
	exits 0 xv restore "$SNAP" /install --to "$T/to"
	same_tree "$dir/install" "$T/to/install"
	# the same site, all of it over ssh: nothing is new
	SITES=
	site m a 'volumes = ( "/install", "/var/log/xcat" );'
	night m
	ended 0
	equal "$(json "$SNAP" '.volumes[] | select(.path == "/install") | .new_files + .changed_files + .read_bytes')" 0
}

@test "a site without address: only directories of this host" {
	mkdir "$T/tree"
	echo x >"$T/tree/x"
	SITES="	here = { volumes = ( { path = \"/install\"; local = \"$T/tree\"; } ); };"$'\n'
	write_config
	night here
	ended 0
	equal "$(json "$SNAP" '"\(.status) \(.node) \(.database)"')" 'complete null null'
	comes_back "$SNAP" "$T/tree" /install
	rm -r "$T/tree"
	exits 2 xv backup here
	complains 'here: volume .*No such file'
}

@test "a vault of the site's own, and one of the command line" {
	xv -V "$T/own" init >/dev/null
	xv -V "$T/asked" init >/dev/null
	site m a "vault = \"$(vault_name "$T/own")\";" 'volumes = ( "/var/log/xcat" );'
	unset XCATVAULT_VAULT
	exits 0 "$XCATVAULT" -q backup m
	equal "$(snapshot_count "$T/own")" 1
	exits 0 "$XCATVAULT" -q -V "$(vault_name "$T/asked")" backup m
	equal "$(snapshot_count "$T/own") $(snapshot_count "$T/asked") $(snapshot_count)" '1 1 0'
}

@test "the well-known password is used, and warned about" {
	mn_start w --password cluster
	site m w 'volumes = ( "/install" );'
	printf 'cluster\n' >"$T/password"
	chmod 0600 "$T/password"
	sed -i "s,identity = .*,password_file = \"$T/password\";," "$XCATVAULT_CONFIG"
	night m
	ended 1 '/: password: .*change it'
	[ -n "$SNAP" ]
	not grep -rq 'cluster$' "$T/out"
	echo wrong >"$T/password"
	exits 2 xv backup m
	complains 'refused|login|denied'
	chmod 0644 "$T/password"
	exits 3 xv backup m
	complains 'password'
}

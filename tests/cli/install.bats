# make install and uninstall, and the units that run every night.

load common

setup()
{
	scratch
	SOURCE=$TESTS/..
	export D=$T/dest
}

teardown()
{
	clean
}

# with BUILD of the program under test; nothing is compiled here
installs()
{
	make -s -C "$SOURCE" BUILD="$(dirname "$XCATVAULT")" \
	    --assume-old=deps -o all DESTDIR="$D" "$@"
}

installable()
{
	need make
	[ "$(basename "$XCATVAULT")" = xcatvault ] ||
	    skip "the program under another name"
}

@test "install puts program, pages, units, examples in place; uninstall removes them" {
	local page
	installable
	exits 0 installs PREFIX=/opt/xv install
	cmp "$XCATVAULT" "$D/opt/xv/sbin/xcatvault"
	for page in "$SOURCE"/man/*.[15]; do
		cmp <(sed -E 's,/usr/local/(sbin/xc|lib/s|share/),/opt/xv/\1,g' \
		    "$page") "$D/opt/xv/share/man/man${page##*.}/${page##*/}"
	done
	grep -q '/opt/xv/share/doc/xcatvault/xcatvault.cron' \
	    "$D/opt/xv/share/man/man5/xcatvault.conf.5"
	grep -qx 'ExecStart=/opt/xv/sbin/xcatvault backup -q %i' \
	    "$D/opt/xv/lib/systemd/system/xcatvault@.service"
	[ -e "$D/opt/xv/lib/systemd/system/xcatvault@.timer" ]
	grep -q '/opt/xv/sbin/xcatvault backup -q --all' \
	    "$D/opt/xv/share/doc/xcatvault/xcatvault.cron"
	cmp "$SOURCE/xcatvault.conf.example" "$D/etc/xcatvault.conf"
	equal "$(stat -c %a "$D/etc/xcatvault.conf")" 600
	exits 0 installs PREFIX=/opt/xv uninstall
	equal "$(find "$D" -type f)" ''
}

@test "a configuration that is there is kept, by both" {
	installable
	mkdir -p "$D/etc"
	echo '# mine' >"$D/etc/xcatvault.conf"
	exits 0 installs PREFIX=/usr install
	equal "$(cat "$D/etc/xcatvault.conf")" '# mine'
	exits 0 installs PREFIX=/usr uninstall
	equal "$(find "$D" -type f)" "$D/etc/xcatvault.conf"
}

@test "the installed example is a configuration without sites" {
	installable
	exits 0 installs PREFIX=/usr install
	exits 0 xv -C "$D/etc/xcatvault.conf" site list
	equal "$(cat "$T/out")" ''
}

@test "systemd takes the units" {
	need systemd-analyze
	installable
	exits 0 installs PREFIX="$T/here" install
	ln -s "$D$T/here" "$T/here"
	mkdir units
	cp "$T/here/lib/systemd/system/xcatvault@.service" \
	    units/xcatvault@mn-1.service
	cp "$T/here/lib/systemd/system/xcatvault@.timer" \
	    units/xcatvault@mn-1.timer
	exits 0 systemd-analyze verify --man=no units/*
	equal "$(cat "$T/out" "$T/err")" ''
	exits 0 systemd-analyze calendar --iterations=2 \
	    "$(sed -n 's/^OnCalendar=//p' units/xcatvault@mn-1.timer)"
}

@test "the units say what a night needs" {
	local s=$SOURCE/backup/xcatvault@.service
	local t=$SOURCE/backup/xcatvault@.timer setting

	for setting in Type=oneshot Nice=10 CPUWeight=20 \
	    IOSchedulingClass=idle UMask=0077; do
		grep -qx "$setting" "$s"
	done
	# it must reach ~/.ssh, any volume and any vault
	not grep -Eq '^(ProtectHome|PrivateNetwork|PrivateUsers|DynamicUser|User)=' "$s"
	not grep -q '^ProtectSystem=strict' "$s"
	for setting in Persistent=true WantedBy=timers.target; do
		grep -qx "$setting" "$t"
	done
	grep -q '^RandomizedDelaySec=' "$t"
	# nothing but comments, sections and settings
	not grep -Ev '^(#.*|\[[A-Z][a-z]+\]|[A-Z][A-Za-z]+=.+|)$' "$s" "$t"
}

@test "the lines for cron have the fields of /etc/cron.d" {
	local lines

	lines=$(grep -Ev '^(#|MAILTO=)' "$SOURCE/backup/xcatvault.cron")
	equal "$(wc -l <<<"$lines")" 2
	not grep -Ev '^([0-9*]+ ){5}root [a-z].* /usr/local/sbin/xcatvault (backup|verify) -q' <<<"$lines"
	# cron makes a newline of it
	not grep -q % "$SOURCE/backup/xcatvault.cron"
}

# cron's PATH has no sbin
@test "every line for cron that is printed anywhere names the program's place" {
	local lines

	lines=$(cat "$SOURCE"/README.md "$SOURCE"/man/*.[15] \
	    "$SOURCE"/backup/xcatvault.cron |
	    grep -E '^ *[0-9]+ [0-9]+ \* \* [0-7*] ')
	[ "$(wc -l <<<"$lines")" -ge 6 ]
	equal "$(grep -v '/usr/local/sbin/xcatvault ' <<<"$lines")" ''
}

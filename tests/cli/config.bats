# The configuration file on the command line; tests/unit/test_config.c has
# every rule, here is who reads it, when, and what goes wrong.

load common

setup()
{
	scratch
	C=$XCATVAULT_CONFIG
}

teardown()
{
	clean
}

# conf TEXT: becomes the configuration
conf()
{
	printf '%s\n' "$1" >"$C"
	chmod 0600 "$C"
}

@test "the configuration's vault is the default" {
	unset XCATVAULT_VAULT
	exits 3 xv list
	complains "no vault named: .* have vault = ... in $C"
	conf "vault = \"$T/v\";"
	exits 0 xv init
	[ -e "$T/v/vault.json" ]
	exits 0 xv list
	plain_tree "$T/src"
	exits 0 xv backup --site s --volume "$T/src"
	exits 0 xv list --json
	equal "$(jq -r '.[0].site' "$T/out")" s
}

@test "-V and \$XCATVAULT_VAULT come before the configuration's vault" {
	conf "vault = \"$T/wrong\";"
	exits 0 xv init
	[ -e "$V/vault.json" ]
	XCATVAULT_VAULT=$T/env exits 0 xv -V "$T/option" init
	[ -e "$T/option/vault.json" ]
	[ ! -e "$T/wrong" ] && [ ! -e "$T/env" ]
}

@test "a name of vaults is resolved" {
	unset XCATVAULT_VAULT
	conf "vault = \"main\"; vaults = { main = \"$T/m\"; };"
	exits 0 xv init
	[ -e "$T/m/vault.json" ]
}

@test "-C and --config name another file, before and after the command" {
	unset XCATVAULT_VAULT
	conf "vault = \"$T/wrong\";"
	echo "vault = \"$T/v\";" >other.conf
	exits 0 xv -C other.conf init
	exits 0 xv list -C "$T/other.conf"
	exits 0 xv --config other.conf list
	exits 0 xv list --config=other.conf
	[ -e "$T/v/vault.json" ] && [ ! -e "$T/wrong" ]
	exits 3 xv -C "$T/none.conf" list
	complains 'none.conf: no such file'
	exits 3 xv -C
	exits 3 xv -C "$T" list
	complains 'not a regular file'
}

@test "a vault named in full needs no configuration, unless -C names one" {
	[ "${XCATVAULT_TEST_VAULT-}" != ssh ] ||
	    skip "the way to a vault behind ssh is configured"
	conf 'vault = ;'
	exits 0 xv init
	exits 0 xv list
	exits 3 xv -C "$C" list
	complains "$C:1: syntax error"
	unset XCATVAULT_VAULT
	exits 3 xv list
	complains "$C:1: syntax error"
}

@test "errors name file, line, setting and reason in one line" {
	conf "vault = \"$V\";
sites = {
  mn1 = {
    adress = \"root@mn1\";
  };
};"
	exits 3 xv site list
	complains "^xcatvault: $C:4: adress: no such setting; is \"address\" meant\?\$"
	conf "sites = {
  mn1 = { address = \"-oProxyCommand=touch \$T/owned\"; };
};"
	exits 3 xv site list
	complains "$C:2: address: "
	conf 'sites = { mn1 = { address = "a"; volumes = ( "/install", "/install/x" ); }; };'
	exits 3 xv site list
	complains '/install and /install/x are the same or one within the other'
	conf 'log = "/a\x1b[31mb";'
	exits 3 xv site list
	complains 'log: .*one line of UTF-8'
	not grep -q $'\x1b' "$T/err"
}

@test "a file that others may write is refused, and one of another owner" {
	conf "vault = \"$V\";"
	chmod 0620 "$C"
	exits 3 xv site list
	complains "$C: others may write it; chmod go-w $C"
	chmod 0602 "$C"
	exits 3 xv site list
	complains 'others may write it'
	chmod 0644 "$C"
	exits 0 xv site list
	need_root
	chown 65534 "$C"
	exits 3 xv site list
	complains 'owned by neither root nor you'
}

@test "what is included is found beside the file, checked and named" {
	mkdir conf.d
	conf '@include "conf.d/sites"'
	echo 'sites = { mn1 = { address = "a"; }; };' >conf.d/sites
	exits 0 xv site list
	says '^mn1 '
	printf '\n\nlanes = 3;\n' >conf.d/sites
	exits 3 xv site list
	complains "$T/conf.d/sites:3: lanes: no such setting"
	echo 'sites = { mn1 = { address = "a"; }; };' >conf.d/sites
	chmod 0666 conf.d/sites
	exits 3 xv site list
	complains 'conf.d/sites: others may write it'
	rm conf.d/sites
	exits 3 xv site list
	complains "$C:1: cannot open include file"
}

@test "site list has a line for each site, and JSON" {
	conf "vault = \"$V\"; vaults = { away = \"ssh://u@h/v\"; };
sites = {
  mn1 = { address = \"root@mn1:2200\"; vault = \"away\"; profile = \"full\"; };
  b = { name = \"2.example.org\";
    volumes = ( { path = \"/install\"; local = \"/srv/i\"; } ); };
};"
	exits 0 xv site list
	equal "$(wc -l <"$T/out")" 2
	says '^mn1 +root@mn1:2200 +ssh://u@h/v +volumes as found, full profile$'
	says "^2.example.org +- +$V +/install \(local\)\$"
	exits 0 xv site list --json
	jq -e '.[0].name == "mn1" and .[0].vault == "ssh://u@h/v" and
	    .[0].profile == "full" and .[0].volumes == [] and
	    .[0].max_loss == 20 and .[1].address == null and
	    .[1].volumes[0].local == "/srv/i"' "$T/out"
	conf ''
	exits 0 xv site list
	equal "$(cat "$T/out")" ''
	exits 0 xv site list --json
	equal "$(jq length "$T/out")" 0
}

@test "the example is a configuration, and its settings are all in the page" {
	local word page=$TESTS/../man/xcatvault.conf.5

	install -m 0600 "$TESTS/../xcatvault.conf.example" "$C"
	exits 0 xv site list
	# every line that is a comment becomes a setting
	sed -E 's/^# ?( *([a-z_0-9]+ = |\};))/\1/' \
	    "$TESTS/../xcatvault.conf.example" >"$C"
	exits 0 xv site list
	sed -nE 's/^ *([a-z_]+) = .*/\1/p' "$C" | sort -u >words
	while read -r word; do
		grep -Eq "^\.It (.* )?Ic $word = " "$page" || case $word in
		mn1 | mn2 | main | away) ;;
		*)
			echo "$word is not in the page"
			return 1
			;;
		esac
	done <words
}

#!/usr/bin/env bats
# remote/: sessions over ssh, against a real sshd, by way of remote_tool.c
#
# shellcheck disable=SC1003,SC2016 # words for another shell
# shellcheck disable=SC2030,SC2031,SC2034 # each test is a subshell
# shellcheck disable=SC2094

load common
load sshd
setup() {
	scratch
	TOOL=$(dirname "$XCATVAULT")/tests/cli/remote_tool
	[ -x "$TOOL" ] || {
		echo "no $TOOL (run make check-cli)"
		return 1
	}
	unset SSH_AUTH_SOCK
}
teardown() {
	[ -z "${AGENT-}" ] || kill "$AGENT"
	[ -z "${MUTE-}" ] || kill "$MUTE"
	sshd_stop
	clean
}

# rt ARG...: the tool, which must not hang
rt() { timeout -k 5 60 "$TOOL" "$@"; }

# node ARG...: the same with the server of this test
node() { rt -a "$SSHD_ADDRESS" "$@"; }

# within SECONDS SINCE: SINCE is a reading of $EPOCHREALTIME
within() {
	awk -v limit="$1" -v t="$2" -v now="$EPOCHREALTIME" 'BEGIN {
		if (now - t > limit) { print "took " now - t " s"; exit 1 } }'
}

# fingerprint FILE
fingerprint() { ssh-keygen -lf "$1" | cut -d' ' -f2; }

# --- reaching the host ------------------------------------------------------

@test "remote: a session says where it is and which key the host has" {
	sshd_start
	exits 0 node name
	equal "$(cat "$T/out")" "$SSHD_ADDRESS $(fingerprint "$SSHD_DIR/host.pub")"
	equal "$(wc -c <"$T/err")" 0
}

@test "remote: no host, nobody there, no answer are told apart" {
	hurry
	RES_OPTIONS='timeout:1 attempts:1' exits 2 rt -a nohost.invalid name
	complains 'root@nohost\.invalid:22: (no such host|.*name resolution)'
	exits 2 rt -a 127.0.0.1:1 name
	complains 'root@127\.0\.0\.1:1: connection refused'
	# one that takes the connection and then says nothing
	perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 5,
	    LocalAddr => "127.0.0.1") or die; $| = 1; print $s->sockport, "\n";
	    sleep 60' >"$T/port" 3>&- 4>&- &
	MUTE=$!
	local i since

	for ((i = 0; i < 3000; i++)); do [ ! -s "$T/port" ] || break; sleep 0.02; done
	since=$EPOCHREALTIME
	exits 2 rt -c 1 -a "127.0.0.1:$(cat "$T/port")" name
	complains 'timed out'
	within 20 "$since"
}

@test "remote: one that speaks no ssh, or hangs up, is an error of one line" {
	local port i

	perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 5,
	    LocalAddr => "127.0.0.1") or die; $| = 1; print $s->sockport, "\n";
	    $c = $s->accept; print $c "HTTP/1.0 400 \e[31mno\r\n\r\n" x 50;
	    close $c; $c = $s->accept; close $c; sleep 60' \
	    >"$T/port" 3>&- 4>&- &
	MUTE=$!
	for ((i = 0; i < 3000; i++)); do [ ! -s "$T/port" ] || break; sleep 0.02; done
	port=$(cat "$T/port")
	exits 2 rt -a "127.0.0.1:$port" name
	complains 'no ssh connection: '
	exits 2 rt -a "127.0.0.1:$port" name
	complains 'no ssh connection: '
}

@test "remote: what is no host is refused before anything is asked" {
	local a

	for a in '' -oProxyCommand=x 'a b' '$(x)' 'u@' '[::1' 'h:0' 'h:x' a:b:c; do
		exits 3 rt -a "$a" name
		complains 'address'
	done
	exits 3 rt -a 'root:secret@h' name
	complains 'holds no password'
	not grep -q secret "$T/err"
}

@test "remote: ssh_config says where a host is, and the target may know better" {
	sshd_start
	cat >"$XCATVAULT_SSH_DIR/config" <<-END
	Host mn1
	  HostName 127.0.0.1
	  Port $SSHD_PORT
	  User $SSHD_USER
	  LogLevel DEBUG3
	Host mn2
	  HostName 127.0.0.1
	  Port 1
	  User nobody
	Host mn3
	  HostName 127.0.0.1
	  Port $SSHD_PORT
	  User $SSHD_USER
	  ProxyCommand bash -c 'echo used >$T/proxy; exec 3<>/dev/tcp/%h/%p; cat <&3 & exec cat >&3'
	END
	exits 0 rt -a mn1 name
	says "^$SSHD_ADDRESS SHA256"
	equal "$(wc -c <"$T/err")" 0
	exits 0 rt -a "$SSHD_USER@mn2:$SSHD_PORT" name
	says "^$SSHD_ADDRESS SHA256"
	exits 0 rt -a mn3 run 'echo by proxy'
	equal "$(cat "$T/out" "$T/proxy")" "by proxy
used"
	# the identity of one host, and a name's second address
	mv "$XCATVAULT_SSH_DIR/id_ed25519" "$XCATVAULT_SSH_DIR/other"
	rm "$XCATVAULT_SSH_DIR/id_ed25519.pub"
	exits 2 rt -a mn1 name
	sed -i "2i IdentityFile $XCATVAULT_SSH_DIR/other" "$XCATVAULT_SSH_DIR/config"
	exits 0 rt -a mn1 name
}

# --- the host's key -----------------------------------------------------------

@test "remote: a host that is not known is not talked to until it is trusted" {
	sshd_start
	local print
	print=$(fingerprint "$SSHD_DIR/host.pub")

	rm "$XCATVAULT_SSH_DIR/known_hosts"
	exits 2 node name
	complains 'not known \(ssh-ed25519 SHA256:.*xcatvault site trust'
	grep -Fq "(ssh-ed25519 $print)" "$T/err"
	equal "$(ls "$XCATVAULT_SSH_DIR")" "id_ed25519
id_ed25519.pub"
	not grep -q 'Accepted' "$SSHD_DIR/log"
	exits 0 node trust look
	equal "$(cat "$T/out")" "unknown ssh-ed25519 $print"
	[ ! -e "$XCATVAULT_SSH_DIR/known_hosts" ]
	AGREED=SHA256:other exits 2 node trust
	complains "now, and was SHA256:other"
	[ ! -e "$XCATVAULT_SSH_DIR/known_hosts" ]
	AGREED=$print exits 0 node trust
	equal "$(cat "$T/out")" "unknown ssh-ed25519 $print"
	equal "$(stat -c %a "$XCATVAULT_SSH_DIR/known_hosts")" 600
	equal "$(cat "$XCATVAULT_SSH_DIR/known_hosts")" \
	    "[127.0.0.1]:$SSHD_PORT $(cut -d' ' -f1,2 "$SSHD_DIR/host.pub")"
	exits 0 node trust
	equal "$(cat "$T/out")" "known ssh-ed25519 $print"
	equal "$(wc -l <"$XCATVAULT_SSH_DIR/known_hosts")" 1
	exits 0 node name
}

@test "remote: trust makes the ssh folder, and ends a line that had no end" {
	sshd_start
	export XCATVAULT_SSH_DIR=$T/new/ssh
	exits 0 node trust
	equal "$(stat -c %a "$T/new/ssh" "$T/new/ssh/known_hosts" | xargs)" "700 600"
	printf 'other.example ssh-ed25519 AAAA' >"$T/new/ssh/known_hosts"
	exits 0 node trust
	equal "$(wc -l <"$T/new/ssh/known_hosts")" 2
	exits 0 node trust
	says '^known '
}

@test "remote: a changed host key is an alarm, and trust does not record it" {
	sshd_start
	local was config

	ssh-keygen -q -t ed25519 -N '' -f "$T/impostor"
	echo "[127.0.0.1]:$SSHD_PORT $(cut -d' ' -f1,2 "$T/impostor.pub")" \
	    >"$XCATVAULT_SSH_DIR/known_hosts"
	was=$(cat "$XCATVAULT_SSH_DIR/known_hosts")
	# nor does ssh_config talk it into it
	for config in '' 'StrictHostKeyChecking no'; do
		echo "$config" >"$XCATVAULT_SSH_DIR/config"
		exits 2 node name
		complains 'CHANGED.*ssh-keygen -f .*known_hosts. -R .\[127\.0\.0\.1\]'
		exits 2 node trust
		complains 'CHANGED'
		exits 0 node trust look
		says '^changed ssh-ed25519 SHA256:'
	done
	equal "$(cat "$XCATVAULT_SSH_DIR/known_hosts")" "$was"
	: >"$XCATVAULT_SSH_DIR/known_hosts"
	exits 2 node name
	complains 'not known'
	not grep -q 'Accepted' "$SSHD_DIR/log"
	# the very command that it named helps
	echo "$was" >"$XCATVAULT_SSH_DIR/known_hosts"
	ssh-keygen -q -f "$XCATVAULT_SSH_DIR/known_hosts" -R "[127.0.0.1]:$SSHD_PORT"
	exits 0 node trust
	exits 0 node name
}

@test "remote: a host known by a key of another type is not believed" {
	sshd_start
	ssh-keygen -q -t ecdsa -N '' -f "$T/impostor"
	echo "[127.0.0.1]:$SSHD_PORT $(cut -d' ' -f1,2 "$T/impostor.pub")" \
	    >"$XCATVAULT_SSH_DIR/known_hosts"
	exits 2 node name
	complains 'another type'
	exits 2 node trust
	complains 'another type'
}

@test "remote: hashed names in known_hosts are found" {
	sshd_start
	ssh-keygen -q -H -f "$XCATVAULT_SSH_DIR/known_hosts" >/dev/null 2>&1
	not grep -q 127.0.0.1 "$XCATVAULT_SSH_DIR/known_hosts"
	exits 0 node name
}

# --- the login ------------------------------------------------------------------

@test "remote: a refused login says what was tried and what the server takes" {
	sshd_start
	: >"$SSHD_DIR/authorized_keys"
	exits 2 node name
	complains "$SSHD_ADDRESS: login refused: tried the agent and the keys.*takes publickey"
	SSHD_CONFIG='PasswordAuthentication yes' sshd_start second
	: >"$SSHD_DIR/authorized_keys"
	exits 2 node name
	complains 'takes password, publickey'
}

@test "remote: an identity of the target's own" {
	sshd_start
	mv "$XCATVAULT_SSH_DIR/id_ed25519" "$T/key"
	rm "$XCATVAULT_SSH_DIR/id_ed25519.pub"
	exits 2 node name
	exits 0 rt -a "$SSHD_ADDRESS" -i "$T/key" name
	exits 3 rt -a "$SSHD_ADDRESS" -i "$T/none" name
	complains "$T/none: .*No such file"
	echo junk >"$T/junk"
	exits 3 rt -a "$SSHD_ADDRESS" -i "$T/junk" name
	complains 'no private key'
	# it was not written beside them
	equal "$(ls "$XCATVAULT_SSH_DIR")" known_hosts
	[ ! -e "$T/key.pub" ]
}

@test "remote: a key with a passphrase is asked for on a terminal, else left" {
	need script
	sshd_start
	hurry
	ssh-keygen -q -p -N 'open sesame' -f "$XCATVAULT_SSH_DIR/id_ed25519"
	exits 2 node name
	complains 'login refused.*passphrase'
	# told not to ask, it does not, even with a terminal
	exits 2 script -qec "$TOOL -a $SSHD_ADDRESS name" /dev/null </dev/null
	: >"$T/out"
	typed 'passphrase of' 'open sesame' |
	    exits 0 script -qec "$TOOL -A -a $SSHD_ADDRESS siblings 2 'echo in'" \
		/dev/null
	says 'passphrase of .*/id_ed25519: '
	equal "$(grep -c '^in' "$T/out")" 2
	equal "$(grep -c 'passphrase of' "$T/out")" 1
	not grep -q sesame "$T/out"
}

@test "remote: the agent's keys" {
	sshd_start
	ssh-agent -D -a "$T/agent" >/dev/null 2>&1 3>&- 4>&- &
	AGENT=$!
	local i

	for ((i = 0; i < 3000; i++)); do [ ! -S "$T/agent" ] || break; sleep 0.02; done
	export SSH_AUTH_SOCK=$T/agent
	ssh-add -q "$XCATVAULT_SSH_DIR/id_ed25519"
	rm "$XCATVAULT_SSH_DIR"/id_ed25519*
	exits 0 node siblings 3 'echo in'
	equal "$(wc -l <"$T/out")" 3
	SSH_AUTH_SOCK=$T/none exits 2 node name
	complains 'login refused'
}

# typed PROMPT ANSWER...: types each when it is asked for, once more each time
typed() {
	local prompt=$1 n=0 i

	shift
	while [ $# -gt 0 ]; do
		n=$((n + 1))
		for ((i = 0; i < 3000; i++)); do
			[ "$(grep -o "$prompt" "$T/out" | wc -l)" -lt $n ] || break
			sleep 0.02
		done
		printf '%s\n' "$1"
		shift
	done
	# script(1) must not see the end of its input too soon
	sleep 1
}

# password_sshd PASSWORD LINE...: one where root has a password: in a mount
# namespace of its own with another /etc/shadow
password_sshd()
{
	need_root "another /etc/shadow"
	unshare --mount --propagation private true 2>/dev/null ||
	    skip "may not make a mount namespace"
	awk -F: -v OFS=: -v hash="$(openssl passwd -6 "$1")" \
	    '$1 == "root" { $2 = hash; $3 = 19000; $4 = $5 = $6 = $7 = $8 = "" }
	    { print }' /etc/shadow >"$T/shadow"
	printf '%s\n' 'auth required pam_unix.so' 'account required pam_permit.so' \
	    'session required pam_permit.so' >"$T/pam"
	chmod 0600 "$T/shadow"
	shift
	[ -e /etc/pam.d/sshd ] || skip "no /etc/pam.d/sshd"
	# shellcheck disable=SC2016
	SSHD_WRAP=(unshare --mount --propagation private sh -c '
		mount --bind "$1" /etc/shadow && mount --bind "$2" /etc/pam.d/sshd &&
		shift 2 && exec "$@"' sh "$T/shadow" "$T/pam")
	SSHD_CONFIG=$(printf '%s\n' "$@") sshd_start
	SSHD_WRAP=()
	: >"$SSHD_DIR/authorized_keys"
	printf '%s\n' 'not this' >"$T/wrong"
	chmod 0600 "$T/wrong"
}

@test "remote: a password from a file, and what makes it unfit" {
	password_sshd 'pass word$' 'PasswordAuthentication yes'
	printf 'pass word$\nsecond line\n' >"$T/pw"
	chmod 0600 "$T/pw"
	exits 0 node -P "$T/pw" name
	not grep -q weak "$T/out"
	exits 0 node -P "$T/pw" siblings 3 'echo in'
	equal "$(wc -l <"$T/out")" 3
	exits 2 node -P "$T/wrong" name
	complains 'login refused: tried the agent and the keys.*, the password;.*takes password'
	not grep -q 'not this' "$T/err"
	local mode

	for mode in 0644 0640 0606; do
		chmod "$mode" "$T/pw"
		exits 3 node -P "$T/pw" name
		complains "$T/pw: .*chmod 600"
		not grep -q 'pass word' "$T/err"
	done
	chmod 0600 "$T/pw"
	chown 65534 "$T/pw"
	exits 3 node -P "$T/pw" name
	complains 'belongs to'
	: >"$T/empty"
	chmod 0600 "$T/empty"
	exits 3 node -P "$T/empty" name
	complains 'no password'
	exits 3 node -P "$T/none" name
	exits 3 node -P "$T" name
	complains 'not a regular file'
}

@test "remote: the password that everybody knows is noticed" {
	password_sshd cluster 'PasswordAuthentication yes'
	echo cluster >"$T/pw"
	chmod 0600 "$T/pw"
	exits 0 node -P "$T/pw" name
	says ' weak$'
	# not when a key let us in
	cp "$XCATVAULT_SSH_DIR/id_ed25519.pub" "$SSHD_DIR/authorized_keys"
	exits 0 node -P "$T/pw" name
	not grep -q weak "$T/out"
}

@test "remote: a password where only keyboard-interactive is offered" {
	password_sshd secret 'UsePAM yes' 'KbdInteractiveAuthentication yes' \
	    'PasswordAuthentication no'
	echo secret >"$T/pw"
	chmod 0600 "$T/pw"
	exits 0 node -P "$T/pw" run 'echo in'
	equal "$(cat "$T/out")" in
	exits 2 node -P "$T/wrong" name
	complains 'takes publickey, keyboard-interactive'
}

@test "remote: a password is asked for on the terminal, three times" {
	need script
	password_sshd secret 'PasswordAuthentication yes'
	hurry
	: >"$T/out"
	typed 'password of' wrong secret |
	    exits 0 script -qec "$TOOL -A -a $SSHD_ADDRESS siblings 2 'echo in'" \
		/dev/null
	equal "$(grep -c 'password of root' "$T/out")" 2
	equal "$(grep -c '^in' "$T/out")" 2
	not grep -Eq 'wrong|secret' "$T/out"
}

@test "remote: key and password, where the server wants both" {
	password_sshd secret 'PasswordAuthentication yes' \
	    'AuthenticationMethods publickey,password'
	cp "$XCATVAULT_SSH_DIR/id_ed25519.pub" "$SSHD_DIR/authorized_keys"
	echo secret >"$T/pw"
	chmod 0600 "$T/pw"
	exits 0 node -P "$T/pw" siblings 2 'echo in'
	exits 2 node name
	complains 'login refused: .*takes password$'
}

# --- commands ---------------------------------------------------------------------

@test "remote: output, errors and status of a command come back" {
	sshd_start
	exits 3 node run 'cat; echo "$1"; echo bad >&2; exit 3' "it's" <<<"in"
	equal "$(cat "$T/out")" "in
it's"
	equal "$(cat "$T/err")" bad
	exits 127 node command 'no_such_command_here' </dev/null
	exits 137 node run 'kill -9 $$' </dev/null
	exits 143 node run 'kill -15 $$' </dev/null
	exits 0 node run : </dev/null
	equal "$(cat "$T/out" "$T/err")" ''
}

@test "remote: no argument is anything but itself to the far shell" {
	sshd_start
	local -a words=("it's" '"' "'" "''" '\' '\\' '$(touch x)' '`touch x`' -n
	    --help '-rf' '*' '~' '~root' '$HOME' '!!' '!x' ';touch x' '&' '|' '>' ''
	    ' ' $'a\nb' $'\n' $'\t' $'tail\\' $'a\rb' '#x' '{a,b}' '[a-z]' '=' 'a=b'
	    $'\xff\xfe' $'\e[31m' $'caf\xc3\xa9' '%s%n' '$1' '${x}' "\$'x'" $'\x01')
	printf '%s\0' "${words[@]}" >"$T/want"
	exits 0 node run 'printf "%s\0" "$@"' "${words[@]}" </dev/null
	cmp "$T/out" "$T/want"
	equal "$(ls "$SSHD_DIR/home")" ''
	# a script with all kinds of quotes, and a long one
	exits 0 node run 'cat <<"END"
it'\''s "$HOME" `x` \
END
# '"$(head -c 100000 /dev/zero | tr '\0' x)"'
echo end' </dev/null
	equal "$(cat "$T/out")" "it's \"\$HOME\" \`x\` \\
end"
}

@test "remote: the far environment does not change what tools print" {
	SSHD_CONFIG="SetEnv HOME=$T LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8 TAR_OPTIONS=-v POSIXLY_CORRECT=1 XCATBYPASS=1" \
	    sshd_start
	exits 0 node run 'echo "$LC_ALL,$LANG,$TAR_OPTIONS,$POSIXLY_CORRECT"' </dev/null
	equal "$(cat "$T/out")" C,,,
}

@test "remote: xCAT's environment, or a clear word that there is none" {
	need_root "another /etc/profile.d"
	unshare --mount --propagation private true 2>/dev/null ||
	    skip "may not make a mount namespace"
	mkdir "$T/profile.d"
	# shellcheck disable=SC2016
	SSHD_WRAP=(unshare --mount --propagation private sh -c '
		mount --bind "$1" /etc/profile.d && shift && exec "$@"' sh
	    "$T/profile.d")
	SSHD_CONFIG="SetEnv HOME=$T XCATBYPASS=1" sshd_start
	SSHD_WRAP=()
	exits 127 node xcat 'echo "$XCATROOT"' </dev/null
	says 'no xCAT here'
	echo 'XCATROOT=/opt/xcat; export XCATROOT; echo noise' >"$T/profile.d/xcat.sh"
	exits 0 node xcat 'echo "$XCATROOT,$PERL_BADLANG,$XCATBYPASS,$1"' "a b" </dev/null
	equal "$(cat "$T/out")" '/opt/xcat,0,,a b'
}

@test "remote: megabytes both ways at once, also while keys are renewed" {
	local config

	noise 7 10000000 >"$T/data"
	for config in 'RekeyLimit default none' 'RekeyLimit 1M' \
	    'Ciphers chacha20-poly1305@openssh.com' 'Ciphers aes128-ctr'; do
		SSHD_CONFIG=$config sshd_start "${config##* }"
		node command cat <"$T/data" | cmp - "$T/data"
		node cat <"$T/data" | cmp - "$T/data"
		sshd_stop
	done
}

@test "remote: a flood on standard error blocks nothing and is kept in part" {
	sshd_start
	exits 0 node command \
	    'head -c 20000000 /dev/zero >&2; echo out; head -c 5000000 /dev/zero >&2' \
	    </dev/null
	equal "$(cat "$T/out")" out
	equal "$(wc -c <"$T/err")" 1048576
}

@test "remote: a command need not read its input, nor print less than told" {
	sshd_start
	noise 7 10000000 >"$T/data"
	exits 0 node command 'head -c 10 | wc -c' <"$T/data"
	equal "$(cat "$T/out")" 10
	exits 5 node command 'exit 5' <"$T/data"
	exits 0 node command 'exec >&-; wc -c >&2' <"$T/data"
	equal "$(cat "$T/err")" 10000000
	exits 2 node command 'head -c 70000000 /dev/zero' </dev/null
	complains 'more than 67108864 bytes'
}

@test "remote: what a command leaves behind does not hold us up" {
	sshd_start
	local since=$EPOCHREALTIME

	exits 4 node run 'sleep 30 >/dev/null 2>&1 <&1 & exit 4' </dev/null
	within 20 "$since"
	# nor when it holds the output open
	since=$EPOCHREALTIME
	exits 2 rt -a "$SSHD_ADDRESS" -l 2 run 'sleep 30 & exit 4' </dev/null
	complains 'did not end within 2 s'
	within 20 "$since"
}

@test "remote: two commands in one session, turn by turn" {
	sshd_start
	exits 0 node both "head -c 9000000 /dev/zero"
	equal "$(cat "$T/out")" "9000000 3000000"
}

@test "remote: several sessions at once in threads" {
	sshd_start
	exits 0 node siblings 8 'head -c 3000000 /dev/zero | tr "\0" x'
	equal "$(wc -c <"$T/out")" 24000000
	exits 9 node siblings 2 'exit 9'
}

# --- the end of a connection ----------------------------------------------------------

@test "remote: a connection that is cut is told at once" {
	sshd_start
	hurry
	rt -a "$SSHD_ADDRESS" hold 'echo begun; sleep 60' >"$T/out" 2>"$T/err" \
	    3>&- 4>&- &
	local pid=$! i since got=0

	for ((i = 0; i < 3000; i++)); do
		[ ! -s "$T/out" ] || break
		sleep 0.02
	done
	since=$EPOCHREALTIME
	sshd_cut
	wait "$pid" || got=$?
	equal "$got" 2
	complains "$SSHD_ADDRESS: connection lost: "
	equal "$(tail -n 1 "$T/out")" 'lost: 1'
	within 20 "$since"
	# the server stays
	exits 0 node name
}

@test "remote: a command that says nothing for too long, or runs too long" {
	sshd_start
	hurry
	local since=$EPOCHREALTIME

	exits 2 node -t 1 hold 'echo begun; sleep 60'
	complains 'nothing came for 1 s'
	within 20 "$since"
	# one that says something in time is not silent
	exits 0 node -t 5 hold 'for i in 1 2 3 4; do sleep 1.5; echo $i; done'
	equal "$(wc -l <"$T/out")" 4
	since=$EPOCHREALTIME
	exits 2 node -l 1 command 'sleep 60' </dev/null
	complains 'did not end within 1 s'
	exits 2 node -l 1 command 'while :; do echo x; sleep 0.1; done' </dev/null
	complains 'did not end within 1 s'
	within 20 "$since"
	# a limit is what counts where there is one
	exits 0 node -t 1 -l 20 command 'sleep 2; echo done' </dev/null
}

@test "remote: a server that stands still is noticed while writing too" {
	sshd_start
	hurry
	exits 2 node -t 1 sink "perl -e '
		while (sysread STDIN, \$b, 65536) { select undef, undef, undef, .01 }'" \
	    3>&- &
	local pid=$! child got=0 i

	for ((i = 0; i < 3000; i++)); do
		! grep -q 'Starting session' "$SSHD_DIR/log" || break
		sleep 0.02
	done
	sleep 0.3
	while read -r child; do
		kill -STOP "$child"
	done < <(sshd_tree "$SSHD_PID" | grep -vx "$SSHD_PID")
	wait "$pid" || got=$?
	while read -r child; do
		kill -CONT "$child" || :
	done < <(sshd_tree "$SSHD_PID" | grep -vx "$SSHD_PID")
	equal "$got" 0
	complains 'connection lost: nothing came for 1 s'
}

@test "remote: a signal ends every wait at once" {
	sshd_start
	hurry
	local pid since got what i

	for what in hold command; do
		rm -f "$T/begun"
		"$TOOL" -a "$SSHD_ADDRESS" "$what" ": >'$T/begun'; sleep 60" \
		    </dev/null >"$T/out" 2>"$T/err" 3>&- 4>&- &
		pid=$!
		for ((i = 0; i < 3000; i++)); do
			[ ! -e "$T/begun" ] || break
			sleep 0.02
		done
		since=$EPOCHREALTIME
		kill "$pid"
		got=0
		wait "$pid" || got=$?
		equal "$got" 2
		within 20 "$since"
		complains 'interrupted'
	done
}

@test "remote: the server's limit on channels is an error of one line" {
	SSHD_CONFIG='MaxSessions 0' sshd_start
	exits 2 node run : </dev/null
	complains "$SSHD_ADDRESS: no further channel"
}

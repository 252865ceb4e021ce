# shellcheck shell=bash
# shellcheck disable=SC2034
# A real sshd for one test, behind "load common":
#
#	load common
#	load sshd
#	setup() { scratch; }
#	teardown() { sshd_stop; clean; }
#
# sshd_start [NAME]   one on 127.0.0.1 that lets the present user in with a key
#                     of its own; sets SSHD_PORT, SSHD_PID, SSHD_DIR, SSHD_USER,
#                     SSHD_ADDRESS (user@127.0.0.1:port) and XCATVAULT_SSH_DIR
#                     (id_ed25519, known_hosts).  Several may run: NAME
#                     (default "node") is the folder's, $T/sshd.NAME; all of
#                     them are known in one ssh folder.  SSHD_CONFIG holds
#                     further lines of its configuration, SSHD_WRAP (an
#                     array) a command to start it with.
# sshd_stop           ends all of them, with what runs in them
# sshd_cut [NAME]     cuts the connections there are; the server stays
#
# Nothing of the host's own is read or written: not ~/.ssh, not /etc/ssh.

SSHD_PROGRAM=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd || :)

# The name of the present user
sshd_user()
{
	id -un
}

# Only root's sshd wants this folder; it is empty, and any sshd would make it.
sshd_runtime()
{
	[ "$(id -u)" -ne 0 ] || [ -d /run/sshd ] || mkdir -m 0755 /run/sshd
}

sshd_keys()
{
	export XCATVAULT_SSH_DIR=$T/ssh
	[ -d "$XCATVAULT_SSH_DIR" ] || {
		mkdir -m 0700 "$XCATVAULT_SSH_DIR"
		ssh-keygen -q -t ed25519 -N '' -C test \
		    -f "$XCATVAULT_SSH_DIR/id_ed25519"
	}
	mkdir -p "$SSHD_DIR"
	[ -e "$SSHD_DIR/host" ] ||
	    ssh-keygen -q -t ed25519 -N '' -C host -f "$SSHD_DIR/host"
	cp "$XCATVAULT_SSH_DIR/id_ed25519.pub" "$SSHD_DIR/authorized_keys"
}

# sshd_config PORT: settings in SSHD_CONFIG come first, and so win
sshd_config()
{
	cat >"$SSHD_DIR/config" <<-END
	${SSHD_CONFIG-}
	ListenAddress 127.0.0.1
	Port $1
	HostKey $SSHD_DIR/host
	PidFile $SSHD_DIR/pid
	AuthorizedKeysFile $SSHD_DIR/authorized_keys
	StrictModes no
	UsePAM no
	PermitRootLogin yes
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	PermitUserRC no
	PermitUserEnvironment no
	PrintMotd no
	PrintLastLog no
	UseDNS no
	MaxStartups 200
	MaxSessions 100
	LogLevel VERBOSE
	SetEnv HOME=$SSHD_DIR/home
	Subsystem sftp internal-sftp
	END
	mkdir -p "$SSHD_DIR/home"
}

# sshd_listens PORT: without a connection, which it would have to serve
sshd_listens()
{
	grep -qi "^ *[0-9]*: 0100007F:$(printf %04X "$1") 00000000:0000 0A" \
	    /proc/net/tcp
}

sshd_start()
{
	local tries pid

	[ -n "$SSHD_PROGRAM" ] || skip "needs sshd"
	SSHD_DIR=$T/sshd.${1:-node}
	sshd_keys
	sshd_runtime
	for tries in 1 2 3 4 5 6 7 8 9 10; do
		SSHD_PORT=${SSHD_FIXED_PORT:-$((20000 + RANDOM % 12000))}
		! sshd_listens "$SSHD_PORT" || continue
		sshd_config "$SSHD_PORT"
		# in a session of its own, so that ^C leaves it to sshd_stop
		setsid ${SSHD_WRAP[@]+"${SSHD_WRAP[@]}"} "$SSHD_PROGRAM" -D -e -f "$SSHD_DIR/config" \
		    </dev/null >>"$SSHD_DIR/log" 2>&1 3>&- 4>&- &
		SSHD_PID=$!
		if sshd_await; then
			SSHD_USER=$(sshd_user)
			SSHD_ADDRESS=$SSHD_USER@127.0.0.1:$SSHD_PORT
			echo "$SSHD_PID" >"$SSHD_DIR/running"
			sshd_know
			return 0
		fi
	done
	echo "sshd does not start:"
	tail -n 20 "$SSHD_DIR/log"
	return 1
}

# Until it listens, or has given up
sshd_await()
{
	local i

	for ((i = 0; i < 3000; i++)); do
		! sshd_listens "$SSHD_PORT" || return 0
		kill -0 "$SSHD_PID" 2>/dev/null || return 1
		sleep 0.02
	done
	kill "$SSHD_PID" 2>/dev/null || :
	return 1
}

# The host key of the last one started becomes known
sshd_know()
{
	echo "[127.0.0.1]:$SSHD_PORT $(cut -d' ' -f1,2 "$SSHD_DIR/host.pub")" \
	    >>"$XCATVAULT_SSH_DIR/known_hosts"
}

# sshd_children PID
sshd_children()
{
	cat "/proc/$1/task/"*/children 2>/dev/null | tr " " "\n" | grep . || :
}

# sshd_tree PID: it and all that came of it
sshd_tree()
{
	local child

	echo "$1"
	while read -r child; do
		sshd_tree "$child"
	done < <(sshd_children "$1")
}

# The server before its command: no word of the latter's end gets out
sshd_kill()
{
	local pid pids

	mapfile -t pids < <(sshd_tree "$1")
	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2>/dev/null || :
	done
}

sshd_cut()
{
	local child

	while read -r child; do
		sshd_kill "$child"
	done < <(sshd_children "$(cat "$T/sshd.${1:-node}/running")")
}

sshd_stop()
{
	local file

	for file in "${T:?}"/sshd.*/running; do
		[ -e "$file" ] || continue
		sshd_kill "$(cat "$file")"
		# reaps it, without the word "Killed"
		{ wait "$(cat "$file")"; } 2>/dev/null || :
		rm -f "$file"
	done
}

#!/bin/bash
# init.sh DIR PORT: the first process of a test node, in namespaces that are
# its own already ("mn.sh start"): mounts what the root needs, then looks
# after its sshd.
set -eu

DIR=$1
PORT=$2
R=$DIR/root

# The pid this host knows, as long as /proc is still this host's.
read -r stat </proc/self/stat
began=${stat##*) }
# shellcheck disable=SC2086
set -- $began
echo "${20}" >"$DIR/began"
echo "${stat%% *}" >"$DIR/pid"

ro() {
	mount -o bind,ro "$1" "$R${2:-$1}"
}

mount --bind "$R" "$R"
for d in /usr /bin /sbin /lib /lib32 /lib64 /libx32; do
	[ ! -d "$d" ] || [ -L "$d" ] || ro "$d"
done
mount --bind "$DIR/usr-local" "$R/usr/local"
mkdir -p "$R/run/mn/usr"
ro /usr /run/mn/usr
mount -t proc proc "$R/proc" 2>/dev/null || mount --rbind /proc "$R/proc"
mount -t tmpfs -o mode=755,size=1m dev "$R/dev"
for d in null zero full random urandom tty; do
	: >"$R/dev/$d"
	mount --bind "/dev/$d" "$R/dev/$d"
done
mkdir "$R/dev/pts" "$R/dev/shm"
if mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts \
    "$R/dev/pts" 2>/dev/null; then
	ln -s pts/ptmx "$R/dev/ptmx"
fi
ln -s /proc/self/fd "$R/dev/fd"
while read -r kind path what; do
	[ -n "$kind" ] || continue
	mkdir -p "$R$path"
	case $kind in
	bind)
		mkdir -p "$what"
		mount --bind "$what" "$R$path"
		;;
	small) mount -t tmpfs -o "size=$what,mode=755" small "$R$path" ;;
	esac
done <"$DIR/mounts"
read -r name <"$R/etc/hostname"
hostname "$name" 2>/dev/null || echo "$name" >/proc/sys/kernel/hostname || :

rm -rf "$R"/run/mn/{faults,over,fakebin,wedge}
for d in systemctl service; do
	cat >"$DIR/usr-local/bin/$d" <<'END'
#!/bin/sh
# "systemctl start xcatd", "service xcatd start" and the like
case " $* " in
*" xcatd "* | *" xcatd.service "*) ;;
*) exit 4 ;;
esac
for word; do
	case $word in
	start | stop | restart | status | is-active)
		exec /opt/xcat/sbin/xcatd-service "$word" ;;
	esac
done
exit 1
END
	chmod 755 "$DIR/usr-local/bin/$d"
done
# shellcheck disable=SC2016
# The environment is sshd's own for its sessions, not this host's.
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$R" perl -e '
	my $sshd = fork();
	die "fork: $!" unless defined $sshd;
	if (!$sshd) {
		chdir "/";
		exec "/usr/sbin/sshd", "-D", "-e", "-p", $ARGV[0];
		exit 127;
	}
	while ((my $pid = wait()) > 0) {
		exit 1 if $pid == $sshd;
	}' "$PORT"

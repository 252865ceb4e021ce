# shellcheck shell=bash
# shellcheck disable=SC2034
# Osimages that move, beside common.bash, ../mn/mn.bash and night.bash:
#
# IMAGE                   of mn_populate: netboot, x86_64
# boots NODE [DIR]        gives it a kernel that tells its architecture, so that
#                         nothing is to be reported (DIR: of the image)
# grow NODE BYTES         a root image of so many bytes more
# sum FILE                its SHA-256
# nothing_held NODE       nothing of ours is left there, nor of imgexport
IMAGE=rocky9.4-x86_64-netboot-compute
IMAGE_DIR=/install/netboot/rocky9.4/x86_64/compute

boots()
{
	# shellcheck disable=SC2016
	on mn_sh "$1" perl -e '
		open(my $f, ">", "$ARGV[0]/kernel") or die;
		print $f "\x7fELF\2\1\1", "\0" x 9, pack("vv", 2, 62),
		    "\0" x 44, "kernel" x 5000;' "${2:-$IMAGE_DIR}"
}

grow()
{
	# shellcheck disable=SC2016
	on mn_sh "$1" perl -e '
		my ($file, $n) = @ARGV;
		my $data = join("", map { pack("V", $_ * 2654435761 % 2 ** 32) }
		    1 .. $n / 4);
		my $name = "usr/bin/big";
		my $cpio = "";
		for (["etc/hostname", "h\n"], [$name, $data], ["TRAILER!!!", ""]) {
			my ($p, $d) = @$_;
			$cpio .= "070701" . sprintf("%08x" x 13, 1, 0100755, 0,
			    0, 1, 0, length $d, 0, 0, 0, 0, length($p) + 1, 0) .
			    "$p\0";
			$cpio .= "\0" x (-length($cpio) % 4) . $d;
			$cpio .= "\0" x (-length($cpio) % 4);
		}
		open(my $f, "|-", "gzip -1n >$file") or die;
		print $f $cpio;
		close($f) or die;' "$IMAGE_DIR/rootimg.cpio.gz" "$2"
}

sum()
{
	local line

	line=$(sha256sum "$1")
	echo "${line%% *}"
}

nothing_held()
{
	local tries=0 left

	while :; do
		left=$(on mn_sh "$1" sh -c 'ls -d /.xcatvault* \
			/*/.xcatvault* /var/tmp/.xcatvault* \
			/*/imgexport.* /var/tmp/imgexport.* \
			/*/imgimport.* /var/tmp/imgimport.* 2>/dev/null
			cat /proc/[0-9]*/cmdline | tr "\0" " " |
			grep -ao "[.]xcatvault-image\|[i]mgexport [a-z]*" |
			head -n 1')
		[ -n "$left" ] || return 0
		tries=$((tries + 1))
		[ $tries -lt 600 ] || break
		sleep 0.1
	done
	echo "left on the node: $left"
	return 1
}

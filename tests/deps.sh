#!/bin/sh
# deps.sh build|check|demo: install what building, testing or the demo needs
# and this host lacks, with its own package manager.  Says nothing when all is
# there.  Exit status: 0 all there; 1 something is missing and stays so.
set -u

# SET  WHAT  APT  DNF  ZYPPER: WHAT is pc:MODULE (pkg-config), h:HEADER or a
# command; "-" where a family has no package.
needs='
build cc              gcc               gcc                 gcc
build make            make              make                make
build pkg-config      pkg-config        pkgconf-pkg-config  pkg-config
build h:stdio.h       libc6-dev         glibc-devel         glibc-devel
build h:uthash.h      uthash-dev        uthash-devel        uthash-devel
build pc:libconfig    libconfig-dev     libconfig-devel     libconfig-devel
build pc:jansson      libjansson-dev    jansson-devel       libjansson-devel
build pc:libcrypto    libssl-dev        openssl-devel       libopenssl-devel
build pc:libssh         libssh-dev        libssh-devel        libssh-devel
build pc:libzstd      libzstd-dev       libzstd-devel       libzstd-devel
build pc:sqlite3      libsqlite3-dev    sqlite-devel        sqlite3-devel
build pc:libxml-2.0   libxml2-dev       libxml2-devel       libxml2-devel
build pc:libarchive   libarchive-dev    libarchive-devel    libarchive-devel
build pc:zlib          zlib1g-dev        zlib-devel          zlib-devel
build pc:libsquashfs1 libsquashfs-dev   squashfs-tools-ng-devel squashfs-tools-ng-devel
build pc:libisal      libisal-dev       isa-l-devel         isa-l-devel
demo  awk             mawk              gawk                gawk
demo  perl            perl              perl                perl
demo  rsync           rsync             rsync               rsync
demo  setfattr        attr              attr                attr
demo  sqlite3         sqlite3           sqlite             sqlite3
demo  ssh             openssh-client    openssh-clients     openssh-clients
demo  sshd            openssh-server    openssh-server      openssh-server
demo  tar             tar               tar                 tar
demo  unshare         util-linux        util-linux          util-linux
demo  zstd            zstd              zstd                zstd
check bats            bats              bats                bats
check bsdtar          libarchive-tools  bsdtar              bsdtar
check bzip2           bzip2             bzip2               bzip2
check clang           clang             clang               clang
check clang-format    clang-format      clang-tools-extra   clang-tools
check clang-tidy      clang-tidy        clang-tools-extra   clang-tools
check cpio            cpio              cpio                cpio
check cppcheck        cppcheck          cppcheck            cppcheck
check ctags           universal-ctags   ctags               ctags
check file            file              file                file
check cpio          cpio              cpio                cpio
check flock           util-linux        util-linux          util-linux
check jq              jq                jq                  jq
check mandoc          mandoc            mandoc              mandoc
check mtree           mtree-netbsd      -                   -
check mksquashfs      squashfs-tools    squashfs-tools      squashfs
check mount         mount             util-linux          util-linux
check openssl         openssl           openssl             openssl
check pc:cmocka       libcmocka-dev     libcmocka-devel     libcmocka-devel
check setcap          libcap2-bin       libcap              libcap-progs
check script        bsdutils          util-linux          util-linux
check setfacl         acl               acl                 acl
check shellcheck      shellcheck        ShellCheck          ShellCheck
check strace          strace            strace              strace
check xz              xz-utils          xz                  xz
'

fail() {
	echo "deps: $*" >&2
	exit 1
}

case ${1-} in
build) sets=build ;;
demo) sets='build demo' ;;
check) sets='build demo check' ;;
*) fail 'usage: deps.sh build|check|demo' ;;
esac

PATH=$PATH:/usr/sbin:/sbin

there() {
	case $1 in
	pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
	h:*) [ -e "/usr/include/${1#h:}" ] ;;
	ctags) ctags --version 2>/dev/null | grep -q Universal ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

# Sets $missing, and $packages, of column $1.
look() {
	missing=
	packages=
	while read -r set what apt dnf zypper; do
		case " $sets " in
		*" $set "*) ;;
		*) continue ;;
		esac
		there "$what" && continue
		case $1 in
		apt-get) package=$apt ;;
		dnf) package=$dnf ;;
		*) package=$zypper ;;
		esac
		if [ "$package" = - ]; then
			echo "deps: $what: no package here; tests that need" \
			    "it are left out" >&2
			continue
		fi
		missing="$missing ${what#*:}"
		case " $packages " in
		*" $package "*) ;;
		*) packages="$packages $package" ;;
		esac
	done <<-END
	$needs
	END
}

manager=
for m in apt-get dnf zypper; do
	if command -v "$m" >/dev/null; then
		manager=$m
		break
	fi
done
look "$manager"
[ -n "$missing" ] || exit 0
[ -n "$manager" ] ||
    fail "missing:$missing; neither apt-get, dnf nor zypper is here"

root=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null ||
	    fail "missing:$missing; become root, then: $manager install$packages"
	root='sudo env DEBIAN_FRONTEND=noninteractive'
fi
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND

# Word splitting of $root and $packages is meant.
# shellcheck disable=SC2086
install() {
	case $manager in
	apt-get)
		$root apt-get -qq update &&
		    $root apt-get -qq -y --no-install-recommends \
			-o Dpkg::Use-Pty=0 install $packages
		;;
	dnf) $root dnf -q -y install $packages ;;
	zypper) $root zypper -q -n install --no-recommends $packages ;;
	esac
}

echo "deps: installing$packages ($manager)"
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
install >"$log" 2>&1 || tail -n 5 "$log" >&2
look "$manager" 2>/dev/null
[ -z "$missing" ] ||
    fail "missing still:$missing; $manager could not install$packages"

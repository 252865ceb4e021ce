# shellcheck shell=bash
# common.sh: what run.sh and corpus.sh share.  Sourced, not run.

BENCH_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BENCH_DIR=${XCATVAULT_BENCH_DIR:-/var/tmp/xcatvault-bench}

say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "${0##*/}: $*"
	exit 1
}

is_root() {
	[ "$(id -u)" -eq 0 ]
}

have() {
	command -v "$1" >/dev/null
}

# need PROGRAM PACKAGE: install PACKAGE when PROGRAM is absent.  False when
# that cannot be done here; the caller decides what to leave out then.
need() {
	local sudo=()

	have "$1" && return 0
	if ! have apt-get; then
		say "$1 is missing, and there is no apt-get to install $2 with"
		return 1
	fi
	if ! is_root; then
		have sudo || return 1
		sudo=(sudo)
	fi
	say "installing $2"
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq \
	    -y --no-install-recommends "$2" >/dev/null || return 1
	have "$1"
}

# helper NAME: compile NAME.c into $BENCH_DIR/bin, once per change.
helper() {
	local src=$BENCH_SRC/$1.c bin=$BENCH_DIR/bin/$1

	mkdir -p "$BENCH_DIR/bin"
	[ "$bin" -nt "$src" ] && return 0
	"${CC:-cc}" -O2 -std=c11 -D_GNU_SOURCE "$src" -o "$bin"
}

# unmount_below DIR: take down every mount below DIR, the innermost first.
unmount_below() {
	local mount

	while read -r mount; do
		umount "$mount" || umount -l "$mount" || true
	done < <(awk -v dir="$1/" 'index($2 "/", dir) == 1 { print $2 }' \
	    /proc/self/mounts | sort -r)
}

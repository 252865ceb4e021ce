#!/usr/bin/env bats
# A sample of the sweep, bounded in time; "sweep.sh --full" takes every point

load ../cli/common
setup() { scratch; }
teardown() { clean; }

@test "sweep: backup and restore with a call that fails, or where they are killed" {
	need_strace
	exits 0 "$TESTS/fault/sweep.sh" --quick
	tail -n 1 "$T/out"
	[ "$(sed -n 's/^sweep: \([0-9]*\) passed, .*/\1/p' "$T/out")" -ge 10 ]
}

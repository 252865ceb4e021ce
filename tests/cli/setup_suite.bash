# shellcheck shell=bash
# What all suites of a run share: with XCATVAULT_TEST_VAULT=ssh an sshd on
# 127.0.0.1, by way of which the program reaches its vaults.

# shellcheck source=tests/cli/sshd.bash
. "${BASH_SOURCE[0]%/*}/sshd.bash"

setup_suite()
{
	[ "${XCATVAULT_TEST_VAULT-}" = ssh ] || return 0
	export T=$BATS_SUITE_TMPDIR
	sshd_start node
	export SSHD_ADDRESS SSHD_PORT SSHD_USER
	export XCATVAULT_REMOTE_PROGRAM
	XCATVAULT_REMOTE_PROGRAM=$(realpath -m \
	    "${XCATVAULT:-${BASH_SOURCE[0]%/*}/../../build/xcatvault}")
}

teardown_suite()
{
	export T=$BATS_SUITE_TMPDIR
	sshd_stop
}

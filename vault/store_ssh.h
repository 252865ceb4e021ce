#ifndef VAULT_STORE_SSH_H_
#define VAULT_STORE_SSH_H_

#include "vault/store.h"

/*
 * A store on another host, "ssh://[user@]host[:port]/dir", which "xcatvault
 * serve" there reads and writes; "/~/dir" is below the user's home.  The
 * program there is $XCATVAULT_REMOTE_PROGRAM, default "xcatvault".
 */
int store_ssh_is_name(const char *name);
struct store *store_ssh_open(const char *name, int create, struct err *e);

#endif

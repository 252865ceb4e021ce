#ifndef VAULT_PACKNAME_H_
#define VAULT_PACKNAME_H_

#include <stdint.h>

#include "base/digest.h"

#define PACK_NAME_LEN 80	/* room for an object name */

/* "packs/ab/<id>.pack" and "damaged/<id>". */
void pack_name(const uint8_t id[DIGEST_LEN], char name[PACK_NAME_LEN]);
void pack_damage_name(const uint8_t id[DIGEST_LEN], char name[PACK_NAME_LEN]);

/* The id in a file name "<id>.pack"; 0, or -1 when it is no pack's name. */
int pack_parse_name(const char *file, uint8_t id[DIGEST_LEN]);

#endif

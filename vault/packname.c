#include <stdio.h>
#include <string.h>

#include "vault/packname.h"

void
pack_name(const uint8_t id[DIGEST_LEN], char name[PACK_NAME_LEN])
{
	char hex[DIGEST_HEX + 1];

	digest_hexz(id, hex);
	snprintf(name, PACK_NAME_LEN, "packs/%.2s/%s.pack", hex, hex);
}

void
pack_damage_name(const uint8_t id[DIGEST_LEN], char name[PACK_NAME_LEN])
{
	char hex[DIGEST_HEX + 1];

	digest_hexz(id, hex);
	snprintf(name, PACK_NAME_LEN, "damaged/%s", hex);
}

int
pack_parse_name(const char *file, uint8_t id[DIGEST_LEN])
{
	if (strlen(file) != DIGEST_HEX + 5 ||
	    strcmp(file + DIGEST_HEX, ".pack") != 0)
		return (-1);
	return (digest_parse(file, id));
}

#include <string.h>

#include "formats/ustar.h"

/* Offsets of header fields. */
enum {
	OFF_NAME = 0, OFF_MODE = 100, OFF_UID = 108, OFF_GID = 116,
	OFF_SIZE = 124, OFF_MTIME = 136, OFF_CHKSUM = 148, OFF_TYPE = 156,
	OFF_MAGIC = 257,
};

/* Octal, len-1 digits and a NUL. */
static void
put_octal(uint8_t *p, size_t len, uint64_t v)
{
	p[--len] = '\0';
	while (len > 0) {
		p[--len] = (uint8_t)('0' + (v & 7));
		v >>= 3;
	}
}

/* Sum of all bytes, the checksum's own counted as spaces. */
static unsigned
checksum(const uint8_t h[USTAR_BLOCK])
{
	unsigned sum = 8 * ' ';
	size_t i;

	for (i = 0; i < OFF_CHKSUM; i++)
		sum += h[i];
	for (i = OFF_CHKSUM + 8; i < USTAR_BLOCK; i++)
		sum += h[i];
	return (sum);
}

void
ustar_encode(uint8_t h[USTAR_BLOCK], const char *name, uint64_t size)
{
	memset(h, 0, USTAR_BLOCK);
	memcpy(h + OFF_NAME, name, strnlen(name, 99));
	put_octal(h + OFF_MODE, 8, 0600);
	put_octal(h + OFF_UID, 8, 0);
	put_octal(h + OFF_GID, 8, 0);
	put_octal(h + OFF_SIZE, 12, size);
	put_octal(h + OFF_MTIME, 12, 0);
	h[OFF_TYPE] = '0';
	memcpy(h + OFF_MAGIC, "ustar\00000", 8);
	put_octal(h + OFF_CHKSUM, 7, checksum(h));
	h[OFF_CHKSUM + 7] = ' ';
}

void
ustar_encode_number(uint8_t h[USTAR_BLOCK], uint32_t number, uint64_t size)
{
	char tmp[11], *p = tmp + sizeof(tmp) - 1;

	*p = '\0';
	do
		*--p = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	ustar_encode(h, p, size);
}

static int
get_octal(const uint8_t *p, size_t len, uint64_t *v)
{
	size_t i;

	*v = 0;
	for (i = 0; i < len && p[i] >= '0' && p[i] <= '7'; i++)
		*v = *v << 3 | (uint64_t)(p[i] - '0');
	return (i > 0 && (i == len || p[i] == '\0' || p[i] == ' ') ? 0 : -1);
}

int
ustar_decode(const uint8_t h[USTAR_BLOCK], char name[101], uint64_t *size,
    struct err *e)
{
	uint64_t sum;

	if (memcmp(h + OFF_MAGIC, "ustar", 5) != 0)
		return (err_set(e, ERR_DAMAGED, "not a ustar header"));
	if (get_octal(h + OFF_CHKSUM, 8, &sum) == -1 || sum != checksum(h))
		return (err_set(e, ERR_DAMAGED, "ustar checksum is wrong"));
	if (get_octal(h + OFF_SIZE, 12, size) == -1)
		return (err_set(e, ERR_DAMAGED, "ustar size is not octal"));
	memcpy(name, h + OFF_NAME, 100);
	name[100] = '\0';
	return (0);
}

#include "err.h"
#include "str.h"

static const char digits[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of each digit plus one, so that 0 is "none". */
static const uint8_t values[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,
	['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
	['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26,
	['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34,
	['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50,
	['y'] = 51, ['z'] = 52,
	['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60,
	['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

void
base64_encode(const void *bytes, size_t len, char *out)
{
	const uint8_t *p = bytes;
	uint32_t v;

	for (size_t i = 0; i < len; i += 3, out += 4) {
		size_t left = len - i;

		v = (uint32_t)p[i] << 16;
		v |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		v |= left > 2 ? (uint32_t)p[i + 2] : 0;
		out[0] = digits[v >> 18];
		out[1] = digits[v >> 12 & 63];
		out[2] = left > 1 ? digits[v >> 6 & 63] : '=';
		out[3] = left > 2 ? digits[v & 63] : '=';
	}
	*out = '\0';
}

/* How many `=` end the text; -1 if the text is not strict base64. */
static int
check(const char *text, size_t len)
{
	size_t pad = 0;
	uint8_t last;

	if (len % 4)
		return -1;
	while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < len - pad; i++)
		if (!values[(uint8_t)text[i]])
			return -1;
	if (pad) {
		/* The bits that the padding cuts off must be zero, so that each value has one text. */
		last = (uint8_t)(values[(uint8_t)text[len - 1 - pad]] - 1);
		if (last & (pad == 2 ? 15 : 3))
			return -1;
	}
	return (int)pad;
}

int
base64_decode(const char *text, size_t textlen, void *bytes, size_t max, size_t *got)
{
	uint8_t *to = bytes;
	int pad = check(text, textlen);
	uint32_t v;
	size_t len;

	if (pad < 0)
		return ERR_INVALID;
	len = textlen / 4 * 3 - (size_t)pad;
	if (len > max)
		return ERR_TOOBIG;
	for (size_t i = 0, at = 0; i < textlen; i += 4) {
		v = 0;
		for (size_t j = 0; j < 4; j++)
			v = v << 6 | (text[i + j] == '=' ? 0u : (uint32_t)values[(uint8_t)text[i + j]] - 1u);
		for (int shift = 16; shift >= 0 && at < len; shift -= 8)
			to[at++] = (uint8_t)(v >> shift);
	}
	*got = len;
	return 0;
}

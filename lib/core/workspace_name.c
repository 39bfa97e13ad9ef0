#include <stdbool.h>
#include <string.h>

#include "err.h"
#include "limits.h"
#include "str.h"
#include "workspace.h"

/*
 * The bucket rules of AWS, and our own routes.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 */
static const char *const prefixes[] = { "xn--", "sthree-", "amzn-s3-demo-" };
static const char *const suffixes[] = { "-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3" };
static const char *const reserved[] = { "v1", "l", "metrics", "healthz", "readyz", "favicon.ico", "console", "static" };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool
is_address(const char *name)
{
	int parts = 0;

	for (const char *p = name;; p++) {
		size_t digits = strspn(p, "0123456789");

		if (digits < 1 || digits > 3 || ++parts > 4)
			return false;
		p += digits;
		if (!*p)
			return parts == 4;
		if (*p != '.')
			return false;
	}
}

static const char *
wrong_form(const char *name, size_t len)
{
	static const char ends[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";

	if (len < 3 || len > LIMIT_BUCKET_NAME)
		return "a name has 3 to 63 characters";
	if (strspn(name, allowed) != len)
		return "a name has only lower-case letters, digits, dots and hyphens";
	if (!strchr(ends, name[0]) || !strchr(ends, name[len - 1]))
		return "a name begins and ends with a letter or digit";
	if (strstr(name, ".."))
		return "a name has no two dots side by side";
	if (is_address(name))
		return "a name is not an IP address";
	return NULL;
}

static const char *
taken(const char *name)
{
	for (size_t i = 0; i < COUNT(prefixes); i++)
		if (str_starts(name, prefixes[i]))
			return "names that begin with xn--, sthree- or amzn-s3-demo- are reserved by S3";
	for (size_t i = 0; i < COUNT(suffixes); i++)
		if (str_ends(name, suffixes[i]))
			return "names that end in -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3 are reserved by S3";
	for (size_t i = 0; i < COUNT(reserved); i++)
		if (!strcmp(name, reserved[i]))
			return "the name is a path of the server's own";
	if (strstr(name, "--at-"))
		return "\"--at-\" in a name marks views of the past";
	return NULL;
}

int
workspace_name_check(const char *name, const char **why)
{
	size_t len = strnlen(name, LIMIT_BUCKET_NAME + 1);
	const char *text = wrong_form(name, len);

	if (!text)
		text = taken(name);
	if (!text)
		return 0;
	*why = text;
	return ERR_INVALID;
}

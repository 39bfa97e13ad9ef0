#include <stdio.h>
#include <string.h>

#include "human.h"

void
human_size(uint64_t bytes, char text[HUMAN_TEXT])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	unsigned unit = 0;

	/* 1023.95 KiB would be shown as 1024.0. */
	while (value >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	if (unit == 0)
		snprintf(text, HUMAN_TEXT, "%llu B", (unsigned long long)bytes);
	else
		snprintf(text, HUMAN_TEXT, "%.1f %s", value, units[unit]);
}

void
human_duration(int64_t ms, char text[HUMAN_TEXT])
{
	static const struct {
		int64_t ms;
		const char *name;
	} units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "min" }, { 1000, "s" } };
	const unsigned n = sizeof(units) / sizeof(units[0]);
	unsigned i = 0;
	int64_t rest;
	int len;

	if (ms < 1000) {
		snprintf(text, HUMAN_TEXT, ms ? "%lldms" : "0s", (long long)ms);
		return;
	}
	while (ms < units[i].ms)
		i++;
	len = snprintf(text, HUMAN_TEXT, "%lld%s", (long long)(ms / units[i].ms), units[i].name);
	rest = ms % units[i].ms;
	if (i + 1 < n && rest >= units[i + 1].ms)
		snprintf(text + len, HUMAN_TEXT - (size_t)len, " %lld%s", (long long)(rest / units[i + 1].ms), units[i + 1].name);
}

void
human_count(int64_t n, char text[HUMAN_TEXT])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)n);
	char *to = text;

	for (int i = 0; i < len; i++) {
		*to++ = digits[i];
		if (digits[i] != '-' && i + 1 < len && (len - i - 1) % 3 == 0)
			*to++ = ',';
	}
	*to = '\0';
}

void
human_time(const char *rfc3339, char text[HUMAN_TEXT])
{
	size_t len = strlen(rfc3339);

	if (len >= 20 && rfc3339[10] == 'T' && rfc3339[len - 1] == 'Z')
		snprintf(text, HUMAN_TEXT, "%.10s %.8sZ", rfc3339, rfc3339 + 11);
	else
		snprintf(text, HUMAN_TEXT, "%.*s", HUMAN_TEXT - 1, rfc3339);
}

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "err.h"

#define SECOND 1000000ll
#define DAY 86400ll

static const char month_names[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};
static const char *const weekday_names[7] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};

struct civil {
	int year, month, day;		/* month and day from 1 */
	int hour, minute, second;
	int micro;
	int weekday;			/* 0 is Sunday; set by civil_from_us() only */
};

static int64_t
now_us(clockid_t which)
{
	struct timespec ts;

	clock_gettime(which, &ts);
	return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec / 1000;
}

int64_t
clock_wall_us(void)
{
	return now_us(CLOCK_REALTIME);
}

int64_t
clock_mono_us(void)
{
	return now_us(CLOCK_MONOTONIC);
}

/*
 * Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back. Years are counted from
 * March, in eras of 400 years (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
 */
static int64_t
days_from_civil(int year, int month, int day)
{
	int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void
civil_from_days(int64_t days, struct civil *c)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	c->day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	c->year = (int)(yoe + era * 400 + (c->month <= 2));
	c->weekday = (int)(((days + 4) % 7 + 7) % 7);
}

/*
 * Days since 1970-01-01, and microseconds of the day. Outside the years 0 to 9999 the texts have no form: such times are shown as the first
 * or last there is.
 */
static int64_t
day_of(int64_t us, int64_t *rest)
{
	static const int64_t first = -62167219200ll * SECOND, last = 253402300800ll * SECOND - 1;
	int64_t days;

	us = us < first ? first : us > last ? last : us;
	days = us / (DAY * SECOND);
	*rest = us % (DAY * SECOND);
	if (*rest < 0) {
		*rest += DAY * SECOND;
		days--;
	}
	return days;
}

/* The time of a day. */
static void
civil_from_rest(int64_t us, struct civil *c)
{
	int seconds = (int)(us / SECOND);

	c->micro = (int)(us % SECOND);
	c->second = seconds % 60;
	c->minute = seconds / 60 % 60;
	c->hour = seconds / 3600;
}

static void
civil_from_us(int64_t us, struct civil *c)
{
	int64_t rest, days = day_of(us, &rest);

	civil_from_days(days, c);
	civil_from_rest(rest, c);
}

/* Writes `digits` decimal digits of `value` and returns what follows. */
static char *
put_number(char *to, int value, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		to[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return to + digits;
}

static char *
put_text(char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}

static char *
put_time(char *to, const struct civil *c)
{
	to = put_number(to, c->hour, 2);
	*to++ = ':';
	to = put_number(to, c->minute, 2);
	*to++ = ':';
	return put_number(to, c->second, 2);
}

#define DATE 11		/* bytes of 2026-11-22T */

/* Listings show times of few days: the last date is kept, by thread. */
static char *
put_date(char *to, int64_t days)
{
	static _Thread_local char date[DATE];
	static _Thread_local int64_t of = INT64_MIN;
	struct civil c;
	char *at = date;

	if (days != of) {
		civil_from_days(days, &c);
		at = put_number(at, c.year, 4);
		*at++ = '-';
		at = put_number(at, c.month, 2);
		*at++ = '-';
		at = put_number(at, c.day, 2);
		*at = 'T';
		of = days;
	}
	return put_text(to, date, DATE);
}

/* RFC 3339 with `digits` digits of the fraction, which counts in units of `unit` us. */
static void
put_iso(int64_t us, int unit, int digits, char *to)
{
	int64_t rest, days = day_of(us, &rest);
	struct civil c;

	to = put_date(to, days);
	civil_from_rest(rest, &c);
	to = put_time(to, &c);
	*to++ = '.';
	to = put_number(to, c.micro / unit, digits);
	*to++ = 'Z';
	*to = '\0';
}

void
clock_iso(int64_t us, char text[CLOCK_TEXT])
{
	put_iso(us, 1000, 3, text);
}

void
clock_rfc3339(int64_t us, char text[CLOCK_TEXT])
{
	put_iso(us, 1, 6, text);
}

void
clock_http(int64_t us, char text[CLOCK_TEXT])
{
	struct civil c;
	char *to = text;

	civil_from_us(us, &c);
	to = put_text(to, weekday_names[c.weekday], 3);
	to = put_text(to, ", ", 2);
	to = put_number(to, c.day, 2);
	*to++ = ' ';
	to = put_text(to, month_names[c.month - 1], 3);
	*to++ = ' ';
	to = put_number(to, c.year, 4);
	*to++ = ' ';
	to = put_time(to, &c);
	put_text(to, " GMT", 5);
}

void
clock_amz(int64_t us, char text[CLOCK_TEXT])
{
	struct civil c;
	char *to = text;

	civil_from_us(us, &c);
	to = put_number(to, c.year, 4);
	to = put_number(to, c.month, 2);
	to = put_number(to, c.day, 2);
	*to++ = 'T';
	to = put_number(to, c.hour, 2);
	to = put_number(to, c.minute, 2);
	to = put_number(to, c.second, 2);
	put_text(to, "Z", 2);
}

/*
 * Parsing. Each take_ function eats its piece from *s and says whether it was there.
 */
static bool
take_number(const char **s, int digits, int *value)
{
	int v = 0;

	for (int i = 0; i < digits; i++) {
		if ((*s)[i] < '0' || (*s)[i] > '9')
			return false;
		v = v * 10 + ((*s)[i] - '0');
	}
	*s += digits;
	*value = v;
	return true;
}

static bool
take_text(const char **s, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*s, text, len))
		return false;
	*s += len;
	return true;
}

static bool
take_month(const char **s, int *month)
{
	for (int i = 0; i < 12; i++) {
		if (take_text(s, month_names[i])) {
			*month = i + 1;
			return true;
		}
	}
	return false;
}

/* The name of a day, whole or its first three letters; whether it fits the date nobody depends on. */
static bool
take_weekday(const char **s, bool whole)
{
	for (int i = 0; i < 7; i++) {
		size_t len = whole ? strlen(weekday_names[i]) : 3;

		if (!strncmp(*s, weekday_names[i], len)) {
			*s += len;
			return true;
		}
	}
	return false;
}

static bool
take_time(const char **s, struct civil *c)
{
	return take_number(s, 2, &c->hour) && take_text(s, ":") && take_number(s, 2, &c->minute) &&
	    take_text(s, ":") && take_number(s, 2, &c->second);
}

/* +hhmm, or +hh:mm with a `separator` of ":"; seconds east of Greenwich. */
static bool
take_offset(const char **s, const char *separator, int *seconds)
{
	int sign = **s == '-' ? -1 : 1, hours, minutes;

	if (!take_text(s, "+") && !take_text(s, "-"))
		return false;
	if (!take_number(s, 2, &hours) || !take_text(s, separator) || !take_number(s, 2, &minutes))
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return hours < 24 && minutes < 60;
}

static int
days_of_month(int year, int month)
{
	static const int days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* ERR_INVALID if there is no such time. Second 60 is that of a leap second and counts as the next one. */
static int
us_from_civil(const struct civil *c, int offset, int64_t *us)
{
	int64_t seconds;

	if (c->month < 1 || c->month > 12 || c->day < 1 || c->day > days_of_month(c->year, c->month))
		return ERR_INVALID;
	if (c->hour > 23 || c->minute > 59 || c->second > 60)
		return ERR_INVALID;
	seconds = days_from_civil(c->year, c->month, c->day) * DAY + c->hour * 3600 + c->minute * 60 + c->second;
	*us = (seconds - offset) * SECOND + c->micro;
	return 0;
}

int
clock_parse_amz(const char *text, int64_t *us)
{
	struct civil c = { 0 };

	if (!take_number(&text, 4, &c.year) || !take_number(&text, 2, &c.month) ||
	    !take_number(&text, 2, &c.day) || !take_text(&text, "T") || !take_number(&text, 2, &c.hour) ||
	    !take_number(&text, 2, &c.minute) || !take_number(&text, 2, &c.second) || strcmp(text, "Z"))
		return ERR_INVALID;
	return us_from_civil(&c, 0, us);
}

/* Sun, 06 Nov 1994 08:49:37 GMT, behind the comma. */
static bool
take_imf(const char *s, struct civil *c, int *offset)
{
	if (!take_number(&s, 2, &c->day) || !take_text(&s, " ") || !take_month(&s, &c->month) ||
	    !take_text(&s, " ") || !take_number(&s, 4, &c->year) || !take_text(&s, " ") ||
	    !take_time(&s, c) || !take_text(&s, " "))
		return false;
	if (take_text(&s, "GMT") || take_text(&s, "UTC") || take_offset(&s, "", offset))
		return !*s;
	return false;
}

/* Sunday, 06-Nov-94 08:49:37 GMT, behind the comma. A year more than 50 years ahead is of the past century. */
static bool
take_rfc850(const char *s, struct civil *c)
{
	struct civil now;

	if (!take_number(&s, 2, &c->day) || !take_text(&s, "-") || !take_month(&s, &c->month) ||
	    !take_text(&s, "-") || !take_number(&s, 2, &c->year) || !take_text(&s, " ") ||
	    !take_time(&s, c) || strcmp(s, " GMT"))
		return false;
	civil_from_us(clock_wall_us(), &now);
	c->year += now.year / 100 * 100;
	if (c->year > now.year + 50)
		c->year -= 100;
	return true;
}

/* Sun Nov  6 08:49:37 1994, behind the first blank. */
static bool
take_asctime(const char *s, struct civil *c)
{
	if (!take_month(&s, &c->month) || !take_text(&s, " "))
		return false;
	if (take_text(&s, " ") ? !take_number(&s, 1, &c->day) : !take_number(&s, 2, &c->day))
		return false;
	return take_text(&s, " ") && take_time(&s, c) && take_text(&s, " ") && take_number(&s, 4, &c->year) &&
	    !*s;
}

int
clock_parse_http(const char *text, int64_t *us)
{
	struct civil c = { 0 };
	const char *s = text;
	int offset = 0;
	bool ok;

	if (take_weekday(&s, true) && take_text(&s, ", ")) {
		ok = take_rfc850(s, &c);
	} else {
		s = text;
		if (!take_weekday(&s, false))
			return ERR_INVALID;
		ok = take_text(&s, ", ") ? take_imf(s, &c, &offset) :
		    take_text(&s, " ") && take_asctime(s, &c);
	}
	return ok ? us_from_civil(&c, offset, us) : ERR_INVALID;
}

/* The digits behind the dot; what is finer than a microsecond is dropped. */
static bool
take_fraction(const char **s, int *micro)
{
	int v = 0, digits = 0;

	for (; **s >= '0' && **s <= '9'; (*s)++, digits++)
		if (digits < 6)
			v = v * 10 + (**s - '0');
	if (!digits)
		return false;
	for (; digits < 6; digits++)
		v *= 10;
	*micro = v;
	return true;
}

int
clock_parse_rfc3339(const char *text, int64_t *us)
{
	struct civil c = { 0 };
	int offset = 0;

	if (!take_number(&text, 4, &c.year) || !take_text(&text, "-") || !take_number(&text, 2, &c.month) ||
	    !take_text(&text, "-") || !take_number(&text, 2, &c.day))
		return ERR_INVALID;
	if (!take_text(&text, "T") && !take_text(&text, "t"))
		return ERR_INVALID;
	if (!take_time(&text, &c))
		return ERR_INVALID;
	if (take_text(&text, ".") && !take_fraction(&text, &c.micro))
		return ERR_INVALID;
	if (!take_text(&text, "Z") && !take_text(&text, "z") && !take_offset(&text, ":", &offset))
		return ERR_INVALID;
	return *text ? ERR_INVALID : us_from_civil(&c, offset, us);
}

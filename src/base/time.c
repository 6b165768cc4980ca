#include "base/time.h"

#include <stdio.h>

#define DAY 86400
#define SECONDS_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* Days from 1970-01-01 to the first of January of a year from 1970 on, in the Gregorian calendar. */
static int64_t days_before_year(int year) {
  int y = year - 1;
  return (int64_t)365 * (year - 1970) + (y / 4 - 1969 / 4) - (y / 100 - 1969 / 100) + (y / 400 - 1969 / 400);
}

static int days_in_month(int year, int month) {
  static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

void time_format(char out[static TIME_TEXT_SIZE], int64_t seconds) {
  int64_t t = seconds < 0 ? 0 : seconds > SECONDS_MAX ? SECONDS_MAX : seconds;
  int64_t days = t / DAY;
  int year = 1970 + (int)(days / 366), month = 1;
  while (days_before_year(year + 1) <= days) year++;
  int day = (int)(days - days_before_year(year));
  while (day >= days_in_month(year, month)) day -= days_in_month(year, month++);
  unsigned rest = (unsigned)(t % DAY);
  char text[64];
  snprintf(text, sizeof text, "%04d-%02d-%02dT%02u:%02u:%02uZ", year, month, day + 1, rest / 3600, rest / 60 % 60,
           rest % 60);
  for (size_t i = 0; i < TIME_TEXT_SIZE; i++) out[i] = text[i];
}

/* Two or four digits at p; -1 when one is not a digit. */
static int number(const uint8_t *p, size_t n) {
  int x = 0;
  for (size_t i = 0; i < n; i++) {
    if (p[i] < '0' || p[i] > '9') return -1;
    x = x * 10 + (p[i] - '0');
  }
  return x;
}

bool time_parse(int64_t *seconds, struct bytes text) {
  const uint8_t *p = text.p;
  if (text.n != TIME_TEXT_SIZE - 1) return false;
  if (p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' || p[16] != ':' || p[19] != 'Z') return false;
  int year = number(p, 4), month = number(p + 5, 2), day = number(p + 8, 2);
  int hour = number(p + 11, 2), minute = number(p + 14, 2), second = number(p + 17, 2);
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) return false;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  int64_t days = days_before_year(year) + day - 1;
  for (int m = 1; m < month; m++) days += days_in_month(year, m);
  *seconds = days * DAY + hour * 3600 + minute * 60 + second;
  return true;
}

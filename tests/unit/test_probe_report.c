#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "daemon/probe.h"

#define NOW 1700000000

static struct probe_try answered(unsigned status) {
  return (struct probe_try){
      .made = true, .connected = true, .status = status, .date = NOW, .now = NOW, .size = 4000, .tried = "192.0.2.1"};
}

static struct probe_try failed(enum http_cause cause, bool connected, const char *message) {
  struct probe_try t = {.made = true, .cause = cause, .connected = connected, .tried = "192.0.2.1"};
  snprintf(t.message, sizeof t.message, "%s", message);
  return t;
}

/* A line on which all is well, by name. */
static struct probe_seen well(void) {
  struct probe_seen s = {.party = "ncc.ru.example", .where = "parley.ru.example:7411", .line = {.reused = 5}};
  s.v4 = s.v6 = s.large_request = answered(404);
  s.large_answer = answered(200);
  return s;
}

static const char *text_of(const json_t *o, const char *member) {
  const char *s = json_string_value(json_object_get(o, member));
  return s ? s : "";
}

static const char *result_of(const json_t *report, const char *step) {
  size_t i;
  json_t *o;
  json_array_foreach(json_object_get(report, "steps"), i,
                     o) if (!strcmp(text_of(o, "step"), step)) return text_of(o, "result");
  return "";
}

static void expect(const struct probe_seen *s, const char *verdict, const char *code, const char *words,
                   const char *step, const char *result) {
  json_t *o = probe_report(s);
  assert_non_null(o);
  assert_string_equal(text_of(o, "verdict"), verdict);
  assert_string_equal(text_of(o, "code"), code);
  if (!strstr(text_of(o, "text"), words)) fail_msg("\"%s\" does not say \"%s\"", text_of(o, "text"), words);
  assert_null(strchr(text_of(o, "text"), '{'));
  assert_string_equal(result_of(o, step), result);
  json_decref(o);
}

static void all_is_well(void **state) {
  (void)state;
  struct probe_seen s = well();
  expect(&s, "fine", "fine", "the line to ncc.ru.example works", "ipv6", "ok");
  s.large_answer = (struct probe_try){0};
  expect(&s, "fine", "fine", "works", "large_answer", "not tried");
  s = well();
  s.v6 = failed(HTTP_NAME_UNKNOWN, false, "unknown");
  s.v6.tried[0] = '\0';
  expect(&s, "fine", "fine", "works", "ipv6", "not tried");
  s.v6 = failed(HTTP_NO_ROUTE, false, "cannot connect: Network is unreachable"); /* ours has no IPv6 */
  expect(&s, "fine", "fine", "works", "ipv6", "failed");
}

static void each_cause_has_its_step_and_sentence(void **state) {
  static const struct {
    enum http_cause cause;
    const char *code, *step, *next;
    bool connected;
  } cases[] = {{HTTP_NO_ROUTE, "no_route", "connect", "tls", false},
               {HTTP_REFUSED, "refused", "connect", "tls", false},
               {HTTP_NO_REPLY, "no_reply", "connect", "tls", false},
               {HTTP_SILENT, "silent", "tls", "certificate", true},
               {HTTP_LOST, "packets_lost", "tls", "certificate", true},
               {HTTP_LOST_BACK, "answers_lost", "tls", "certificate", true},
               {HTTP_NOT_TLS, "not_tls", "tls", "certificate", true},
               {HTTP_OLD_TLS, "old_tls", "tls", "certificate", true},
               {HTTP_WRONG_PIN, "wrong_certificate", "certificate", "our_certificate", true},
               {HTTP_NOT_PINNED, "not_pinned", "our_certificate", "answer", true},
               {HTTP_STALLED, "stalled", "answer", "clock", true},
               {HTTP_TOO_LONG, "broken", "answer", "clock", true},
               {HTTP_BROKEN, "broken", "tls", "certificate", true}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct probe_seen s = {.party = "a.b", .where = "192.0.2.1:7411", .is_address = true};
    s.any = failed(cases[i].cause, cases[i].connected, "what the client said");
    expect(&s, "broken", cases[i].code, "", cases[i].step, "failed");
    expect(&s, "broken", cases[i].code, "", cases[i].next, "not tried");
    expect(&s, "broken", cases[i].code, "", "large_request", "not tried");
  }
  struct probe_seen s = {.party = "a.b", .where = "192.0.2.1:7411", .is_address = true};
  s.any = failed(HTTP_CUT, true, "x closed the connection during the TLS handshake");
  expect(&s, "broken", "cut", "closes them at once", "tls", "failed");
  s.any.ready = true;
  expect(&s, "broken", "cut", "instead of answering", "answer", "failed");
}

static void each_fault_of_a_proxy_is_the_proxys(void **state) {
  static const struct {
    enum http_cause cause;
    const char *code, *words;
  } cases[] = {{HTTP_PROXY_UNKNOWN, "proxy_unknown", "name of our own proxy proxy.example:3128"},
               {HTTP_PROXY_AWAY, "proxy_away", "does not take connections"},
               {HTTP_PROXY_SILENT, "proxy_silent", "did not answer"},
               {HTTP_PROXY_TLS, "proxy_tls", "proxy_ca"},
               {HTTP_PROXY_PASSWORD, "proxy_password", "407"},
               {HTTP_PROXY_FORBIDS, "proxy_forbids", "CONNECT"},
               {HTTP_PROXY_CANNOT, "proxy_cannot", "cannot reach"},
               {HTTP_NO_ROUTE, "no_route", "no way there"}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct probe_seen s = {.party = "a.b", .where = "b.example:7411", .proxy = "proxy.example:3128"};
    s.any = failed(cases[i].cause, false, "what the client said");
    expect(&s, "broken", cases[i].code, cases[i].words, "proxy", "failed");
    expect(&s, "broken", cases[i].code, cases[i].words, "tls", "not tried");
  }
  struct probe_seen s = {.party = "a.b", .where = "b.example:7411", .proxy = "proxy.example:3128"};
  s.any = failed(HTTP_WRONG_PIN, true, "certificate is not the pinned one");
  expect(&s, "broken", "wrong_certificate", "a proxy that opens TLS", "proxy", "ok");
}

static void names_and_families(void **state) {
  (void)state;
  struct probe_seen s = well();
  s.v4 = s.v6 = failed(HTTP_NAME_UNKNOWN, false, "not known");
  s.v4.tried[0] = s.v6.tried[0] = '\0';
  expect(&s, "broken", "name_unknown", "resolver", "name", "failed");
  s = well();
  s.v6 = failed(HTTP_NO_REPLY, false, "no answer from 2001:db8::1");
  expect(&s, "impaired", "one_family", "no answer from 2001:db8::1", "ipv6", "failed");
  expect(&s, "impaired", "one_family", "", "ipv4", "ok");
  s = well();
  s.v4 = failed(HTTP_REFUSED, false, "connection refused");
  expect(&s, "impaired", "one_family", "connection refused", "ipv4", "failed");
  s.v6 = failed(HTTP_SILENT, true, "says nothing"); /* the one that got further is told */
  expect(&s, "broken", "silent", "says nothing", "ipv6", "ok");
}

static void what_only_shows_after_an_answer(void **state) {
  (void)state;
  struct probe_seen s = well();
  s.large_request = failed(HTTP_LOST, true, "lost");
  s.large_answer = (struct probe_try){0};
  expect(&s, "broken", "packets_lost", "a large one is not", "large_request", "failed");
  s = well();
  s.large_answer = failed(HTTP_STALLED, true, "stalled");
  expect(&s, "broken", "answers_lost", "mtu 1280", "large_answer", "failed");
  s.large_answer.size = 20000; /* a thin line brings it, only not in time */
  expect(&s, "fine", "fine", "works", "large_answer", "ok");
  s.large_answer.cause = HTTP_LOST_BACK;
  expect(&s, "broken", "answers_lost", "mtu 1280", "large_answer", "failed");
  s = well();
  s.v4 = answered(502);
  s.v6 = answered(502);
  expect(&s, "broken", "http_error", "HTTP status 502", "answer", "failed");
  s = well();
  s.v4.date = NOW - PROBE_CLOCK_SECONDS;
  expect(&s, "fine", "fine", "works", "clock", "ok");
  s.v4.date--;
  expect(&s, "impaired", "clock", "301 s behind ours", "clock", "warning");
  s.v4.date = NOW + 3600;
  expect(&s, "impaired", "clock", "3600 s ahead of ours", "clock", "warning");
  s = well();
  s.line.cut = 1;
  expect(&s, "fine", "fine", "works", "idle", "ok");
  s.line.cut = 2;
  expect(&s, "impaired", "idle_cut", "closes connections that are idle:", "idle", "warning");
  s.line.cut_seconds = 20;
  expect(&s, "impaired", "idle_cut", "idle for about 20 s", "idle", "warning");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_is_well),
      cmocka_unit_test(each_cause_has_its_step_and_sentence),
      cmocka_unit_test(each_fault_of_a_proxy_is_the_proxys),
      cmocka_unit_test(names_and_families),
      cmocka_unit_test(what_only_shows_after_an_answer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

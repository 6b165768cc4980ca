#include "cli/probe_text.h"

#include <string.h>

#include "cli/output.h"
#include "cli/text.h"

/* {P} the party, {W} host:port, {X} our proxy. The details of the node's sentences stand in the steps below it. */
static const struct {
  const char *code, *text;
} texts[] = {
    {"fine", N_("The line to {P} works.")},
    {"one_family", N_("The line to {P} works, but over one kind of address only: nothing is lost. Ask {P} to mend the "
                      "other address or to take it out of its DNS.")},
    {"clock", N_("The line to {P} works, but its clock is off: look whether ours is right (NTP), then tell {P}.")},
    {"idle_cut", N_("The line to {P} works, but something on the way closes connections that are idle. The node opens "
                    "new ones, so nothing is lost; ask whoever runs the firewall for a longer limit.")},
    {"ourselves", N_("This node cannot ask {P}; the fault is here.")},
    {"no_route", N_("This machine has no way to {W}: look at its own network, addresses and routes.")},
    {"name_unknown", N_("The name in {W}, the address of {P} in its card, is not known here: look at the DNS here, or "
                        "ask {P} by another way whether its address has changed.")},
    {"proxy_unknown", N_("The name of our own proxy {X} is not known here: look at proxy in parley.conf.")},
    {"proxy_away", N_("Our own proxy {X} does not take connections: look at proxy in parley.conf, and ask whoever runs "
                      "the proxy.")},
    {"proxy_silent", N_("Our own proxy {X} took the connection and did not answer: it hangs, or it is no such proxy "
                        "(http:// or https:// in parley.conf?). Ask whoever runs it.")},
    {"proxy_tls", N_("Our own proxy {X} cannot be trusted: if it speaks plain HTTP, write http:// in parley.conf; if "
                     "its certificate is from an authority of the house, name that in proxy_ca.")},
    {"proxy_password", N_("Our own proxy {X} wants a user name and password, or does not take ours: put them into "
                          "proxy of parley.conf.")},
    {"proxy_forbids", N_("Our own proxy {X} does not allow connections to {W}: ask whoever runs it to allow CONNECT "
                         "there.")},
    {"proxy_cannot", N_("Our own proxy {X} works, but cannot reach {W}: the node of {P} or its network is down, or the "
                        "proxy has no way there.")},
    {"refused", N_("The machine at {W} refuses connections: the node of {P} is not running, or listens on another "
                   "port. Tell {P} by another way.")},
    {"no_reply", N_("Nothing answers at {W}: its machine or network is down, the address in its card is old, or a "
                    "firewall drops what we send. Look whether ours lets connections to that port out, then tell {P} "
                    "by another way.")},
    {"silent", N_("The machine at {W} takes connections and says nothing: the node of {P} hangs, or something else "
                  "answers in its place. Tell {P} by another way.")},
    {"packets_lost", N_("Small packets get through to {P}, larger ones vanish on the way: let this machine send "
                        "smaller ones (ip link set dev INTERFACE mtu 1280), and ask whoever runs the firewalls to let "
                        "ICMP \"packet too big\" through.")},
    {"answers_lost", N_("Small packets of {P} arrive, larger ones vanish on the way: let this machine ask for smaller "
                        "ones (ip link set dev INTERFACE mtu 1280), and tell {P} that ICMP \"packet too big\" must "
                        "reach it.")},
    {"cut", N_("Connections to {W} are closed before anything is answered: something on the way does not let TLS "
               "through, or the node of {P} is overloaded or damaged. Tell {P} by another way.")},
    {"not_tls", N_("What answers at {W} does not speak TLS: it is not the node of {P}. Ask {P} by another way whether "
                   "its address has changed.")},
    {"old_tls", N_("What answers at {W} does not speak TLS 1.3: it is not the node of {P} itself, but something that "
                   "opens TLS on the way. Connections must be passed on unopened.")},
    {"wrong_certificate", N_("What answers at {W} is not the node whose card you pinned: {P} has a new card, or "
                             "somebody on the way (a proxy that opens TLS, or an attacker) answers in its place. "
                             "Nothing was told to it; compare fingerprints with {P} by another way.")},
    {"not_pinned", N_("The node of {P} answers, but does not know our certificate: it has not pinned our card, or an "
                      "old one. Send it to them (parley card export) and let them pin it (parley trust).")},
    {"stalled", N_("The node of {P} at {W} takes requests and does not answer them: it hangs, or answers vanish on the "
                   "way. Tell {P} by another way.")},
    {"http_error", N_("The node of {P} answers with an HTTP status that it should not: it is overloaded or damaged, or "
                      "something stands before it. Tell {P} by another way.")},
    {"broken", N_("The line to {P} breaks, or brings what no node would answer; the steps below say where.")},
};

static const char *const details[] = {
    N_("the pinned one"),
    N_("accepted"),
    N_("as ours"),
    N_("it has no such address, or this machine has none"),
    N_("no log of theirs is known here yet"),
    N_("no connection has been kept yet"),
};

static const char *fill(struct cli *c, const char *text, const json_t *probe) {
  struct buf out = {0};
  for (const char *p = text; *p != '\0'; p++) {
    const char *member = p[0] != '{'                 ? NULL
                         : strncmp(p, "{P}", 3) == 0 ? "party"
                         : strncmp(p, "{W}", 3) == 0 ? "where"
                         : strncmp(p, "{X}", 3) == 0 ? "proxy"
                                                     : NULL;
    if (member == NULL) {
      buf_u8(&out, (uint8_t)*p);
      continue;
    }
    buf_str(&out, json_text(probe, member));
    p += 2;
  }
  const char *filled = buf_cstr(&out);
  if (filled != NULL) filled = arena_fmt(&c->arena, "%s", filled);
  buf_free(&out);
  return filled;
}

const char *probe_sentence(struct cli *c, const json_t *probe) {
  const char *english = json_text(probe, "text");
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    if (strcmp(texts[i].code, json_text(probe, "code")) != 0) continue;
    const char *translated = _(texts[i].text);
    const char *filled = translated != texts[i].text ? fill(c, translated, probe) : NULL;
    return filled != NULL ? filled : english;
  }
  return english;
}

const char *probe_detail(const char *text) {
  for (size_t i = 0; i < sizeof details / sizeof *details; i++)
    if (strcmp(details[i], text) == 0) return _(details[i]);
  return text;
}

#include "daemon/probe_advice.h"

static const struct advice advices[] = {
    [HTTP_ANSWERED] = {"fine", STAGE_END, "the line to {P} works"},
    [HTTP_OURSELVES] = {"ourselves", STAGE_NAME, "this node cannot ask {P}: {M}"},
    [HTTP_NO_ROUTE] = {"no_route", STAGE_CONNECT,
                       "{M}: this machine has no way there; look at its own network, addresses and routes"},
    [HTTP_NAME_UNKNOWN] = {"name_unknown", STAGE_NAME,
                           "the name in {W}, the address of {P} in its card, is not known to this machine's resolver: "
                           "look at the DNS here, or ask {P} by another way whether its address has changed"},
    [HTTP_PROXY_UNKNOWN] =
        {"proxy_unknown", STAGE_PROXY,
         "the name of our own proxy {X} is not known to this machine's resolver: look at proxy in parley.conf"},
    [HTTP_PROXY_AWAY] =
        {"proxy_away", STAGE_PROXY,
         "our own proxy does not take connections ({M}): look at proxy in parley.conf, and ask whoever runs the proxy"},
    [HTTP_PROXY_SILENT] =
        {"proxy_silent", STAGE_PROXY,
         "our own proxy {X} took the connection and then did not answer when it was asked for {W}: it hangs, or it is "
         "no such proxy (http:// or https:// in parley.conf?); ask whoever runs it"},
    [HTTP_PROXY_TLS] = {"proxy_tls", STAGE_PROXY,
                        "our own proxy cannot be trusted ({M}): if it speaks plain HTTP, write http:// in parley.conf; "
                        "if its certificate is from an authority of the house, name that in proxy_ca"},
    [HTTP_PROXY_PASSWORD] = {"proxy_password", STAGE_PROXY,
                             "our own proxy {X} wants a user name and password, or does not take ours (HTTP status "
                             "407): put them into proxy of parley.conf"},
    [HTTP_PROXY_FORBIDS] =
        {"proxy_forbids", STAGE_PROXY,
         "our own proxy {X} does not allow connections to {W}: ask whoever runs it to allow CONNECT there"},
    [HTTP_PROXY_CANNOT] = {"proxy_cannot", STAGE_PROXY,
                           "our own proxy {X} works, but cannot reach {W}: {P}'s node or its network is down, or the "
                           "proxy has no way there"},
    [HTTP_REFUSED] = {"refused", STAGE_CONNECT,
                      "the machine at {W} answers, but refuses connections: {P}'s node is not running, or listens on "
                      "another port; tell {P} by another way"},
    [HTTP_NO_REPLY] =
        {"no_reply", STAGE_CONNECT,
         "nothing answers at {W}: its machine or network is down, the address in its card is old, or a firewall drops "
         "what we send; look whether ours lets connections to that port out, then tell {P} by another way"},
    [HTTP_SILENT] = {"silent", STAGE_TLS,
                     "{W} takes connections and then says nothing: {P}'s node hangs, or a firewall or other program "
                     "answers in its place; tell {P} by another way"},
    [HTTP_LOST] = {"packets_lost", STAGE_TLS,
                   "small packets get through to {W}, larger ones vanish on the way without a word: let this machine "
                   "send smaller ones (ip link set dev INTERFACE mtu 1280), and ask whoever runs the firewalls to let "
                   "ICMP \"packet too big\" through"},
    [HTTP_LOST_BACK] =
        {"answers_lost", STAGE_TLS,
         "small packets of {P} arrive, larger ones vanish on the way: let this machine ask for smaller ones (ip link "
         "set dev INTERFACE mtu 1280), and tell {P} that ICMP \"packet too big\" must reach it"},
    [HTTP_CUT] = {"cut", STAGE_TLS,
                  "{W} takes connections and closes them at once ({M}): a firewall or load balancer on the way does "
                  "not let TLS through, or {P}'s node is overloaded; tell {P} by another way"},
    [HTTP_NOT_TLS] = {"not_tls", STAGE_TLS,
                      "what answers at {W} does not speak TLS: it is not {P}'s node; ask {P} by another way whether "
                      "its address has changed"},
    [HTTP_OLD_TLS] = {"old_tls", STAGE_TLS,
                      "what answers at {W} does not speak TLS 1.3: it is not {P}'s node itself, but something that "
                      "opens TLS on the way; connections must be passed on unopened"},
    [HTTP_WRONG_PIN] = {"wrong_certificate", STAGE_CERTIFICATE,
                        "what answers at {W} is not the node whose card you pinned: {P} has a new card, or somebody on "
                        "the way (a proxy that opens TLS, or an attacker) answers in its place; nothing was told to "
                        "it; compare fingerprints with {P} by another way"},
    [HTTP_NOT_PINNED] = {"not_pinned", STAGE_OURS,
                         "{P}'s node answers, but does not know our certificate: {P} has not pinned our card, or an "
                         "old one; send it to them (parley card export) and let them pin it (parley trust)"},
    [HTTP_STALLED] = {"stalled", STAGE_ANSWER,
                      "{P}'s node at {W} takes requests and does not answer them: it hangs, or answers vanish on the "
                      "way; tell {P} by another way"},
    [HTTP_TOO_LONG] = {"broken", STAGE_ANSWER,
                       "{P}'s node answers what no node would answer ({M}): tell {P} by another way"},
    [HTTP_BROKEN] = {"broken", STAGE_TLS, "the line to {P} breaks: {M}"},
};

const struct advice *probe_advice(enum http_cause cause) { return &advices[cause]; }

const struct advice advice_cut_later = {"cut", STAGE_ANSWER,
                                        "{W} closes the connection instead of answering: {P}'s node or something "
                                        "before it is overloaded or damaged; tell {P} by another way"};
const struct advice advice_http_error = {
    "http_error", STAGE_ANSWER,
    "{P}'s node answers with HTTP status {N}, which it should not: it is overloaded or damaged, or something stands "
    "before it; tell {P} by another way"};
const struct advice advice_requests_lost = {
    "packets_lost", STAGE_END,
    "small requests to {P} are answered, a large one is not: larger packets vanish on the way; let this machine send "
    "smaller ones (ip link set dev INTERFACE mtu 1280), and ask whoever runs the firewalls to let ICMP \"packet too "
    "big\" through"};
const struct advice advice_answers_lost = {
    "answers_lost", STAGE_END,
    "small answers of {P} arrive, a large one does not: larger packets from there vanish on the way; let this machine "
    "ask for smaller ones (ip link set dev INTERFACE mtu 1280), and tell {P} that ICMP \"packet too big\" must reach "
    "it"};
const struct advice advice_half = {"one_family", STAGE_END,
                                   "the line to {P} works, but over one kind of address only ({M}): nothing is lost; "
                                   "ask {P} to mend that address or to take it out of its DNS"};
const struct advice advice_clock_off = {
    "clock", STAGE_END, "the line to {P} works, but its clock is {N}: look whether ours is right (NTP), then tell {P}"};
const struct advice advice_idle_cut = {
    "idle_cut", STAGE_END,
    "the line to {P} works, but something on the way closes connections that are idle{N}: the node opens new ones, so "
    "nothing is lost; ask whoever runs the firewall for a longer limit"};

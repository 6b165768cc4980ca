/*
 * VERIFY.md of evidence of non-delivery: what it is, what it is not, and how to look at it. It is no evidence itself.
 */
#include "base/time.h"
#include "record/silence_parts.h"

static const char about[] =
    "\nTHIS IS NOT A PROOF OF DELIVERY. It shows two things:\n\n"
    "1. The statement in `entry.json` existed at the time that a neutral witness signed: it stands in the author's "
    "log, "
    "and a checkpoint\n   of that log that covers it carries the witness's cosignature (`proof.tlog-proof`). The "
    "witness "
    "saw the checkpoint, not the text.\n   `charter.json`, which the members signed, names the witnesses and their "
    "keys.\n"
    "2. As far as this folder shows, the parties below had cosigned nothing of that log beyond the size given. That "
    "they "
    "received nothing\n   does not follow: a machine that receives and does not answer looks the same. Nor does it "
    "show "
    "that nothing was cosigned later.\n\n"
    "`attempts.json` is the author's own word for what it tried.\n\n"
    "Check it with `parley verify --fingerprint PARTY=HEX ... .`; the proof alone with any tool that reads C2SP "
    "tlog-proof and\ntlog-policy:\nthe leaf is the bytes of `entry.json`. docs/protocol.md in parley's sources says "
    "what "
    "each file is.\n";

void silence_md(struct buf *out, const struct statement *s, const struct silence_list *silent) {
  char time[TIME_TEXT_SIZE];
  time_format(time, s->issued);
  buf_fmt(out, "# Evidence of non-delivery\n\n%s of %s, dated %s.\n", s->kind, s->from, time);
  buf_str(out, about);
  buf_str(out, "\n## Silent\n\n");
  for (size_t i = 0; i < silent->n; i++) {
    const struct silence_party *p = &silent->list[i];
    time_format(time, p->time);
    if (p->size)
      buf_fmt(out, "- %s: newest cosignature over the first %llu entries, at %s (`silent/%s`)\n", p->party,
              (unsigned long long)p->size, time, p->party);
    else
      buf_fmt(out, "- %s: no cosignature of this log at all\n", p->party);
  }
}

#include "cli/marking.h"

#include <string.h>

#include "cli/text.h"

const char *marking_words(const char *tlp) {
  static const struct {
    const char *tlp, *text;
  } words[] = {
      {"clear", N_("clear: may be made public")},
      {"green", N_("green: for the community, not the public")},
      {"amber", N_("amber: for those who need to know, in the organisation and its clients")},
      {"amber+strict", N_("amber+strict: for those who need to know, in the organisation only")},
      {"red", N_("red: for the people addressed only")},
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i].tlp, tlp) == 0) return _(words[i].text);
  return tlp;
}

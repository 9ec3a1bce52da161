#include "launcher.h"

#include <stdlib.h>
#include <string.h>

enum { kMostWords = 64 };

struct word {
  const char *start;
  size_t length;
};

static int isLower(char c) { return c >= 'a' && c <= 'z'; }
static int isUpper(char c) { return c >= 'A' && c <= 'Z'; }

/** How much of a word is a flag's name: --name or -n; never of its value. */
static size_t flagLength(const char *word) {
  if (word[0] != '-') return 0;
  if (word[1] != '-') return isLower(word[1]) || isUpper(word[1]) ? 2 : 0;
  if (!isLower(word[2])) return 0;
  size_t length = 3;
  while (isLower(word[length]) || word[length] == '-') length++;
  return length;
}

static int isName(const char *word) {
  if (*word == '\0') return 0;
  while (isLower(*word)) word++;
  return *word == '\0';
}

static int compare(const void *left, const void *right) {
  const struct word *a = left, *b = right;
  int order = memcmp(a->start, b->start, a->length < b->length ? a->length : b->length);
  return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

void describeKind(char *const words[], char kind[kMostKind]) {
  struct word found[kMostWords + 1];
  size_t count = 0, end = 0;
  int isNamed = 0;
  kind[0] = '\0';
  for (; *words != NULL; words++) {
    size_t length = flagLength(*words);
    if (length == 0 && !isNamed && isName(*words)) {
      length = strlen(*words);
      isNamed = 1;
    }
    if (length == 0) continue;
    if (count == kMostWords) return;
    found[count++] = (struct word){*words, length};
  }
  if (!isNamed) return;
  qsort(found, count, sizeof found[0], compare);
  for (size_t i = 0; i < count; i++) {
    if (i > 0 && compare(&found[i], &found[i - 1]) == 0) continue;
    if (end + found[i].length + 2 > kMostKind) {
      kind[0] = '\0';
      return;
    }
    if (end > 0) kind[end++] = ' ';
    memcpy(kind + end, found[i].start, found[i].length);
    end += found[i].length;
  }
  kind[end] = '\0';
}

#include "resolver.h"

#include <stdlib.h>
#include <string.h>

/* What the engine writes is well formed; anything else makes the parser give up. */
struct reader {
  char *at, *end;
  struct json *nodes;
  size_t used, capacity;
};

enum { DEEPEST = 32 };

static void skip_blanks(struct reader *reader) {
  while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) && *reader->at) reader->at++;
}

static int take(struct reader *reader, char wanted) {
  skip_blanks(reader);
  if (reader->at >= reader->end || *reader->at != wanted) return 0;
  reader->at++;
  return 1;
}

static struct json *new_node(struct reader *reader) {
  if (reader->used == reader->capacity) return NULL;
  return &reader->nodes[reader->used++];
}

static int hex4(struct reader *reader, unsigned *value) {
  *value = 0;
  for (int digit = 0; digit < 4; digit++, reader->at++) {
    if (reader->at >= reader->end) return 0;
    char c = *reader->at;
    int four = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (four < 0) return 0;
    *value = *value << 4 | (unsigned)four;
  }
  return 1;
}

static char *put_character(char *to, unsigned code) {
  if (code < 0x80) *to++ = (char)code;
  else if (code < 0x800) {
    *to++ = (char)(0xc0 | code >> 6);
    *to++ = (char)(0x80 | (code & 63));
  } else {
    *to++ = (char)(0xe0 | code >> 12);
    *to++ = (char)(0x80 | (code >> 6 & 63));
    *to++ = (char)(0x80 | (code & 63));
  }
  return to;
}

/* An escape is never shorter than what it means, so the text is written over itself. */
static const char *read_string(struct reader *reader) {
  if (!take(reader, '"')) return NULL;
  char *begin = reader->at, *to = begin;
  while (reader->at < reader->end && *reader->at != '"') {
    if (*reader->at != '\\') {
      *to++ = *reader->at++;
      continue;
    }
    if (++reader->at >= reader->end) return NULL;
    char escape = *reader->at++;
    const char *from = "bfnrt", *known = strchr(from, escape);
    unsigned code;
    if (escape == 'u') {
      if (!hex4(reader, &code)) return NULL;
      to = put_character(to, code);
    } else *to++ = known && escape ? "\b\f\n\r\t"[known - from] : escape;
  }
  if (reader->at >= reader->end) return NULL;
  reader->at++;
  *to = 0;
  return begin;
}

static int read_value(struct reader *reader, struct json *node, int depth);

static int read_members(struct reader *reader, struct json *node, int depth) {
  char closing = node->kind == JSON_OBJECT ? '}' : ']';
  struct json **last = &node->first;
  if (take(reader, closing)) return 1;
  do {
    struct json *member = new_node(reader);
    if (!member) return 0;
    const char *name = NULL;
    if (node->kind == JSON_OBJECT && (!(name = read_string(reader)) || !take(reader, ':'))) return 0;
    if (!read_value(reader, member, depth + 1)) return 0;
    member->name = name;
    *last = member;
    last = &member->next;
  } while (take(reader, ','));
  return take(reader, closing);
}

static int read_word(struct reader *reader, struct json *node) {
  char *begin = reader->at;
  while (reader->at < reader->end && !strchr(",]} \t\r\n", *reader->at)) reader->at++;
  if (begin == reader->at) return 0;
  node->text = begin;
  node->kind = *begin == 't' ? JSON_TRUE : *begin == 'f' || *begin == 'n' ? JSON_OTHER : JSON_NUMBER;
  return 1;
}

static int read_value(struct reader *reader, struct json *node, int depth) {
  *node = (struct json){0};
  if (depth > DEEPEST) return 0;
  skip_blanks(reader);
  if (reader->at >= reader->end) return 0;
  if (*reader->at == '"') {
    node->kind = JSON_STRING;
    return (node->text = read_string(reader)) != NULL;
  }
  if (*reader->at != '{' && *reader->at != '[') return read_word(reader, node);
  node->kind = *reader->at++ == '{' ? JSON_OBJECT : JSON_ARRAY;
  return read_members(reader, node, depth);
}

/* Each value but the first comes after one of these, or is the first of an object or array. */
static size_t count_values(const char *text, size_t size) {
  size_t count = 1;
  for (size_t at = 0; at < size; at++) count += text[at] == ',' || text[at] == '{' || text[at] == '[';
  return count;
}

int json_parse(struct json_document *document, char *text, size_t size) {
  size_t capacity = count_values(text, size);
  struct reader reader = {.at = text, .end = text + size, .capacity = capacity};
  *document = (struct json_document){.text = text};
  document->nodes = reader.nodes = malloc(capacity * sizeof *reader.nodes);
  if (reader.nodes && (document->root = new_node(&reader)) && read_value(&reader, document->root, 0)) return 1;
  json_free(document);
  return 0;
}

void json_free(struct json_document *document) {
  free(document->nodes);
  free(document->text);
  *document = (struct json_document){0};
}

const struct json *json_member(const struct json *object, const char *name) {
  if (!object || object->kind != JSON_OBJECT) return NULL;
  for (const struct json *one = object->first; one; one = one->next)
    if (!strcmp(one->name, name)) return one;
  return NULL;
}

const char *json_text(const struct json *object, const char *name) {
  const struct json *found = json_member(object, name);
  return found && found->kind == JSON_STRING ? found->text : "";
}

unsigned long long json_number(const struct json *object, const char *name) {
  const struct json *found = json_member(object, name);
  return found && found->kind == JSON_NUMBER ? strtoull(found->text, NULL, 10) : 0;
}

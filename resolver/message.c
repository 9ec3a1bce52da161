#include "resolver.h"

#include <arpa/inet.h>
#include <string.h>

/* RFC 1035, 4.1; EDNS: RFC 6891. */
enum { HEADER = 12, TYPE_OPT = 41, POINTER = 0xc0, PLAIN_UDP = 512, OUR_UDP = 1232 };
/* Short, so that a client which caches finds a container that was made anew; docker says 600. */
enum { SECONDS = 5 };
enum { RESPONSE = 0x80, AUTHORITATIVE = 4, TRUNCATED = 2, RECURSION_DESIRED = 1, RECURSION_AVAILABLE = 0x80 };

static uint16_t get16(const unsigned char *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static uint32_t get32(const unsigned char *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }
static unsigned char *put16(unsigned char *to, unsigned value) {
  *to++ = (unsigned char)(value >> 8);
  *to++ = (unsigned char)value;
  return to;
}

/* A name of a record ends with a zero or with a pointer; 0 when it is cut off. */
static size_t skip_name(const unsigned char *bytes, size_t size, size_t at) {
  while (at < size && bytes[at] != 0) {
    if ((bytes[at] & POINTER) == POINTER) return at + 2 <= size ? at + 2 : 0;
    if (bytes[at] & POINTER) return 0;
    at += 1u + bytes[at];
  }
  return at < size ? at + 1 : 0;
}

/* The name of a question has no pointer: there is nothing before it. */
static size_t read_name(struct query *query) {
  size_t at = HEADER, length = 0;
  while (at < query->size && query->bytes[at] != 0) {
    size_t label = query->bytes[at++];
    if (label & POINTER || at + label >= query->size || length + label + 1 > LARGEST_NAME) return 0;
    if (length > 0) query->name[length++] = '.';
    for (; label > 0; label--, at++) {
      unsigned char c = query->bytes[at];
      /* A dot within a label is no border, and a zero no end. */
      query->name[length++] = c == '.' || c == 0 ? 1 : c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : (char)c;
    }
  }
  query->name[length] = 0;
  return at < query->size ? at + 1 : 0;
}

struct record {
  uint16_t type, class;
  uint32_t seconds;
  const unsigned char *data;
  size_t size;
};

/* Where the next record begins; 0 when this one is cut off. */
static size_t read_record(const unsigned char *bytes, size_t size, size_t at, struct record *record) {
  at = skip_name(bytes, size, at);
  if (at == 0 || at + 10 > size) return 0;
  *record = (struct record){get16(bytes + at), get16(bytes + at + 2), get32(bytes + at + 4), bytes + at + 10,
                            get16(bytes + at + 8)};
  at += 10 + record->size;
  return at <= size ? at : 0;
}

static int read_edns(struct query *query) {
  unsigned others = get16(query->bytes + 6) + get16(query->bytes + 8), more = get16(query->bytes + 10);
  size_t at = query->question_end;
  for (unsigned count = 0; count < others + more; count++) {
    struct record record;
    if ((at = read_record(query->bytes, query->size, at, &record)) == 0) return 0;
    if (count < others || record.type != TYPE_OPT) continue;
    query->has_edns = 1;
    query->wants_dnssec = (record.seconds & 0x8000) != 0;
    if (record.class > PLAIN_UDP) query->udp_bytes = record.class;
  }
  return 1;
}

/* 0 for what is no question at all. */
int message_read(struct query *query, const unsigned char *bytes, size_t size) {
  *query = (struct query){.bytes = bytes, .size = size, .udp_bytes = PLAIN_UDP};
  if (size < HEADER || bytes[2] & RESPONSE || get16(bytes + 4) != 1) return 0;
  size_t at = read_name(query);
  if (at == 0 || at + 4 > size) return 0;
  query->type = get16(bytes + at);
  query->question_end = at + 4;
  return read_edns(query);
}

static unsigned char *begin_response(const struct query *query, int flags, int rcode, unsigned char *to) {
  memcpy(to, query->bytes, query->question_end);
  to[2] = (unsigned char)(RESPONSE | flags | (query->bytes[2] & ~(AUTHORITATIVE | TRUNCATED | RESPONSE)));
  to[3] = (unsigned char)(RECURSION_AVAILABLE | rcode);
  memset(to + 6, 0, 6);
  return to + query->question_end;
}

/* The name is the question's as it was written, because some clients compare letters (0x20). */
static unsigned char *begin_answer(const struct query *query, size_t data, unsigned char *to) {
  to = put16(to, POINTER << 8 | HEADER);
  to = put16(to, query->type);
  to = put16(to, 1);
  to = put16(put16(to, 0), SECONDS);
  return put16(to, (unsigned)data);
}

/* Who speaks EDNS is answered in it (RFC 6891, 6.1.1). */
static size_t end_response(const struct query *query, int answers, unsigned char *message, unsigned char *to) {
  put16(message + 6, (unsigned)answers);
  if (query->has_edns) {
    put16(message + 10, 1);
    *to++ = 0;
    to = put16(put16(to, TYPE_OPT), OUR_UDP);
    to = put16(put16(to, 0), query->wants_dnssec ? 0x8000 : 0);
    to = put16(to, 0);
  }
  return (size_t)(to - message);
}

size_t message_addresses(const struct query *query, const struct address *found, int count, int over_tcp,
                         unsigned char *to) {
  size_t data = query->type == TYPE_A ? 4 : 16, edns = query->has_edns ? 11 : 0;
  size_t size = query->question_end + (size_t)count * (12 + data) + edns;
  int is_cut = size > (over_tcp ? LARGEST_MESSAGE : query->udp_bytes);
  unsigned char *at = begin_response(query, AUTHORITATIVE | (is_cut ? TRUNCATED : 0), 0, to);
  if (is_cut) count = 0; /* the client asks again by TCP */
  for (int one = 0; one < count; one++) {
    at = begin_answer(query, data, at);
    memcpy(at, found[one].bytes, data);
    at += data;
  }
  return end_response(query, count, to, at);
}

/* 0 for a name that cannot be said in labels. */
size_t message_pointer(const struct query *query, const char *name, unsigned char *to) {
  unsigned char data[LARGEST_NAME + 1], *end = data;
  while (*name) {
    size_t label = strcspn(name, ".");
    if (label == 0 || label > 63 || (size_t)(end - data) + label + 2 > LARGEST_NAME) return 0;
    *end++ = (unsigned char)label;
    for (; label > 0; label--, name++) *end++ = (unsigned char)(*name >= 'A' && *name <= 'Z' ? *name + 'a' - 'A' : *name);
    if (*name == '.') name++;
  }
  *end++ = 0;
  unsigned char *at = begin_answer(query, (size_t)(end - data), begin_response(query, AUTHORITATIVE, 0, to));
  memcpy(at, data, (size_t)(end - data));
  return end_response(query, 1, to, at + (end - data));
}

size_t message_failure(const struct query *query, int rcode, unsigned char *to) {
  return end_response(query, 0, to, begin_response(query, 0, rcode, to));
}

/* Addresses of an answer that came from a server. 0 when it is cut off. */
int message_answers(const unsigned char *bytes, size_t size, void (*each)(const struct address *, uint32_t, void *),
                    void *context) {
  if (size < HEADER) return 0;
  size_t at = HEADER;
  for (unsigned count = get16(bytes + 4); count > 0; count--) {
    if ((at = skip_name(bytes, size, at)) == 0 || at + 4 > size) return 0;
    at += 4;
  }
  for (unsigned count = get16(bytes + 6); count > 0; count--) {
    struct record record;
    struct address address = {0};
    if ((at = read_record(bytes, size, at, &record)) == 0) return 0;
    if (record.type == TYPE_A && record.size == 4) address.family = AF_INET;
    if (record.type == TYPE_AAAA && record.size == 16) address.family = AF_INET6;
    if (!address.family) continue;
    memcpy(address.bytes, record.data, record.size);
    each(&address, record.seconds, context);
  }
  return 1;
}

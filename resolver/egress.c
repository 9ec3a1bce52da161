#include "resolver.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* An address stays open somewhat longer than its answer holds, for clients that connect late. */
enum { GRACE_SECONDS = 30, SHORTEST_SECONDS = 60, LONGEST_SECONDS = 3600 };
enum { LARGEST_LOG = 1024 * 1024 };

/* One `HOST[:PORT]` of a policy; only names matter here, subnets are in the firewall. -1: not this name; 0: every port. */
static int rule_port(const char *rule, const char *name) {
  char host[LARGEST_NAME + 1];
  unsigned char binary[16];
  size_t length = strcspn(rule, ":");
  const char *port = rule[length] ? rule + length + 1 : "0";
  if (*rule == '[' || strchr(port, ':') || strchr(rule, '/') || length > LARGEST_NAME) return -1;
  for (size_t at = 0; at < length; at++) host[at] = (char)tolower((unsigned char)rule[at]);
  if (length > 0 && host[length - 1] == '.') length--;
  host[length] = 0;
  if (length == 0 || inet_pton(AF_INET, host, binary) == 1) return -1;
  if (!strncmp(host, "*.", 2)) {
    size_t size = strlen(name);
    if (size < length - 1 || strcmp(name + size - (length - 1), host + 1)) return -1;
  } else if (strcmp(host, name)) return -1;
  return atoi(port);
}

typedef void each_port(int port, void *context);

static int find_rules(const struct json *policy, const char *name, each_port *each, void *context) {
  int count = 0;
  for (const struct json *one = policy ? policy->first : NULL; one; one = one->next) {
    int port = one->kind == JSON_STRING ? rule_port(one->text, name) : -1;
    if (port < 0) continue;
    count++;
    if (each) each(port, context);
  }
  return count;
}

/* Every policy that the container or one of its networks has. */
static int find_all_rules(const struct sandbox *asker, const char *name, each_port *each, void *context) {
  int count = find_rules(asker->egress, name, each, context);
  for (const struct endpoint *one = asker->first; one; one = one->next)
    count += find_rules(one->network->egress, name, each, context);
  return count;
}

int egress_is_limited(const struct sandbox *asker) {
  for (const struct endpoint *one = asker->first; one; one = one->next)
    if (one->network->egress) return 1;
  return asker->egress != NULL;
}

int egress_allows(const struct sandbox *asker, const char *name) { return find_all_rules(asker, name, NULL, NULL) > 0; }

/* A transaction of nf_tables, RFC 3549 and linux/netfilter/nf_tables.h. */
enum { NETFILTER = 12, BEGIN = 16, END = 17, NEW_ELEMENT = 10 << 8 | 12, DELETE_ELEMENT = 10 << 8 | 14 };
enum { REQUEST = 1, CREATE = 0x400, FAMILY_UNSPEC = 0, FAMILY_INET = 1, RESOURCE_NFTABLES = 10 };
enum { LIST_TABLE = 1, LIST_SET = 2, LIST_ELEMENTS = 3, LIST_ITEM = 1, ELEMENT_KEY = 1, ELEMENT_TIMEOUT = 4, DATA_VALUE = 1 };
enum { NESTED = 0x8000 };

struct batch {
  unsigned char bytes[4096];
  size_t size;
};

static void put(struct batch *batch, const void *data, size_t size) {
  memcpy(batch->bytes + batch->size, data, size);
  memset(batch->bytes + batch->size + size, 0, -size & 3);
  batch->size += (size + 3) & ~(size_t)3;
}

static void put_attribute(struct batch *batch, int type, const void *data, size_t size) {
  uint16_t head[2] = {(uint16_t)(4 + size), (uint16_t)type};
  put(batch, head, sizeof head);
  put(batch, data, size);
}

static size_t begin_nested(struct batch *batch, int type) {
  put_attribute(batch, NESTED | type, "", 0);
  return batch->size - 4;
}

static void end_nested(struct batch *batch, size_t begin) {
  uint16_t size = (uint16_t)(batch->size - begin);
  memcpy(batch->bytes + begin, &size, sizeof size);
}

struct head {
  uint32_t size;
  uint16_t type, flags;
  uint32_t sequence, port;
  unsigned char family, version;
  uint16_t resource;
};

static size_t begin_message(struct batch *batch, int type, int flags, int family, int resource) {
  struct head head = {.type = (uint16_t)type, .flags = (uint16_t)(REQUEST | flags), .family = (unsigned char)family,
                      .resource = htons((uint16_t)resource)};
  size_t begin = batch->size;
  put(batch, &head, sizeof head);
  return begin;
}

static void end_message(struct batch *batch, size_t begin) {
  uint32_t size = (uint32_t)(batch->size - begin);
  memcpy(batch->bytes + begin, &size, sizeof size);
}

struct element {
  const char *set;
  unsigned char key[40];
  size_t size;
  uint64_t milliseconds;
};

static void put_element(struct batch *batch, int type, const struct element *element) {
  size_t message = begin_message(batch, type, type == NEW_ELEMENT ? CREATE : 0, FAMILY_INET, 0);
  put_attribute(batch, LIST_TABLE, table_name, strlen(table_name) + 1);
  put_attribute(batch, LIST_SET, element->set, strlen(element->set) + 1);
  size_t list = begin_nested(batch, LIST_ELEMENTS), item = begin_nested(batch, LIST_ITEM);
  size_t key = begin_nested(batch, ELEMENT_KEY);
  put_attribute(batch, DATA_VALUE, element->key, element->size);
  end_nested(batch, key);
  if (type == NEW_ELEMENT) {
    uint64_t timeout = htobe64(element->milliseconds);
    put_attribute(batch, ELEMENT_TIMEOUT, &timeout, sizeof timeout);
  }
  end_nested(batch, item);
  end_nested(batch, list);
  end_message(batch, message);
}

/* One that is there keeps its old time unless it is taken out first; one that is not there cannot be taken out. */
static void add_element(const struct element *element) {
  /* Kept open: closing it waits until the kernel has destroyed what was taken out. */
  static int netlink = -1;
  struct batch batch = {.size = 0};
  unsigned char answer[8192];
  if (netlink < 0) netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETFILTER);
  end_message(&batch, begin_message(&batch, BEGIN, 0, FAMILY_UNSPEC, RESOURCE_NFTABLES));
  put_element(&batch, NEW_ELEMENT, element);
  put_element(&batch, DELETE_ELEMENT, element);
  put_element(&batch, NEW_ELEMENT, element);
  end_message(&batch, begin_message(&batch, END, 0, FAMILY_UNSPEC, RESOURCE_NFTABLES));
  /* The kernel has done it when send returns. Of a full set, or a table that has gone, nothing is to be told. */
  send(netlink, batch.bytes, batch.size, 0);
  while (recv(netlink, answer, sizeof answer, MSG_DONTWAIT) > 0) {
  }
}

struct opening {
  const struct sandbox *asker;
  const char *name;
  const struct address *to;
  uint64_t milliseconds;
};

static void add_key(struct element *element, const void *data, size_t size) {
  memcpy(element->key + element->size, data, size);
  element->size += (size + 3) & ~(size_t)3;
}

static void open_flow(const struct opening *opening, const struct address *from, int protocol, int port) {
  int is_6 = from->family == AF_INET6;
  size_t size = is_6 ? 16 : 4;
  struct element element = {.set = port ? is_6 ? "resolved6" : "resolved" : is_6 ? "resolved_any6" : "resolved_any",
                            .milliseconds = opening->milliseconds};
  add_key(&element, from->bytes, size);
  add_key(&element, opening->to->bytes, size);
  if (port) {
    uint16_t number = htons((uint16_t)port);
    unsigned char byte = (unsigned char)protocol;
    add_key(&element, &byte, sizeof byte);
    add_key(&element, &number, sizeof number);
  }
  add_element(&element);
}

static void open_port(int port, void *context) {
  const struct opening *opening = context;
  for (const struct endpoint *own = opening->asker->first; own; own = own->next) {
    const struct address *from = &own->addresses[opening->to->family == AF_INET6];
    if (!from->family) continue;
    open_flow(opening, from, IPPROTO_TCP, port);
    if (port) open_flow(opening, from, IPPROTO_UDP, port);
  }
}

static void open_address(const struct address *address, uint32_t seconds, void *context) {
  struct opening opening = *(struct opening *)context;
  uint64_t kept = (uint64_t)seconds + GRACE_SECONDS;
  kept = kept < SHORTEST_SECONDS ? SHORTEST_SECONDS : kept > LONGEST_SECONDS ? LONGEST_SECONDS : kept;
  opening.to = address;
  opening.milliseconds = kept * 1000;
  find_all_rules(opening.asker, opening.name, open_port, &opening);
}

/* Before the answer is sent. */
void egress_open(const struct sandbox *asker, const char *name, const unsigned char *answer, size_t size) {
  struct opening opening = {.asker = asker, .name = name};
  message_answers(answer, size, open_address, &opening);
}

static size_t quote(char *to, const char *text) {
  char *begin = to;
  *to++ = '"';
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c < ' ' || c >= 0x7f || c == '"' || c == '\\') to += sprintf(to, "\\u%04x", c);
    else *to++ = (char)c;
  }
  *to++ = '"';
  *to = 0;
  return (size_t)(to - begin);
}

/* A line of JSON each; of a full file one older generation is kept. */
void egress_refuse(const struct sandbox *asker, const char *name) {
  char path[4200], older[4210], line[6 * (2 * LARGEST_NAME + 2) + 100], time[40];
  char container[LARGEST_NAME + 1];
  struct stat stat;
  struct timespec now;
  struct tm parts;
  snprintf(path, sizeof path, "%s/network/refused-names.log", root_path);
  snprintf(older, sizeof older, "%s.1", path);
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return;
  if (fstat(fd, &stat) == 0 && stat.st_size > LARGEST_LOG) {
    close(fd);
    rename(path, older);
    if ((fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) < 0) return;
  }
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &parts);
  size_t length = strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &parts);
  snprintf(time + length, sizeof time - length, ".%03ldZ", now.tv_nsec / 1000000);
  snprintf(container, sizeof container, "%s", state_label(asker));
  length = (size_t)sprintf(line, "{\"time\":\"%s\",\"container\":", time);
  length += quote(line + length, container);
  length += (size_t)sprintf(line + length, ",\"name\":");
  length += quote(line + length, name);
  length += (size_t)sprintf(line + length, "}\n");
  /* A full disk loses the line: a question is not worth more. */
  (void)!write(fd, line, length);
  close(fd);
}

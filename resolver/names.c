#include "resolver.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int is_on(const struct sandbox *sandbox, const struct network *network) {
  for (const struct endpoint *one = sandbox->first; one; one = one->next)
    if (one->network == network) return 1;
  return 0;
}

static int add_address(struct address *found, int count, int most, const struct address *address) {
  if (!address->family || count >= most) return count;
  for (int at = 0; at < count; at++)
    if (!memcmp(found[at].bytes, address->bytes, sizeof address->bytes)) return count;
  found[count] = *address;
  return count + 1;
}

struct search {
  const struct sandbox *asker;
  int family, most, count, has_holder;
  struct address *found;
};

static void add_endpoint(struct search *search, const struct endpoint *endpoint) {
  search->has_holder = 1;
  search->count =
      add_address(search->found, search->count, search->most, &endpoint->addresses[search->family == AF_INET6]);
}

/* Holders of `name` on one of the asker's networks, or on any of them. */
static void add_holders(struct search *search, const char *name, const struct network *only) {
  uint32_t hash = hash_of(name);
  for (int at = 0; at < state.name_count; at++) {
    const struct name *one = &state.names[at];
    if (one->hash != hash || strcasecmp(one->text, name)) continue;
    const struct network *network = one->endpoint->network;
    if (only ? network == only : network->has_names && is_on(search->asker, network)) add_endpoint(search, one->endpoint);
  }
}

/* `NAME.NETWORK` */
static void add_qualified(struct search *search, const char *name) {
  size_t length = strlen(name);
  for (const struct endpoint *own = search->asker->first; own; own = own->next) {
    size_t tail = strlen(own->network->name);
    char front[LARGEST_NAME + 1];
    if (!own->network->has_names || length < tail + 2 || name[length - tail - 1] != '.' ||
        strcasecmp(name + length - tail, own->network->name))
      continue;
    memcpy(front, name, length - tail - 1);
    front[length - tail - 1] = 0;
    add_holders(search, front, own->network);
  }
}

/* By name, by id or by a beginning of the id. */
static const struct sandbox *linked_sandbox(const char *text, size_t length) {
  for (int at = 0; at < state.sandbox_count; at++) {
    const char *name = state.sandboxes[at].container_name;
    if (strlen(name) == length && !memcmp(name, text, length)) return &state.sandboxes[at];
  }
  for (int at = 0; at < state.sandbox_count; at++)
    if (length > 0 && !strncmp(state.sandboxes[at].container_id, text, length)) return &state.sandboxes[at];
  return NULL;
}

/* `CONTAINER:ALIAS` */
static void add_linked(struct search *search, const char *name) {
  for (const struct endpoint *own = search->asker->first; own; own = own->next)
    for (const struct json *link = own->links ? own->links->first : NULL; link; link = link->next) {
      const char *text = link->kind == JSON_STRING ? link->text + (*link->text == '/') : "";
      size_t length = strcspn(text, ":");
      const char *alias = text[length] ? text + length + 1 : text;
      alias += *alias == '/';
      const struct sandbox *target = strcasecmp(alias, name) ? NULL : linked_sandbox(text, length);
      for (const struct endpoint *one = target ? target->first : NULL; one; one = one->next)
        if (one->network == own->network) add_endpoint(search, one);
    }
}

int names_find(const struct sandbox *asker, const char *name, int family, struct address *found, int most) {
  struct search search = {.asker = asker, .family = family, .most = most, .found = found};
  add_holders(&search, name, NULL);
  if (strchr(name, '.')) add_qualified(&search, name);
  add_linked(&search, name);
  return search.has_holder ? search.count : -1;
}

static int reverse4(const char *name, struct address *address) {
  for (int at = 3; at >= 0; at--) {
    char *end;
    if (*name < '0' || *name > '9') return 0;
    unsigned long part = strtoul(name, &end, 10);
    if (part > 255 || *end != '.' || end - name > 3) return 0;
    address->bytes[at] = (unsigned char)part;
    name = end + 1;
  }
  address->family = AF_INET;
  return !strcmp(name, "in-addr.arpa");
}

static int reverse6(const char *name, struct address *address) {
  for (int at = 31; at >= 0; at--, name += 2) {
    const char *digits = "0123456789abcdef", *digit = *name ? strchr(digits, *name) : NULL;
    if (!digit || name[1] != '.') return 0;
    address->bytes[at / 2] |= (unsigned char)((digit - digits) << (at % 2 ? 0 : 4));
  }
  address->family = AF_INET6;
  return !strcmp(name, "ip6.arpa");
}

int names_reverse(const char *name, struct address *address) {
  *address = (struct address){0};
  if (reverse4(name, address)) return 1;
  *address = (struct address){0};
  return reverse6(name, address);
}

const struct endpoint *names_holder(const struct sandbox *asker, const struct address *address) {
  for (int at = 0; at < state.endpoint_count; at++) {
    const struct endpoint *one = &state.endpoints[at];
    const struct address *own = &one->addresses[address->family == AF_INET6];
    if (own->family && !memcmp(own->bytes, address->bytes, sizeof own->bytes) && one->network->has_names &&
        is_on(asker, one->network))
      return one;
  }
  return NULL;
}

int names_may_leave(const struct sandbox *asker) {
  for (const struct endpoint *one = asker->first; one; one = one->next)
    if (!one->network->is_internal) return 1;
  return 0;
}

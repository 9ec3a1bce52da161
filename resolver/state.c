#include "resolver.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

struct state state;

uint32_t hash_of(const char *text) {
  uint32_t hash = 2166136261u;
  for (; *text; text++) hash = (hash ^ (uint32_t)tolower((unsigned char)*text)) * 16777619u;
  return hash;
}

const char *state_label(const struct sandbox *sandbox) {
  return *sandbox->container_name ? sandbox->container_name : sandbox->short_id;
}

static const struct json *first_of(const struct json *array) { return array ? array->first : NULL; }

static size_t count_of(const struct json *array) {
  size_t count = 0;
  for (const struct json *one = first_of(array); one; one = one->next) count++;
  return count;
}

static struct address read_address(const struct json *from, const char *member, int family) {
  struct address address = {0};
  if (inet_pton(family, json_text(from, member), address.bytes) == 1) address.family = family;
  return address;
}

static void read_networks(struct state *next, const struct json *list) {
  for (const struct json *one = first_of(list); one; one = one->next) {
    const struct json *internal = json_member(one, "internal");
    const char *name = json_text(one, "name");
    next->networks[next->network_count++] = (struct network){
        .name = name,
        .has_names = strcmp(name, "bridge") != 0,
        .is_internal = internal && internal->kind == JSON_TRUE,
        .egress = json_member(one, "egress"),
    };
  }
}

static void read_sockets(struct sandbox *sandbox, const struct json *resolver) {
  static const char *const protocols[] = {"udp", "tcp"};
  sandbox->has_resolver = 1;
  sandbox->owner = (int)json_number(resolver, "pid");
  for (int at = 0; at < 2; at++) {
    const struct json *socket = json_member(resolver, protocols[at]);
    sandbox->fds[at] = (int)json_number(socket, "fd");
    sandbox->inodes[at] = (ino_t)json_number(socket, "inode");
  }
}

static void read_sandboxes(struct state *next, const struct json *list) {
  for (const struct json *one = first_of(list); one; one = one->next) {
    const struct json *resolver = json_member(one, "resolver");
    struct sandbox *sandbox = &next->sandboxes[next->sandbox_count++];
    *sandbox = (struct sandbox){
        .id = json_text(one, "id"),
        .container_id = json_text(one, "containerId"),
        .container_name = json_text(one, "containerName"),
        .hostname = json_text(one, "hostname"),
        .dns_servers = json_member(json_member(one, "dns"), "servers"),
        .egress = json_member(one, "egress"),
    };
    sandbox->id_hash = hash_of(sandbox->id);
    snprintf(sandbox->short_id, sizeof sandbox->short_id, "%s", sandbox->container_id);
    if (resolver) read_sockets(sandbox, resolver);
  }
}

static struct sandbox *find_sandbox(const struct state *in, const char *id) {
  uint32_t hash = hash_of(id);
  for (int at = 0; at < in->sandbox_count; at++)
    if (in->sandboxes[at].id_hash == hash && !strcmp(in->sandboxes[at].id, id)) return &in->sandboxes[at];
  return NULL;
}

static const struct network *find_network(const struct state *in, const char *name) {
  for (int at = 0; at < in->network_count; at++)
    if (!strcmp(in->networks[at].name, name)) return &in->networks[at];
  return NULL;
}

static void add_name(struct state *next, const struct endpoint *endpoint, const char *text) {
  if (!*text) return;
  for (int at = next->name_count; at > 0 && next->names[at - 1].endpoint == endpoint; at--)
    if (!strcasecmp(next->names[at - 1].text, text)) return;
  next->names[next->name_count++] = (struct name){.hash = hash_of(text), .text = text, .endpoint = endpoint};
}

static void add_names(struct state *next, const struct endpoint *endpoint, const struct json *aliases) {
  const struct sandbox *sandbox = endpoint->sandbox;
  add_name(next, endpoint, endpoint->own_name);
  for (const struct json *one = first_of(aliases); one; one = one->next)
    if (one->kind == JSON_STRING) add_name(next, endpoint, one->text);
  add_name(next, endpoint, sandbox->short_id);
  add_name(next, endpoint, sandbox->hostname);
}

static void read_endpoint(struct state *next, const struct json *from) {
  const struct network *network = find_network(next, json_text(from, "network"));
  struct sandbox *sandbox = find_sandbox(next, json_text(from, "sandbox"));
  if (!network || !sandbox) return;
  struct endpoint *endpoint = &next->endpoints[next->endpoint_count++], **last = &sandbox->first;
  *endpoint = (struct endpoint){
      .sandbox = sandbox,
      .network = network,
      .addresses = {read_address(from, "address", AF_INET), read_address(from, "address6", AF_INET6)},
      .links = json_member(from, "links"),
      .own_name = state_label(sandbox),
  };
  while (*last) last = &(*last)->next;
  *last = endpoint;
  add_names(next, endpoint, json_member(from, "aliases"));
}

static void free_state(struct state *old) {
  free(old->networks);
  free(old->sandboxes);
  free(old->endpoints);
  free(old->names);
  json_free(&old->document);
}

static int build(struct state *next) {
  const struct json *root = next->document.root;
  const struct json *networks = json_member(root, "networks"), *sandboxes = json_member(root, "sandboxes"),
                    *endpoints = json_member(root, "endpoints");
  size_t names = 3 * count_of(endpoints);
  for (const struct json *one = first_of(endpoints); one; one = one->next) names += count_of(json_member(one, "aliases"));
  next->networks = calloc(count_of(networks) + 1, sizeof *next->networks);
  next->sandboxes = calloc(count_of(sandboxes) + 1, sizeof *next->sandboxes);
  next->endpoints = calloc(count_of(endpoints) + 1, sizeof *next->endpoints);
  next->names = calloc(names + 1, sizeof *next->names);
  if (!next->networks || !next->sandboxes || !next->endpoints || !next->names) return 0;
  read_networks(next, networks);
  read_sandboxes(next, sandboxes);
  for (const struct json *one = first_of(endpoints); one; one = one->next) read_endpoint(next, one);
  return 1;
}

static char *read_file(const char *path, size_t *size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat stat;
  if (fd < 0) return NULL;
  char *text = fstat(fd, &stat) == 0 ? malloc((size_t)stat.st_size + 1) : NULL;
  ssize_t length = text ? read(fd, text, (size_t)stat.st_size) : -1;
  close(fd);
  if (length < 0) {
    free(text);
    return NULL;
  }
  text[*size = (size_t)length] = 0;
  return text;
}

/* A file is replaced, never changed, so one that is the same file says the same. */
int state_follow(void) {
  static struct stat known;
  char path[4200];
  struct stat now;
  snprintf(path, sizeof path, "%s/network/state.json", root_path);
  if (stat(path, &now) != 0) return 0;
  if (now.st_ino == known.st_ino && now.st_size == known.st_size && now.st_mtim.tv_sec == known.st_mtim.tv_sec &&
      now.st_mtim.tv_nsec == known.st_mtim.tv_nsec)
    return 0;
  size_t size;
  struct state next = {0};
  char *text = read_file(path, &size);
  if (!text || !json_parse(&next.document, text, size)) return 0;
  if (!build(&next)) {
    free_state(&next);
    return 0;
  }
  free_state(&state);
  state = next;
  known = now;
  return 1;
}

const struct sandbox *state_sandbox(const char *id) { return find_sandbox(&state, id); }

/* The resolver of one store: see README.md. One instance per process, so its state is plain globals of each file. */
#ifndef RESOLVER_H
#define RESOLVER_H
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* json.c: parses in place; strings end with NUL and point into the text */
enum json_kind { JSON_OTHER, JSON_TRUE, JSON_STRING, JSON_NUMBER, JSON_ARRAY, JSON_OBJECT };
struct json {
  enum json_kind kind;
  const char *name; /* of a member of an object */
  const char *text; /* of a string or a number */
  struct json *first, *next;
};
struct json_document {
  char *text;
  struct json *root, *nodes;
};
int json_parse(struct json_document *document, char *text, size_t size); /* takes the text over */
void json_free(struct json_document *document);
const struct json *json_member(const struct json *object, const char *name);
const char *json_text(const struct json *object, const char *name); /* "" when it has none */
unsigned long long json_number(const struct json *object, const char *name);

/* state.c */
struct address {
  int family; /* AF_INET, AF_INET6, or 0 for none */
  unsigned char bytes[16];
};
struct network {
  const char *name;
  int has_names, is_internal;
  const struct json *egress; /* NULL for none */
};
enum { SHORT_ID = 12 };
struct sandbox {
  const char *id, *container_id, *container_name, *hostname;
  char short_id[SHORT_ID + 1];
  uint32_t id_hash;
  int has_resolver, owner;
  int fds[2]; /* udp, tcp: as the owner has them */
  ino_t inodes[2];
  const struct json *dns_servers, *egress;
  struct endpoint *first; /* in the order in which it joined */
};
struct endpoint {
  const struct sandbox *sandbox;
  const struct network *network;
  struct address addresses[2]; /* IPv4, IPv6 */
  const struct json *links;
  const char *own_name;
  struct endpoint *next; /* of the same sandbox */
};
struct name {
  uint32_t hash; /* of the text in lower case */
  const char *text;
  const struct endpoint *endpoint;
};
struct state {
  struct json_document document;
  struct network *networks;
  struct sandbox *sandboxes;
  struct endpoint *endpoints;
  struct name *names;
  int network_count, sandbox_count, endpoint_count, name_count;
};
extern struct state state;
int state_follow(void); /* whether it changed; what was taken from the old one is gone then */
const struct sandbox *state_sandbox(const char *id);
const char *state_label(const struct sandbox *sandbox);
uint32_t hash_of(const char *text); /* the same for upper and lower case */

/* message.c */
enum { TYPE_A = 1, TYPE_PTR = 12, TYPE_AAAA = 28 };
enum { SERVER_FAILURE = 2, NAME_REFUSED = 5 };
enum { LARGEST_NAME = 255, LARGEST_QUESTION = 4096, LARGEST_MESSAGE = 65535 };
struct query {
  const unsigned char *bytes;
  size_t size, question_end;
  char name[LARGEST_NAME + 1]; /* lower case, no final dot; a byte that would be mistaken is 1 */
  uint16_t type;
  int has_edns, wants_dnssec;
  size_t udp_bytes;
};
int message_read(struct query *query, const unsigned char *bytes, size_t size);
size_t message_addresses(const struct query *query, const struct address *found, int count, int over_tcp,
                         unsigned char *to);
size_t message_pointer(const struct query *query, const char *name, unsigned char *to);
size_t message_failure(const struct query *query, int rcode, unsigned char *to);
int message_answers(const unsigned char *bytes, size_t size, void (*each)(const struct address *, uint32_t seconds, void *),
                    void *context);

/* names.c */
int names_find(const struct sandbox *asker, const char *name, int family, struct address *found, int most); /* -1: nobody */
int names_reverse(const char *name, struct address *address);
const struct endpoint *names_holder(const struct sandbox *asker, const struct address *address);
int names_may_leave(const struct sandbox *asker);

/* egress.c */
int egress_is_limited(const struct sandbox *asker);
int egress_allows(const struct sandbox *asker, const char *name);
void egress_open(const struct sandbox *asker, const char *name, const unsigned char *answer, size_t size);
void egress_refuse(const struct sandbox *asker, const char *name);

/* serve.c */
struct served;
struct connection;
struct asker { /* where an answer goes */
  struct served *served;
  struct connection *connection; /* NULL: by UDP */
  struct sockaddr_in from;
};
void serve_follow(void);
int serve_is_idle(void);
int64_t serve_deadline(void); /* INT64_MAX for none */
void serve_timers(void);
void serve_reply(struct asker *to, const unsigned char *bytes, size_t size);
const char *served_id(const struct served *served);
int *served_pending(struct served *served);

/* forward.c */
void forward(const struct sandbox *from, const struct query *query, struct asker *to);
void forward_forget(const struct served *served, const struct connection *connection); /* NULL: all of them */
int64_t forward_deadline(void);
void forward_timers(void);

/* main.c */
struct watched { /* what waits for events is the first member of its owner */
  void (*on_event)(struct watched *self, uint32_t events);
  int fd;
};
extern const char *root_path, *table_name;
int64_t now_ms(void);
int watch(struct watched *watched, uint32_t events);
void watch_for(struct watched *watched, uint32_t events);

#endif

#include "resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Docker's: how long one server may take. */
enum { SERVER_TIMEOUT_MS = 4000, MOST_SERVERS = 8, MOST_PENDING = 256 };

/* A question that was sent on. */
struct forwarding {
  struct watched watched;
  struct forwarding *previous, *next;
  struct asker asker;
  int64_t deadline;
  char servers[MOST_SERVERS][64];
  int server_count, asked;
  unsigned char *received; /* by TCP */
  size_t received_size;
  size_t size;
  unsigned char framed[]; /* two bytes of length, the question */
};

static struct forwarding *pending;

static void read_host_servers(struct forwarding *to) {
  char line[512];
  FILE *file = fopen("/etc/resolv.conf", "re");
  while (file && to->server_count < MOST_SERVERS && fgets(line, sizeof line, file)) {
    char server[64];
    if (sscanf(line, " nameserver %63s", server) == 1) strcpy(to->servers[to->server_count++], server);
  }
  if (file) fclose(file);
  if (to->server_count > 0) return;
  /* Docker's servers for a host that has none. */
  strcpy(to->servers[to->server_count++], "8.8.8.8");
  strcpy(to->servers[to->server_count++], "8.8.4.4");
}

/* Those chosen for the container, else the host's of this moment, whatever their address. */
static void find_servers(struct forwarding *to, const struct sandbox *from) {
  for (const struct json *one = from->dns_servers ? from->dns_servers->first : NULL; one; one = one->next)
    if (one->kind == JSON_STRING && to->server_count < MOST_SERVERS)
      snprintf(to->servers[to->server_count++], sizeof *to->servers, "%s", one->text);
  if (to->server_count == 0) read_host_servers(to);
}

static void stop_asking(struct forwarding *one) {
  if (one->watched.fd >= 0) close(one->watched.fd);
  one->watched.fd = -1;
  free(one->received);
  one->received = NULL;
  one->received_size = 0;
}

static void remove_pending(struct forwarding *one) {
  stop_asking(one);
  if (one->previous) one->previous->next = one->next;
  else pending = one->next;
  if (one->next) one->next->previous = one->previous;
  --*served_pending(one->asker.served);
  free(one);
}

static void fail(struct forwarding *one) {
  unsigned char answer[LARGEST_QUESTION + 16];
  struct query query;
  if (message_read(&query, one->framed + 2, one->size))
    serve_reply(&one->asker, answer, message_failure(&query, SERVER_FAILURE, answer));
  remove_pending(one);
}

static void pass_on(struct forwarding *one, const unsigned char *bytes, size_t size) {
  struct query query;
  state_follow();
  const struct sandbox *asker = state_sandbox(served_id(one->asker.served));
  if (asker && egress_is_limited(asker) && message_read(&query, one->framed + 2, one->size))
    egress_open(asker, query.name, bytes, size);
  serve_reply(&one->asker, bytes, size);
  remove_pending(one);
}

union place {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

/* An address, with `%LINK` behind it where only that leads there; its size, or 0 for what is none. */
static socklen_t read_server(const char *server, union place *to) {
  char host[64];
  size_t length = strcspn(server, "%");
  snprintf(host, sizeof host, "%.*s", (int)length, server);
  to->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(53)};
  if (server[length]) to->v6.sin6_scope_id = if_nametoindex(server + length + 1);
  if (inet_pton(AF_INET6, host, &to->v6.sin6_addr) == 1) return sizeof to->v6;
  to->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(53)};
  return inet_pton(AF_INET, host, &to->v4.sin_addr) == 1 ? sizeof to->v4 : 0;
}

static int open_to(struct forwarding *one, const char *server) {
  union place place;
  socklen_t size = read_server(server, &place);
  int type = one->asker.connection ? SOCK_STREAM : SOCK_DGRAM;
  int fd = size == 0 ? -1 : socket(place.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  /* A connected socket hears only the server, and at once when nobody listens there. */
  if (fd < 0 || connect(fd, &place.any, size) == 0 || errno == EINPROGRESS) return fd;
  close(fd);
  return -1;
}

static void ask_next(struct forwarding *one) {
  stop_asking(one);
  while (one->asked < one->server_count) {
    int fd = open_to(one, one->servers[one->asked++]);
    if (fd < 0) continue;
    one->watched.fd = fd;
    one->deadline = now_ms() + SERVER_TIMEOUT_MS;
    int is_sent = one->asker.connection || send(fd, one->framed + 2, one->size, MSG_NOSIGNAL) == (ssize_t)one->size;
    if (is_sent && watch(&one->watched, one->asker.connection ? EPOLLOUT : EPOLLIN) == 0) return;
    stop_asking(one);
  }
  fail(one);
}

static int is_answer(const struct forwarding *one, const unsigned char *bytes, size_t size) {
  return size >= 12 && !memcmp(bytes, one->framed + 2, 2);
}

static void hear_datagram(struct forwarding *one) {
  static unsigned char answer[LARGEST_MESSAGE];
  ssize_t size = recv(one->watched.fd, answer, sizeof answer, 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size < 0) ask_next(one);
  else if (is_answer(one, answer, (size_t)size)) pass_on(one, answer, (size_t)size);
}

static void hear_stream(struct forwarding *one) {
  if (!one->received && !(one->received = malloc(LARGEST_MESSAGE + 2))) return ask_next(one);
  ssize_t size = recv(one->watched.fd, one->received + one->received_size, LARGEST_MESSAGE + 2 - one->received_size, 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return ask_next(one);
  one->received_size += (size_t)size;
  if (one->received_size < 2) return;
  size_t whole = (size_t)(one->received[0] << 8 | one->received[1]);
  if (one->received_size < whole + 2) return;
  if (is_answer(one, one->received + 2, whole)) pass_on(one, one->received + 2, whole);
  else ask_next(one);
}

static void on_event(struct watched *self, uint32_t events) {
  struct forwarding *one = (struct forwarding *)self;
  if (!one->asker.connection) return hear_datagram(one);
  if (!(events & EPOLLOUT) || events & (EPOLLERR | EPOLLHUP)) return hear_stream(one);
  /* A question is shorter than what a new connection takes at once. */
  if (send(self->fd, one->framed, one->size + 2, MSG_NOSIGNAL) != (ssize_t)one->size + 2) return ask_next(one);
  watch_for(self, EPOLLIN);
}

static void refuse(const struct query *query, struct asker *to) {
  unsigned char answer[LARGEST_QUESTION + 16];
  serve_reply(to, answer, message_failure(query, SERVER_FAILURE, answer));
}

/* Asks the servers in turn, as the question came: one by UDP by UDP, one by TCP by TCP. */
void forward(const struct sandbox *from, const struct query *query, struct asker *to) {
  struct forwarding *one = NULL;
  if (*served_pending(to->served) < MOST_PENDING) one = calloc(1, sizeof *one + 2 + query->size);
  if (!one) return refuse(query, to);
  one->watched = (struct watched){.on_event = on_event, .fd = -1};
  one->asker = *to;
  one->size = query->size;
  one->framed[0] = (unsigned char)(query->size >> 8);
  one->framed[1] = (unsigned char)query->size;
  memcpy(one->framed + 2, query->bytes, query->size);
  find_servers(one, from);
  ++*served_pending(to->served);
  one->next = pending;
  if (pending) pending->previous = one;
  pending = one;
  ask_next(one);
}

/* Nobody waits for these any more. */
void forward_forget(const struct served *served, const struct connection *connection) {
  for (struct forwarding *one = pending, *next; one; one = next) {
    next = one->next;
    if (one->asker.served == served && (!connection || one->asker.connection == connection)) remove_pending(one);
  }
}

int64_t forward_deadline(void) {
  int64_t earliest = INT64_MAX;
  for (const struct forwarding *one = pending; one; one = one->next)
    if (one->deadline < earliest) earliest = one->deadline;
  return earliest;
}

void forward_timers(void) {
  int64_t now = now_ms();
  for (struct forwarding *one = pending, *next; one; one = next) {
    next = one->next;
    if (one->deadline <= now) ask_next(one);
  }
}

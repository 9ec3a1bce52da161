/* Connections: each may read the output, feed the input, and give orders. */
#include "monitor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER = 8, ORDER = 16, SLOW = 256 << 10, WANTS_OUT = 1, WANTS_ERR = 2, OWNS_INPUT = 4 };

static struct client {
  int fd, wants, is_first, is_closing;
  unsigned char header[HEADER], order[ORDER];
  size_t header_size, order_size, payload_left;
  char *pending;
  size_t pending_size, pending_start;
} clients[MAX_CLIENTS];
static int client_count;
static int listener = -1;

void clients_listen(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  unlink(path);
  listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 64) != 0) _exit(71);
}

void clients_stop_listening(void) {
  if (listener >= 0) close(listener);
  listener = -1;
  unlink("../sock");
}

void clients_add(int fd, int is_first) {
  if (client_count == MAX_CLIENTS) {
    close(fd);
    return;
  }
  set_nonblocking(fd);
  set_cloexec(fd);
  clients[client_count++] = (struct client){.fd = fd, .is_first = is_first};
}

static void drop(struct client *client) {
  /* Nobody starts a container whose maker died. */
  if (client->is_first && container_phase() == PHASE_WAITING) _exit(0);
  if ((client->wants & OWNS_INPUT) && options.input == INPUT_ONCE) input_end();
  if (client->fd >= 0) close(client->fd);
  free(client->pending);
  *client = (struct client){.fd = -1};
}

static void flush(struct client *client) {
  while (client->fd >= 0 && client->pending_start < client->pending_size) {
    ssize_t sent = send(client->fd, client->pending + client->pending_start,
                        client->pending_size - client->pending_start, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return;
    if (sent < 0) {
      client->is_closing = 1;
      break;
    }
    client->pending_start += (size_t)sent;
  }
  free(client->pending);
  client->pending = NULL;
  client->pending_size = client->pending_start = 0;
}

static void queue(struct client *client, const void *data, size_t size) {
  if (client->fd < 0 || client->is_closing) return;
  char *grown = realloc(client->pending, client->pending_size + size);
  if (grown == NULL) {
    client->is_closing = 1;
    return;
  }
  client->pending = grown;
  memcpy(grown + client->pending_size, data, size);
  client->pending_size += size;
}

/* As much as the socket takes at once, with no copy of it. */
static size_t send_now(struct client *client, unsigned char *header, const char *data, size_t size) {
  if (client->fd < 0 || client->is_closing) return 0;
  struct iovec parts[2] = {{.iov_base = header, .iov_len = HEADER}, {.iov_base = (char *)data, .iov_len = size}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  ssize_t sent = sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 ? 0 : (size_t)sent;
}

static void send_frame(struct client *client, enum to_client type, const char *data, size_t size) {
  unsigned char header[HEADER] = {(unsigned char)type};
  uint32_t length = htonl((uint32_t)size);
  memcpy(header + 4, &length, 4);
  size_t sent = client->pending_size > 0 ? 0 : send_now(client, header, data, size);
  if (sent == HEADER + size) return;
  if (sent < HEADER) queue(client, header + sent, HEADER - sent);
  size_t begun = sent > HEADER ? sent - HEADER : 0;
  queue(client, data + begun, size - begun);
  flush(client);
}

void clients_output(int stream, const char *data, size_t size) {
  int wanted = stream == STREAM_OUT ? WANTS_OUT : WANTS_ERR;
  for (int at = 0; at < client_count; at++)
    if (clients[at].wants & wanted)
      send_frame(&clients[at], stream == STREAM_OUT ? OUT_STDOUT : OUT_STDERR, data, size);
}

void clients_tell(enum to_client type, const char *data, size_t size) {
  for (int at = 0; at < client_count; at++) send_frame(&clients[at], type, data, size);
}

int clients_are_slow(void) {
  for (int at = 0; at < client_count; at++)
    if (clients[at].pending_size - clients[at].pending_start > SLOW) return 1;
  return 0;
}

int clients_have_pending(void) {
  for (int at = 0; at < client_count; at++)
    if (clients[at].fd >= 0 && !clients[at].is_closing && clients[at].pending_start < clients[at].pending_size)
      return 1;
  return 0;
}

void clients_drop_all(void) {
  for (int at = 0; at < client_count; at++)
    if (clients[at].fd >= 0) drop(&clients[at]);
  client_count = 0;
}

static unsigned u16(const unsigned char *bytes) { return (unsigned)bytes[0] << 8 | bytes[1]; }
static uint32_t u32(const unsigned char *bytes) { return (uint32_t)u16(bytes) << 16 | u16(bytes + 2); }

static void obey(struct client *client) {
  const unsigned char *order = client->order;
  switch (client->header[0]) {
  case IN_END:
    if (options.input == INPUT_ONCE) input_end();
    break;
  case IN_RESIZE: container_resize(u16(order), u16(order + 2)); break;
  case IN_SIGNAL: container_signal(order[0]); break;
  case IN_SUBSCRIBE: client->wants = order[0]; break;
  case IN_START:
    if (client->is_first && container_phase() == PHASE_WAITING) container_start();
    break;
  case IN_STOP: container_stop(order[0], (int)u32(order + 1)); break;
  case IN_POLICY:
    options.policy = (enum policy)order[0];
    options.most_restarts = u32(order + 1);
    break;
  case IN_QUIT: container_quit(); break;
  default: client->is_closing = 1;
  }
}

static size_t take_header(struct client *client, const char *data, size_t size) {
  size_t part = HEADER - client->header_size;
  if (part > size) part = size;
  memcpy(client->header + client->header_size, data, part);
  client->header_size += part;
  if (client->header_size == HEADER) {
    client->payload_left = u32(client->header + 4);
    client->order_size = 0;
    memset(client->order, 0, ORDER);
  }
  return part;
}

static size_t take_payload(struct client *client, const char *data, size_t size) {
  size_t part = client->payload_left < size ? client->payload_left : size;
  if (client->header[0] == IN_DATA) input_write(data, part);
  else {
    size_t kept = part < ORDER - client->order_size ? part : ORDER - client->order_size;
    memcpy(client->order + client->order_size, data, kept);
    client->order_size += kept;
  }
  client->payload_left -= part;
  return part;
}

static void receive(struct client *client) {
  static char bytes[64 << 10];
  ssize_t got = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    client->is_closing = 1;
    return;
  }
  const char *at = bytes;
  size_t left = (size_t)got;
  while (left > 0 && !client->is_closing) {
    size_t part = client->header_size < HEADER ? take_header(client, at, left) : take_payload(client, at, left);
    at += part;
    left -= part;
    if (client->header_size < HEADER || client->payload_left > 0) continue;
    client->header_size = 0;
    if (client->header[0] != IN_DATA) obey(client);
  }
}

int clients_poll(struct pollfd *fds) {
  int count = 0;
  fds[count++] = (struct pollfd){.fd = listener, .events = POLLIN};
  for (int at = 0; at < client_count; at++) {
    struct client *client = &clients[at];
    short events = (client->wants & OWNS_INPUT) && input_is_full() ? 0 : POLLIN;
    if (client->pending_start < client->pending_size) events |= POLLOUT;
    fds[count++] = (struct pollfd){.fd = client->fd, .events = events};
  }
  return count;
}

static void accept_client(void) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) clients_add(fd, 0);
}

void clients_events(const struct pollfd *fds, int count) {
  int known = count - 1;
  for (int at = 0; at < known; at++) {
    struct client *client = &clients[at];
    if (fds[at + 1].revents & POLLOUT) flush(client);
    if (fds[at + 1].revents & (POLLIN | POLLHUP | POLLERR)) receive(client);
  }
  if (fds[0].revents) accept_client();
  int kept = 0;
  for (int at = 0; at < client_count; at++) {
    if (clients[at].is_closing) drop(&clients[at]);
    if (clients[at].fd >= 0) clients[kept++] = clients[at];
  }
  client_count = kept;
}

#include "resolver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { IDLE_CONNECTION_MS = 10000, MOST_CONNECTIONS = 64, MOST_ADDRESSES = 4096 };

/* A client by TCP. It is read again when its answers have left. */
struct connection {
  struct watched watched;
  struct served *served;
  struct connection *next;
  int64_t deadline;
  int waiting, has_ended;
  unsigned char *out;
  size_t out_size;
  size_t in_size;
  unsigned char in[2 + LARGEST_QUESTION];
};

/* A container whose questions are answered. */
struct served {
  struct watched udp, tcp;
  struct served *next;
  struct connection *connections;
  int connection_count, pending, is_wanted;
  uint32_t id_hash;
  char id[64];
};

static struct served *all;

const char *served_id(const struct served *served) { return served->id; }
int *served_pending(struct served *served) { return &served->pending; }
int serve_is_idle(void) { return all == NULL; }

static void close_connection(struct connection *connection) {
  struct connection **link = &connection->served->connections;
  while (*link != connection) link = &(*link)->next;
  *link = connection->next;
  connection->served->connection_count--;
  forward_forget(connection->served, connection);
  close(connection->watched.fd);
  free(connection->out);
  free(connection);
}

static void reply_by_tcp(struct connection *connection, const unsigned char *bytes, size_t size) {
  unsigned char *out = realloc(connection->out, connection->out_size + 2 + size);
  if (!out) return;
  connection->out = out;
  out[connection->out_size++] = (unsigned char)(size >> 8);
  out[connection->out_size++] = (unsigned char)size;
  memcpy(out + connection->out_size, bytes, size);
  connection->out_size += size;
  watch_for(&connection->watched, EPOLLOUT);
}

void serve_reply(struct asker *to, const unsigned char *bytes, size_t size) {
  if (!to->connection) {
    sendto(to->served->udp.fd, bytes, size, MSG_DONTWAIT, (struct sockaddr *)&to->from, sizeof to->from);
    return;
  }
  to->connection->waiting--;
  reply_by_tcp(to->connection, bytes, size);
}

/* A name of the asker's networks, or an address of them asked backwards; 0 when it is neither. */
static size_t answer_here(const struct sandbox *asker, const struct query *query, int over_tcp, unsigned char *to) {
  static struct address found[MOST_ADDRESSES], turned[MOST_ADDRESSES];
  static unsigned turn;
  struct address address;
  if (query->type == TYPE_PTR && names_reverse(query->name, &address)) {
    const struct endpoint *holder = names_holder(asker, &address);
    char name[2 * LARGEST_NAME];
    if (holder) {
      snprintf(name, sizeof name, "%s.%s", holder->own_name, holder->network->name);
      return message_pointer(query, name, to);
    }
  }
  int family = query->type == TYPE_AAAA ? AF_INET6 : AF_INET;
  int count = names_find(asker, query->name, family, found, MOST_ADDRESSES);
  if (count < 0) return 0;
  if (query->type != TYPE_A && query->type != TYPE_AAAA) count = 0;
  /* Several addresses are given in turn. */
  turn++;
  for (int at = 0; at < count; at++) turned[at] = found[((unsigned)at + turn) % (unsigned)count];
  return message_addresses(query, turned, count, over_tcp, to);
}

static void answer(struct asker *to, const unsigned char *bytes, size_t size) {
  static unsigned char reply[LARGEST_MESSAGE];
  struct query query;
  /* The state of now: a name is known as soon as its container has joined, whenever the watcher wakes. */
  state_follow();
  const struct sandbox *asker = state_sandbox(to->served->id);
  if (to->connection) to->connection->waiting++;
  if (!asker || !message_read(&query, bytes, size)) {
    if (to->connection) to->connection->waiting--;
    return;
  }
  size_t length = answer_here(asker, &query, to->connection != NULL, reply);
  if (length == 0 && !names_may_leave(asker)) length = message_failure(&query, SERVER_FAILURE, reply);
  if (length == 0 && egress_is_limited(asker) && !egress_allows(asker, query.name)) {
    egress_refuse(asker, query.name);
    length = message_failure(&query, NAME_REFUSED, reply);
  }
  if (length > 0) serve_reply(to, reply, length);
  else forward(asker, &query, to);
}

static void on_datagram(struct watched *self, uint32_t events) {
  unsigned char question[LARGEST_QUESTION];
  struct asker to = {.served = (struct served *)self};
  socklen_t size = sizeof to.from;
  (void)events;
  ssize_t length = recvfrom(self->fd, question, sizeof question, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&to.from, &size);
  if (length > 0 && length <= (ssize_t)sizeof question) answer(&to, question, (size_t)length);
}

static void take_questions(struct connection *connection) {
  size_t at = 0;
  while (connection->in_size - at >= 2) {
    size_t size = (size_t)(connection->in[at] << 8 | connection->in[at + 1]);
    if (connection->in_size - at < 2 + size) break;
    struct asker to = {.served = connection->served, .connection = connection};
    answer(&to, connection->in + at + 2, size);
    at += 2 + size;
  }
  connection->in_size -= at;
  memmove(connection->in, connection->in + at, connection->in_size);
}

/* Nothing more to send, and nothing to come. */
static int is_done(const struct connection *connection) {
  return connection->has_ended && connection->waiting == 0 && connection->out_size == 0;
}

static int read_connection(struct connection *connection) {
  size_t room = sizeof connection->in - connection->in_size;
  ssize_t size = room > 0 ? recv(connection->watched.fd, connection->in + connection->in_size, room, MSG_DONTWAIT) : -1;
  if (size < 0) return room > 0 && (errno == EAGAIN || errno == EINTR);
  if (size == 0) {
    connection->has_ended = 1;
    watch_for(&connection->watched, 0);
  }
  connection->in_size += (size_t)size;
  take_questions(connection);
  return 1;
}

static int write_connection(struct connection *connection) {
  ssize_t size = send(connection->watched.fd, connection->out, connection->out_size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  connection->out_size -= (size_t)size;
  memmove(connection->out, connection->out + size, connection->out_size);
  if (connection->out_size == 0) watch_for(&connection->watched, connection->has_ended ? 0 : EPOLLIN);
  return 1;
}

static void on_connection(struct watched *self, uint32_t events) {
  struct connection *connection = (struct connection *)self;
  int is_well = !(events & (EPOLLERR | EPOLLHUP));
  connection->deadline = now_ms() + IDLE_CONNECTION_MS;
  if (is_well && events & EPOLLOUT) is_well = write_connection(connection);
  else if (is_well && events & EPOLLIN) is_well = read_connection(connection);
  if (!is_well || is_done(connection)) close_connection(connection);
}

static void on_client(struct watched *self, uint32_t events) {
  struct served *served = (struct served *)((char *)self - offsetof(struct served, tcp));
  int fd = accept4(self->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  (void)events;
  if (fd < 0) return;
  struct connection *connection = served->connection_count < MOST_CONNECTIONS ? calloc(1, sizeof *connection) : NULL;
  if (connection) {
    *connection = (struct connection){.watched = {.on_event = on_connection, .fd = fd}, .served = served,
                                      .deadline = now_ms() + IDLE_CONNECTION_MS};
    if (watch(&connection->watched, EPOLLIN) == 0) {
      connection->next = served->connections;
      served->connections = connection;
      served->connection_count++;
      return;
    }
  }
  free(connection);
  close(fd);
}

static int is_socket(int fd, ino_t inode) {
  struct stat stat;
  return fd >= 0 && fstat(fd, &stat) == 0 && stat.st_ino == inode;
}

static int take_from(int pid, int fd, ino_t inode) {
  int process = (int)syscall(SYS_pidfd_open, pid, 0);
  int taken = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, fd, 0);
  if (process >= 0) close(process);
  if (is_socket(taken, inode)) return taken;
  if (taken >= 0) close(taken);
  return -1;
}

static int take_within(const char *pid, ino_t inode) {
  char path[300], wanted[64], target[64];
  snprintf(path, sizeof path, "/proc/%s/fd", pid);
  size_t size = (size_t)snprintf(wanted, sizeof wanted, "socket:[%llu]", (unsigned long long)inode);
  DIR *folder = opendir(path);
  int taken = -1;
  for (struct dirent *entry; folder && taken < 0 && (entry = readdir(folder));) {
    ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof target);
    if (length == (ssize_t)size && !memcmp(target, wanted, size)) taken = take_from(atoi(pid), atoi(entry->d_name), inode);
  }
  if (folder) closedir(folder);
  return taken;
}

/* The socket that waits for us at its owner, or at whom the owner handed it to. */
static int take_socket(const struct sandbox *sandbox, int which) {
  ino_t inode = sandbox->inodes[which];
  int taken = take_from(sandbox->owner, sandbox->fds[which], inode);
  DIR *folder = taken < 0 ? opendir("/proc") : NULL;
  for (struct dirent *entry; folder && taken < 0 && (entry = readdir(folder));)
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') taken = take_within(entry->d_name, inode);
  if (folder) closedir(folder);
  return taken;
}

static void serve(const struct sandbox *sandbox) {
  struct served *served = calloc(1, sizeof *served);
  if (!served) return;
  served->udp = (struct watched){.on_event = on_datagram, .fd = take_socket(sandbox, 0)};
  served->tcp = (struct watched){.on_event = on_client, .fd = take_socket(sandbox, 1)};
  snprintf(served->id, sizeof served->id, "%s", sandbox->id);
  served->id_hash = sandbox->id_hash;
  if (served->udp.fd >= 0 && served->tcp.fd >= 0 && watch(&served->udp, EPOLLIN) == 0 &&
      watch(&served->tcp, EPOLLIN) == 0) {
    served->is_wanted = 1;
    served->next = all;
    all = served;
    return;
  }
  /* Its owner has died: the sweep removes it. */
  if (served->udp.fd >= 0) close(served->udp.fd);
  if (served->tcp.fd >= 0) close(served->tcp.fd);
  free(served);
}

static void stop_serving(struct served *served) {
  while (served->connections) close_connection(served->connections);
  forward_forget(served, NULL);
  close(served->udp.fd);
  close(served->tcp.fd);
  free(served);
}

static struct served *find_served(const struct sandbox *sandbox) {
  struct served *one = all;
  while (one && (one->id_hash != sandbox->id_hash || strcmp(one->id, sandbox->id))) one = one->next;
  return one;
}

/* Takes over the sockets of new containers and closes those of gone ones, whose namespaces they would keep. */
void serve_follow(void) {
  for (struct served *one = all; one; one = one->next) one->is_wanted = 0;
  for (int at = 0; at < state.sandbox_count; at++) {
    const struct sandbox *sandbox = &state.sandboxes[at];
    struct served *known = sandbox->has_resolver ? find_served(sandbox) : NULL;
    if (known) known->is_wanted = 1;
    else if (sandbox->has_resolver) serve(sandbox);
  }
  for (struct served **link = &all; *link;) {
    struct served *one = *link;
    if (one->is_wanted) {
      link = &one->next;
      continue;
    }
    *link = one->next;
    stop_serving(one);
  }
}

int64_t serve_deadline(void) {
  int64_t earliest = INT64_MAX;
  for (const struct served *one = all; one; one = one->next)
    for (const struct connection *client = one->connections; client; client = client->next)
      if (client->deadline < earliest) earliest = client->deadline;
  return earliest;
}

void serve_timers(void) {
  int64_t now = now_ms();
  for (struct served *one = all; one; one = one->next)
    for (struct connection *client = one->connections, *next; client; client = next) {
      next = client->next;
      if (client->deadline <= now) close_connection(client);
    }
}

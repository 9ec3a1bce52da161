/*
 * The listeners of published ports. The kernel translates what comes to them, so a connection that arrives is a stray; but by
 * IPv6 none is translated for a container that has IPv4 alone, nor for ::1, which is not routed. Those are carried to the
 * same port of 127.0.0.1, where the kernel knows it, each by a process of its own.
 */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_CARRIERS = 512, ROOM = 64 << 10, CONNECT_MS = 10000 };

static pid_t carriers[MAX_CARRIERS];
static int carrier_count;

/* The way by IPv4 of a listener by IPv6; 0 where this container has none on that port, and 127.0.0.1 is somebody else's. */
static int find_way(int listener, struct sockaddr_in *way) {
  struct sockaddr_in6 own;
  socklen_t size = sizeof own;
  if (getsockname(listener, (struct sockaddr *)&own, &size) != 0 || own.sin6_family != AF_INET6) return 0;
  for (int at = 0; at < options.listener_count; at++) {
    size = sizeof *way;
    if (getsockname(options.listeners[at], (struct sockaddr *)way, &size) != 0) continue;
    if (way->sin_family != AF_INET || way->sin_port != own.sin6_port) continue;
    if (way->sin_addr.s_addr != htonl(INADDR_ANY)) continue;
    way->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return 1;
  }
  return 0;
}

/* What comes from outside is only copied; still, who copies it may do nothing else. */
static void drop_capabilities(void) {
  struct { uint32_t version; int pid; } header = {.version = 0x20080522};
  struct { uint32_t effective, permitted, inheritable; } none[2] = {{0}, {0}};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (syscall(SYS_capset, &header, none) != 0) _exit(1);
}

static void keep_only(int fd) {
  if (fd != 3) dup2(fd, 3);
  if (syscall(SYS_close_range, 4, ~0U, 0) == 0) return;
  for (long last = sysconf(_SC_OPEN_MAX); last > 3; last--) close((int)last);
}

static int connect_to(const struct sockaddr_in *way) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int error = 0;
  socklen_t size = sizeof error;
  if (fd < 0) _exit(1);
  if (connect(fd, (const struct sockaddr *)way, sizeof *way) == 0) return fd;
  struct pollfd waiting = {.fd = fd, .events = POLLOUT};
  if (errno != EINPROGRESS || poll(&waiting, 1, CONNECT_MS) != 1) _exit(1);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) _exit(1);
  return fd;
}

static struct way {
  int from, to;
  size_t start, end;
  int has_ended, is_broken;
} ways[2];

static char bytes[2][ROOM];

/* What was cut off must not look complete: a reset is carried as one. */
static void reset_both(void) {
  const struct linger abort = {.l_onoff = 1};
  for (int at = 0; at < 2; at++) setsockopt(ways[at].from, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  _exit(1);
}

/* Each side hears when the other has ended, and may go on itself. */
static void end(struct way *way) {
  way->has_ended = 1;
  shutdown(way->to, SHUT_WR);
}

/* Nobody takes what goes this way; what came back before is still there to be read, and the reset after it. */
static void give_up(struct way *way) {
  way->has_ended = 1;
  ways[way == ways].is_broken = 1;
}

static void move(struct way *way) {
  char *room = bytes[way - ways];
  if (way->start == way->end) {
    ssize_t got = read(way->from, room, ROOM);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0 || (got == 0 && way->is_broken)) reset_both();
    if (got == 0) {
      end(way);
      return;
    }
    way->start = 0;
    way->end = (size_t)got;
  }
  ssize_t put = write(way->to, room + way->start, way->end - way->start);
  if (put >= 0) way->start += (size_t)put;
  else if (errno != EAGAIN && errno != EINTR) give_up(way);
}

static void carry(int client, int server) {
  const int on = 1;
  ways[0] = (struct way){.from = client, .to = server};
  ways[1] = (struct way){.from = server, .to = client};
  for (int at = 0; at < 2; at++) setsockopt(ways[at].from, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  while (!ways[0].has_ended || !ways[1].has_ended) {
    struct pollfd fds[2];
    for (int at = 0; at < 2; at++) {
      int is_full = ways[at].start < ways[at].end;
      fds[at] = (struct pollfd){.fd = is_full ? ways[at].to : ways[at].from, .events = is_full ? POLLOUT : POLLIN};
      if (ways[at].has_ended) fds[at].fd = -1;
    }
    if (poll(fds, 2, -1) < 0 && errno != EINTR) _exit(1);
    for (int at = 0; at < 2; at++)
      if (fds[at].fd >= 0 && fds[at].revents) move(&ways[at]);
  }
}

/* Until the container has answered the client is reset, not closed: it learns that nobody is there. */
static void start_carrier(int client, const struct sockaddr_in *way, pid_t monitor) {
  pid_t pid = fork();
  if (pid > 0) carriers[carrier_count++] = pid;
  if (pid != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != monitor) _exit(1);
  drop_capabilities();
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  keep_only(client);
  const struct linger abort = {.l_onoff = 1};
  const struct linger normal = {0};
  setsockopt(3, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  int server = connect_to(way);
  setsockopt(3, SOL_SOCKET, SO_LINGER, &normal, sizeof normal);
  carry(3, server);
  _exit(0);
}

int ports_poll(struct pollfd *fds) {
  int is_full = carrier_count == MAX_CARRIERS;
  for (int at = 0; at < options.listener_count; at++)
    fds[at] = (struct pollfd){.fd = is_full ? -1 : options.listeners[at], .events = POLLIN};
  return options.listener_count;
}

void ports_events(const struct pollfd *fds, int count) {
  for (int at = 0; at < count; at++) {
    struct sockaddr_in way;
    if (fds[at].fd < 0 || !fds[at].revents || carrier_count == MAX_CARRIERS) continue;
    int client = accept4(fds[at].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) continue;
    if (find_way(fds[at].fd, &way)) start_carrier(client, &way, getpid());
    close(client);
  }
}

void ports_reaped(pid_t pid) {
  for (int at = 0; at < carrier_count; at++)
    if (carriers[at] == pid) carriers[at--] = carriers[--carrier_count];
}

/* They are waited for: until they are gone they hold the container's root, as whoever this process made does. */
void ports_end(void) {
  for (int at = 0; at < carrier_count; at++) kill(carriers[at], SIGKILL);
  for (int at = 0; at < carrier_count; at++)
    while (waitpid(carriers[at], NULL, 0) < 0 && errno == EINTR) continue;
  carrier_count = 0;
}

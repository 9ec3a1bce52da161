#include "resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Who starts this program hands it the lock that says there is one. */
enum { LOCK = 3 };
/* How often it looks for containers whose owner died. */
enum { SWEEP_EVERY_MS = 5000 };

const char *root_path, *table_name;
static char **sweep_command;
static pid_t sweeper;
static int poller;

int64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int watch(struct watched *watched, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = watched};
  return epoll_ctl(poller, EPOLL_CTL_ADD, watched->fd, &event);
}

void watch_for(struct watched *watched, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = watched};
  epoll_ctl(poller, EPOLL_CTL_MOD, watched->fd, &event);
}

static void on_change(struct watched *self, uint32_t events) {
  char changes[4096];
  (void)events;
  while (read(self->fd, changes, sizeof changes) > 0) {
  }
  state_follow();
  serve_follow();
}

static int watch_store(void) {
  static struct watched store = {.on_event = on_change};
  char path[4200];
  snprintf(path, sizeof path, "%s/network", root_path);
  store.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (store.fd < 0 || inotify_add_watch(store.fd, path, IN_MOVED_TO) < 0) return -1;
  return watch(&store, EPOLLIN);
}

/* An owner holds a lock as long as it lives. */
static int is_dead(const struct sandbox *sandbox) {
  char path[4200];
  snprintf(path, sizeof path, "%s/network/live/%s", root_path, sandbox->id);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  int is_free = fd >= 0 ? flock(fd, LOCK_SH | LOCK_NB) == 0 : errno == ENOENT;
  if (fd >= 0) close(fd);
  return is_free;
}

static void sweep(void) {
  if (sweeper > 0 && waitpid(sweeper, NULL, WNOHANG) == 0) return;
  sweeper = 0;
  state_follow();
  int at = 0;
  while (at < state.sandbox_count && !is_dead(&state.sandboxes[at])) at++;
  if (at == state.sandbox_count || !*sweep_command) return;
  sweeper = fork();
  if (sweeper != 0) return;
  close(LOCK);
  execv(sweep_command[0], sweep_command);
  _exit(127);
}

/* The decision to end is made under the lock of the state, so that no container is left without. */
static int may_end(void) {
  char path[4200];
  snprintf(path, sizeof path, "%s/network/lock", root_path);
  int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  while (lock >= 0 && flock(lock, LOCK_EX) != 0 && errno == EINTR) {
  }
  state_follow();
  serve_follow();
  int is_needed = 0;
  for (int at = 0; at < state.sandbox_count; at++) is_needed |= state.sandboxes[at].has_resolver;
  if (!is_needed) close(LOCK);
  if (lock >= 0) close(lock);
  return !is_needed;
}

static int until(int64_t deadline) {
  int64_t left = deadline - now_ms();
  return left < 0 ? 0 : (int)(left > SWEEP_EVERY_MS ? SWEEP_EVERY_MS : left);
}

static void loop(void) {
  int64_t next_sweep = now_ms() + SWEEP_EVERY_MS;
  while (!serve_is_idle() || !may_end()) {
    int64_t deadline = next_sweep, forwarded = forward_deadline(), served = serve_deadline();
    if (forwarded < deadline) deadline = forwarded;
    if (served < deadline) deadline = served;
    /* One at a time: what it leads to may end others. */
    struct epoll_event event;
    if (epoll_wait(poller, &event, 1, until(deadline)) == 1) {
      struct watched *watched = event.data.ptr;
      watched->on_event(watched, event.events);
    }
    forward_timers();
    serve_timers();
    if (now_ms() < next_sweep) continue;
    next_sweep = now_ms() + SWEEP_EVERY_MS;
    sweep();
    serve_follow();
  }
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fputs("usage: lighter-resolver ROOT TABLE [SWEEP-COMMAND...] 3<ROOT/network/resolver.lock\n", stderr);
    return 64;
  }
  root_path = argv[1];
  table_name = argv[2];
  sweep_command = argv + 3;
  for (int fd = LOCK + 1; fd < 1024; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (fcntl(LOCK, F_SETFD, FD_CLOEXEC) != 0) return 66;
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  poller = epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0 || watch_store() != 0) return 71;
  state_follow();
  serve_follow();
  loop();
  return 0;
}

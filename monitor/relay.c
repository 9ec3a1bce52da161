/*
 * exec without a terminal: a program in a container gets pipes of its own, never the caller's descriptors, which it could open
 * again by /proc/self/fd. Ends with the program's status when all that it wrote is delivered.
 */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the program's own children may still write when it has ended: docker waits as long. */
enum { ROOM = 64 << 10, PIPE_BYTES = 256 << 10, LAST_MS = 2000 };
enum { IN, OUT, ERR, FLOWS };

static struct flow {
  int from, to;
  size_t start, end;
  long owed; /* bytes that stood in the pipe when the program ended */
  int error;
} flows[FLOWS] = {[IN] = {.from = -1, .to = -1}, [OUT] = {.from = -1, .to = 1}, [ERR] = {.from = -1, .to = 2}};

static char bytes[FLOWS][ROOM];
static volatile sig_atomic_t program;
static int was_killed;

static void pass_on(int number) {
  int before = errno;
  if (program > 0) kill(program, number);
  errno = before;
}

static void pass_signals_on(void) {
  struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
  const int passed[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
  for (size_t at = 0; at < sizeof passed / sizeof *passed; at++) sigaction(passed[at], &action, NULL);
}

static int is_full(const struct flow *flow) { return flow->start < flow->end; }

static void stop(struct flow *flow) {
  if (flow->from >= 0) close(flow->from);
  if (flow == &flows[IN] && flow->to >= 0) close(flow->to);
  flow->from = -1;
  flow->start = flow->end = 0;
}

static void move(struct flow *flow) {
  char *room = bytes[flow - flows];
  if (!is_full(flow)) {
    ssize_t got = read(flow->from, room, ROOM);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      stop(flow);
      return;
    }
    flow->owed -= got;
    flow->start = 0;
    flow->end = (size_t)got;
  }
  ssize_t put = write(flow->to, room + flow->start, flow->end - flow->start);
  if (put >= 0) flow->start += (size_t)put;
  else if (errno != EAGAIN && errno != EINTR) {
    if (errno != EPIPE) flow->error = errno;
    stop(flow); /* whoever writes gets SIGPIPE, as without us between */
  }
}

static int is_open(int64_t last_at) {
  for (int at = OUT; at < FLOWS; at++)
    if (flows[at].from >= 0 && (is_full(&flows[at]) || flows[at].owed > 0 || now_ms() < last_at)) return 1;
  return 0;
}

static int reap(void) {
  int status = 0;
  pid_t pid = program;
  program = 0; /* from here its number may be another's */
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  for (int at = OUT; at < FLOWS; at++) {
    int left = 0;
    if (flows[at].from >= 0) ioctl(flows[at].from, FIONREAD, &left);
    flows[at].owed = left;
  }
  stop(&flows[IN]);
  was_killed = WIFSIGNALED(status);
  return was_killed ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int follow(int ended) {
  int status = -1;
  int64_t last_at = 0;
  while (status < 0 || is_open(last_at)) {
    struct pollfd fds[FLOWS + 1] = {[FLOWS] = {.fd = status < 0 ? ended : -1, .events = POLLIN}};
    for (int at = 0; at < FLOWS; at++) {
      struct flow *flow = &flows[at];
      int waits = flow->from >= 0 && is_full(flow);
      fds[at] = (struct pollfd){.fd = waits ? flow->to : flow->from, .events = waits ? POLLOUT : POLLIN};
    }
    int64_t left = last_at - now_ms();
    if (poll(fds, FLOWS + 1, status < 0 ? -1 : left < 0 ? 0 : (int)left) < 0) continue;
    for (int at = 0; at < FLOWS; at++)
      if (fds[at].revents && flows[at].from >= 0) move(&flows[at]);
    if (!fds[FLOWS].revents) continue;
    status = reap();
    last_at = now_ms() + LAST_MS;
  }
  return status;
}

static void open_flow(struct flow *flow, int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) != 0 || fchown(ends[0], options.owner, options.owner) != 0) {
    dprintf(2, "lighter: cannot make a pipe: %s\n", strerror(errno));
    exit(125);
  }
  fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* fewer turns for much output; a refusal does no harm */
  if (flow == &flows[IN]) {
    flow->from = 0;
    flow->to = ends[1];
  } else flow->from = ends[0];
  set_nonblocking(flow == &flows[IN] ? flow->to : flow->from);
}

static void die_of(int number) {
  signal(number, SIG_DFL);
  raise(number);
}

/* The runtime puts the number of the program, which becomes our child, into the file; without one it is the program itself. */
static pid_t start(char **argv, const char *pid_file, int has_input) {
  int in[2] = {-1, -1}, out[2], err[2], status = 0;
  if (has_input) open_flow(&flows[IN], in);
  open_flow(&flows[OUT], out);
  open_flow(&flows[ERR], err);
  pid_t runtime = start_process(argv, in[0], out[1], err[1]);
  if (in[0] >= 0) close(in[0]);
  close(out[1]);
  close(err[1]);
  if (!strcmp(pid_file, "-")) return runtime;
  while (waitpid(runtime, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFSIGNALED(status)) die_of(WTERMSIG(status));
  char text[32] = {0};
  int fd = status == 0 ? open(pid_file, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0 || read(fd, text, sizeof text - 1) <= 0) return 0;
  close(fd);
  return (pid_t)atoi(text);
}

/*
 * INPUT (0 or 1) OWNER PID_FILE RUNTIME ARG...: without the file at the end, the program did not start, and the runtime's log says
 * why. With PID_FILE - the runtime stays, and its end is ours.
 */
int run_relay(char **argv) {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* a container with the host's processes may not open what we have open */
  signal(SIGPIPE, SIG_IGN);
  options.owner = (uid_t)strtoul(argv[1], NULL, 10);
  const char *pid_file = argv[2];
  pid_t pid = start(argv + 3, pid_file, atoi(argv[0]));
  int ended = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
  if (ended < 0) {
    unlink(pid_file);
    return 125;
  }
  program = pid;
  pass_signals_on();
  int status = follow(ended);
  if (status > 128 && !strcmp(pid_file, "-") && was_killed) die_of(status - 128);
  for (int at = OUT; at < FLOWS; at++)
    if (flows[at].error != 0) {
      dprintf(2, "lighter: cannot write what the program says: %s\n", strerror(flows[at].error));
      return status == 0 ? 1 : status;
    }
  return status;
}

#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int listeners[MAX_LISTENERS];
struct options options = {
  .listeners = listeners,
  .namespace_fd = -1,
  .log_max_files = 1,
  .stop_signal = SIGTERM,
  .health_retries = 3,
};

enum { FIRST_CLIENT = 3, IDLE_MS = 500 };

int64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void set_cloexec(int fd) { fcntl(fd, F_SETFD, FD_CLOEXEC); }
int set_nonblocking(int fd) { return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

/* A child with exactly these three streams; every other descriptor of the monitor closes at exec. */
pid_t start_process(char *const argv[], int in, int out, int err) {
  pid_t monitor = getpid(), pid = fork();
  if (pid != 0) return pid;
  /* A runtime that outlived its monitor would make a container that nobody answers for. */
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != monitor) _exit(127);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(in < 0 ? null : in, 0);
  dup2(out < 0 ? null : out, 1);
  dup2(err < 0 ? null : err, 2);
  exec_runtime(argv);
  _exit(127);
}

static void usage(const char *word) {
  dprintf(2, "lighter-monitor: cannot use \"%s\": it is no option of this version\n", word);
  exit(64);
}

static void read_health(const char *name, const char *value) {
  if (!strcmp(name, "kind")) options.health_kind = value;
  else if (!strcmp(name, "target")) options.health_target = value;
  else if (!strcmp(name, "interval")) options.health_interval_ms = atoi(value);
  else if (!strcmp(name, "timeout")) options.health_timeout_ms = atoi(value);
  else if (!strcmp(name, "start-period")) options.health_start_ms = atoi(value);
  else if (!strcmp(name, "start-interval")) options.health_start_interval_ms = atoi(value);
  else if (!strcmp(name, "retries")) options.health_retries = atoi(value);
  else usage(name);
}

static void read_option(const char *name, const char *value) {
  if (!strcmp(name, "--runtime")) options.runtime = value;
  else if (!strcmp(name, "--runtime-root")) options.runtime_root = value;
  else if (!strcmp(name, "--cgroup")) options.cgroup = value;
  else if (!strcmp(name, "--id")) options.id = value;
  else if (!strcmp(name, "--state")) options.state_path = value;
  else if (!strcmp(name, "--log")) options.log_path = value;
  else if (!strcmp(name, "--log-max-bytes")) options.log_max_bytes = atoll(value);
  else if (!strcmp(name, "--log-max-files")) options.log_max_files = atoi(value);
  else if (!strcmp(name, "--events")) options.events_path = value;
  else if (!strcmp(name, "--oom-file")) options.oom_path = value;
  else if (!strcmp(name, "--terminal")) options.terminal = atoi(value);
  else if (!strcmp(name, "--input")) options.input = (enum input)atoi(value);
  else if (!strcmp(name, "--restart")) options.policy = (enum policy)atoi(value);
  else if (!strcmp(name, "--most-restarts")) options.most_restarts = (unsigned)atoi(value);
  else if (!strcmp(name, "--restarts")) options.first_restarts = (unsigned)atoi(value);
  else if (!strcmp(name, "--stop-signal")) options.stop_signal = atoi(value);
  else if (!strcmp(name, "--health-words")) options.health_words = value;
  else if (!strcmp(name, "--exec-process")) options.exec_process = value;
  else if (!strcmp(name, "--owner")) options.owner = (uid_t)strtoul(value, NULL, 10);
  else if (!strcmp(name, "--namespace")) options.namespace_fd = atoi(value);
  else if (!strcmp(name, "--listener") && options.listener_count < MAX_LISTENERS)
    options.listeners[options.listener_count++] = atoi(value);
  else if (!strncmp(name, "--health-", 9)) read_health(name + 9, value);
  else usage(name);
}

static void read_options(int argc, char **argv) {
  for (int at = 1; at < argc; at += 2) {
    if (!strcmp(argv[at], "--")) {
      if (at + 1 < argc) options.on_exit = argv + at + 1;
      break;
    }
    if (at + 1 == argc) usage(argv[at]);
    read_option(argv[at], argv[at + 1]);
  }
  if (!options.runtime || !options.runtime_root || !options.id || !options.state_path) usage("too few options");
}

static int open_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTTOU, SIGTTIN, SIGTSTP, SIGUSR1, SIGUSR2};
  for (size_t at = 0; at < sizeof ignored / sizeof *ignored; at++) signal(ignored[at], SIG_IGN);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void read_signals(int fd) {
  struct signalfd_siginfo info;
  while (read(fd, &info, sizeof info) == sizeof info)
    if (info.ssi_signo == SIGTERM) container_stop(options.stop_signal, 10000); /* the host is going down */
  for (;;) {
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0) break;
    health_reaped(pid, status);
    ports_reaped(pid);
    container_reaped(pid, status);
  }
}

static int earliest(int64_t a, int64_t b) {
  int64_t at = a < 0 ? b : b < 0 ? a : a < b ? a : b;
  if (at < 0) return -1;
  int64_t left = at - now_ms();
  return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

static void loop(int signals) {
  static struct pollfd fds[8 + MAX_CLIENTS + 1 + MAX_LISTENERS];
  while (container_phase() != PHASE_DONE || (clients_have_pending() && !container_is_quitting())) {
    int count = 0;
    fds[count++] = (struct pollfd){.fd = signals, .events = POLLIN};
    int ports = count;
    count += ports_poll(fds + count);
    int input = count, health, output, clients;
    count += input_poll(fds + count);
    health = count;
    count += health_poll(fds + count);
    output = count;
    count += container_poll(fds + count);
    clients = count;
    count += clients_poll(fds + count);
    int timeout = earliest(container_deadline(), health_deadline());
    int is_quiet = !log_is_idle() && (timeout < 0 || timeout > IDLE_MS);
    if (poll(fds, (nfds_t)count, is_quiet ? IDLE_MS : timeout) == 0 && is_quiet) log_idle();
    if (input < health && fds[input].revents) input_event();
    if (health < output && fds[health].revents) health_event();
    container_events(fds + output, clients - output);
    clients_events(fds + clients, count - clients);
    ports_events(fds + ports, input - ports);
    if (fds[0].revents) read_signals(signals);
    container_timers();
    health_timers();
    log_flush();
  }
}

static int is_init(const char *path) {
  const char *slash = strrchr(path, '/');
  return !strcmp(slash == NULL ? path : slash + 1, "docker-init");
}

int main(int argc, char **argv) {
  if (argc > 0 && is_init(argv[0])) return run_init(argv + 1);
  if (argc > 5 && !strcmp(argv[1], "--relay")) return run_relay(argv + 2);
  if (argc > 3 && !strcmp(argv[1], "--userns")) return run_userns(argv + 2);
  read_options(argc, argv);
  for (int fd = 3; fd < 1024 + options.listener_count; fd++) set_cloexec(fd);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* CVE-2019-5736: nobody in the container opens /proc/<monitor>/exe */
  for (int at = 0; at < options.listener_count; at++) set_nonblocking(options.listeners[at]);
  /* The root is mounted for us alone: with the monitor it goes, even by SIGKILL. */
  if (unshare(CLONE_NEWNS) != 0) return 71;
  int signals = open_signals();
  state.restarts = options.first_restarts;
  clients_listen("../sock");
  clients_add(FIRST_CLIENT, 1);
  clients_tell(OUT_READY, "", 0);
  loop(signals);
  ports_end();
  log_flush();
  if (options.on_exit != NULL && !container_is_quitting()) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    execv(options.on_exit[0], options.on_exit);
  }
  return 0;
}

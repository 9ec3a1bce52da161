/* Health checks: a program in the container, or a probe of a port from inside its network. */
#include "monitor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT = 4096, KEPT = 5 };

static struct result {
  char start[40], end[40];
  int exit_code;
  char *output;
} results[KEPT];
static int result_count, streak, is_on;
static const char *verdict = "starting";
static pid_t probe_pid;
static int probe_fd = -1;
static int64_t begun_at, next_at = -1, late_at = -1;
static char output[OUTPUT];
static size_t output_size;
static char probe_start[40], probe_id[65];

static int is_starting(void) { return now_ms() - begun_at < options.health_start_ms; }

void health_begin(void) {
  if (options.health_kind == NULL) return;
  is_on = 1;
  verdict = "starting";
  streak = 0;
  begun_at = now_ms();
  int first = options.health_start_ms > 0 ? options.health_start_interval_ms : options.health_interval_ms;
  next_at = begun_at + first;
}

static void kill_probe(void) {
  char text[32] = {0};
  int fd = open("health.pid", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    if (read(fd, text, sizeof text - 1) > 0 && atoi(text) > 0) kill(atoi(text), SIGKILL);
    close(fd);
    unlink("health.pid");
  }
  if (probe_pid > 0) kill(probe_pid, SIGKILL);
}

void health_end(void) {
  if (!is_on) return;
  kill_probe();
  next_at = late_at = -1;
  is_on = 0;
}

int64_t health_deadline(void) {
  if (late_at < 0) return next_at;
  return next_at < 0 || late_at < next_at ? late_at : next_at;
}

/* In a child: connects to the port inside the container's network. 0 is healthy. */
static int probe(void) {
  int port = 0;
  char path[512] = "/";
  sscanf(options.health_target, "%d %511s", &port, path);
  if (options.namespace_fd >= 0 && setns(options.namespace_fd, CLONE_NEWNET) != 0) return 2;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    dprintf(1, "cannot connect to port %d: %s\n", port, strerror(errno));
    return 1;
  }
  if (strcmp(options.health_kind, "http") != 0) return 0;
  dprintf(fd, "GET %s HTTP/1.1\r\nHost: localhost:%d\r\nUser-Agent: lighter\r\nConnection: close\r\n\r\n", path, port);
  char answer[64] = {0};
  size_t size = 0;
  while (size < sizeof answer - 1) {
    ssize_t got = read(fd, answer + size, sizeof answer - 1 - size);
    if (got <= 0) break;
    size += (size_t)got;
    if (strchr(answer, '\n') != NULL) break;
  }
  int status = 0;
  if (sscanf(answer, "HTTP/%*d.%*d %d", &status) != 1) sscanf(answer, "HTTP/%*d %d", &status);
  answer[strcspn(answer, "\r\n")] = 0;
  dprintf(1, "%s\n", answer[0] ? answer : "no answer");
  return status >= 200 && status < 400 ? 0 : 1;
}

/* A check by a program is told of as docker tells of it; a probe is no program. */
static void tell(const char *verb, const char *more) {
  if (options.health_words == NULL) return;
  char action[1536], facts[160];
  snprintf(action, sizeof action, "%s%s", verb, *more ? "" : options.health_words);
  snprintf(facts, sizeof facts, ",\"execID\":\"%s\"%s", probe_id, more);
  event_write(action, facts);
}

static void tell_end(int code) {
  char more[40];
  snprintf(more, sizeof more, ",\"exitCode\":\"%d\"", code);
  tell("exec_die", more);
}

/* A container that stands still answers nothing, which is no sickness. Commands leave a file beside the state. */
static int is_paused(void) {
  char path[4096];
  const char *name = strrchr(options.state_path, '/');
  if (name == NULL) return 0;
  int size = snprintf(path, sizeof path, "%.*s/paused", (int)(name - options.state_path), options.state_path);
  return size > 0 && size < (int)sizeof path && access(path, F_OK) == 0;
}

static void start_probe(void) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  format_time(probe_start, sizeof probe_start);
  output_size = 0;
  snprintf(probe_id, sizeof probe_id, "%032llx%032x", (unsigned long long)now_ms(), (unsigned)getpid());
  tell("exec_create: ", "");
  tell("exec_start: ", "");
  if (!strcmp(options.health_kind, "exec")) {
    char *argv[] = {(char *)options.runtime, "--root", (char *)options.runtime_root, "exec", "--pid-file", "health.pid",
                    "--process", (char *)options.health_target, (char *)options.id, NULL};
    probe_pid = start_process(argv, -1, ends[1], ends[1]);
  } else {
    probe_pid = fork();
    if (probe_pid == 0) {
      dup2(ends[1], 1);
      _exit(probe());
    }
  }
  close(ends[1]);
  probe_fd = ends[0];
  set_nonblocking(probe_fd);
  late_at = now_ms() + options.health_timeout_ms;
  next_at = -1;
}

static void keep(int code) {
  if (result_count == KEPT) {
    free(results[0].output);
    memmove(results, results + 1, sizeof results[0] * (KEPT - 1));
    result_count--;
  }
  struct result *result = &results[result_count++];
  *result = (struct result){.exit_code = code, .output = strndup(output, output_size)};
  memcpy(result->start, probe_start, sizeof probe_start);
  format_time(result->end, sizeof result->end);
}

static void judge(int code) {
  const char *before = verdict;
  keep(code);
  if (code == 0) {
    streak = 0;
    verdict = "healthy";
  } else if (!(is_starting() && !strcmp(verdict, "starting"))) {
    streak++;
    if (streak >= options.health_retries) verdict = "unhealthy";
  }
  int soon = is_starting() && !strcmp(verdict, "starting");
  next_at = now_ms() + (soon ? options.health_start_interval_ms : options.health_interval_ms);
  state_write();
  char action[40];
  snprintf(action, sizeof action, "health_status: %s", verdict);
  if (strcmp(before, verdict) != 0) event_write(action, "");
}

static void close_probe(void) {
  health_event();
  if (probe_fd >= 0) close(probe_fd);
  probe_fd = -1;
  late_at = -1;
  probe_pid = 0;
  unlink("health.pid");
}

void health_reaped(pid_t pid, int status) {
  if (pid != probe_pid || pid == 0) return;
  close_probe();
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  tell_end(code);
  if (is_on) judge(code);
}

void health_timers(void) {
  int64_t now = now_ms();
  if (late_at >= 0 && now >= late_at && is_paused()) late_at = now + options.health_timeout_ms;
  if (late_at >= 0 && now >= late_at) {
    kill_probe();
    probe_pid = 0; /* reaped like any orphan, its status no longer counts */
    output_size = (size_t)snprintf(output, sizeof output, "Health check exceeded timeout (%dms)", options.health_timeout_ms);
    if (probe_fd >= 0) close(probe_fd);
    probe_fd = -1;
    late_at = -1;
    tell_end(128 + SIGKILL);
    judge(-1);
  }
  if (next_at < 0 || now < next_at || probe_pid != 0) return;
  if (is_paused()) next_at = now + options.health_interval_ms;
  else start_probe();
}

int health_poll(struct pollfd *fd) {
  if (probe_fd < 0) return 0;
  *fd = (struct pollfd){.fd = probe_fd, .events = POLLIN};
  return 1;
}

void health_event(void) {
  char rest[4096];
  while (probe_fd >= 0) {
    size_t room = OUTPUT - output_size;
    ssize_t got = room > 0 ? read(probe_fd, output + output_size, room) : read(probe_fd, rest, sizeof rest);
    if (got > 0 && room > 0) output_size += (size_t)got;
    if (got > 0) continue;
    if (got == 0) {
      close(probe_fd);
      probe_fd = -1;
    }
    return;
  }
}

size_t health_json(char *to, size_t capacity) {
  if (options.health_kind == NULL) return 0;
  size_t size = (size_t)snprintf(to, capacity, ",\"health\":{\"status\":\"%s\",\"failingStreak\":%d,\"log\":[", verdict, streak);
  for (int at = 0; at < result_count; at++) {
    const struct result *result = &results[at];
    if (capacity - size < OUTPUT * 2 + 256) break;
    size += (size_t)snprintf(to + size, capacity - size, "%s{\"start\":\"%s\",\"end\":\"%s\",\"exitCode\":%d,\"output\":\"",
                             at == 0 ? "" : ",", result->start, result->end, result->exit_code);
    size += quote_json(to + size, capacity - size - 64 < OUTPUT * 2 ? capacity - size - 64 : OUTPUT * 2, result->output ? result->output : "",
                       result->output ? strlen(result->output) : 0);
    size += (size_t)snprintf(to + size, capacity - size, "\"}");
  }
  return size + (size_t)snprintf(to + size, capacity - size, "]}");
}

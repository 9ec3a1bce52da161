/* One container: started by the runtime, which leaves; its first process is ours to reap (we are the subreaper). */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  FIRST_DELAY_MS = 100,
  LONGEST_DELAY_MS = 60000,
  STEADY_MS = 10000,
  DELETE_MS = 10000,
  STRAYS = 64,
  PIPE_BYTES = 256 << 10
};

static enum phase phase = PHASE_WAITING;
static pid_t runtime_pid, delete_pid;
static int output[2] = {-1, -1};
static int terminal = -1, console = -1;
static int must_stop, is_quitting, was_started;
static int64_t kill_at = -1, restart_at = -1, give_up_at = -1, started_at;
static int64_t delay_ms, idle_until;
static unsigned rows, columns;
static struct {
  pid_t pid;
  int status;
} strays[STRAYS];
static unsigned stray_count;

enum phase container_phase(void) { return phase; }
int container_is_quitting(void) { return is_quitting; }

int64_t container_deadline(void) {
  int64_t at = terminal >= 0 && idle_until > now_ms() ? idle_until : -1;
  if (kill_at >= 0 && (at < 0 || kill_at < at)) at = kill_at;
  if (restart_at >= 0 && (at < 0 || restart_at < at)) at = restart_at;
  if (give_up_at >= 0 && (at < 0 || give_up_at < at)) at = give_up_at;
  return at;
}

static void note(const char *words) { snprintf(state.error, sizeof state.error, "%s", words); }

static void listen_for_console(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "console"};
  unlink("console");
  console = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(console, (struct sockaddr *)&address, sizeof address) != 0 || listen(console, 1) != 0) note("no console socket");
}

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void receive_terminal(void) {
  set_nonblocking(console);
  int connection = accept4(console, NULL, NULL, SOCK_CLOEXEC);
  close_fd(&console);
  unlink("console");
  if (connection < 0) return;
  char byte[256], control[CMSG_SPACE(sizeof(int))];
  struct iovec part = {.iov_base = byte, .iov_len = sizeof byte};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  if (recvmsg(connection, &message, MSG_CMSG_CLOEXEC) > 0) {
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS) memcpy(&terminal, CMSG_DATA(header), sizeof terminal);
  }
  close(connection);
  if (terminal < 0) return;
  set_nonblocking(terminal);
  if (rows > 0) container_resize(rows, columns);
  if (options.input != INPUT_NONE) input_open(terminal);
}

static void make_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) != 0) ends[0] = ends[1] = -1;
  else {
    fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* fewer turns for much output; a refusal does no harm */
    if (options.owner > 0 && fchown(ends[1], options.owner, options.owner) != 0) note("its streams cannot be opened again");
  }
}

void container_start(void) {
  char *argv[20], pid_path[48], console_path[48];
  int count = 0;
  /* crun changes its directory for devices of a container with a user namespace. */
  snprintf(pid_path, sizeof pid_path, "/proc/%d/cwd/pid", (int)getpid());
  snprintf(console_path, sizeof console_path, "/proc/%d/cwd/console", (int)getpid());
  argv[count++] = (char *)options.runtime;
  argv[count++] = "--root";
  argv[count++] = (char *)options.runtime_root;
  argv[count++] = "--log";
  argv[count++] = "runtime.log";
  argv[count++] = options.exec_process ? "exec" : "run";
  argv[count++] = "--detach";
  argv[count++] = "--pid-file";
  argv[count++] = pid_path;
  argv[count++] = options.exec_process ? "--process" : "--bundle";
  argv[count++] = options.exec_process ? (char *)options.exec_process : ".";
  if (options.terminal) {
    argv[count++] = "--console-socket";
    argv[count++] = console_path;
  }
  argv[count++] = (char *)options.id;
  argv[count] = NULL;
  unlink("runtime.log");
  unlink("pid");
  log_open();
  phase = PHASE_STARTING;
  restart_at = -1;
  stray_count = 0;
  state.error[0] = 0;
  int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
  if (options.terminal) listen_for_console();
  else {
    if (options.input != INPUT_NONE) make_pipe(in);
    make_pipe(out);
    make_pipe(err);
  }
  runtime_pid = start_process(argv, in[0], out[1], err[1]);
  close_fd(&in[0]);
  close_fd(&out[1]);
  close_fd(&err[1]);
  if (in[1] >= 0) input_open(in[1]);
  output[STREAM_OUT] = out[0];
  output[STREAM_ERR] = err[0];
  for (int stream = 0; stream < 2; stream++)
    if (output[stream] >= 0) set_nonblocking(output[stream]);
}

/* Everything that is there now; the program has ended, so nothing more comes. */
static int read_output(int stream, int fd) {
  static char bytes[64 << 10];
  ssize_t got = read(fd, bytes, sizeof bytes);
  if (got > 0) {
    log_output(stream, bytes, (size_t)got);
    clients_output(stream, bytes, (size_t)got);
    return 1;
  }
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static void drain(void) {
  for (int stream = 0; stream < 2; stream++) {
    while (output[stream] >= 0 && read_output(stream, output[stream]) == 1) continue;
    close_fd(&output[stream]);
  }
  while (terminal >= 0 && read_output(STREAM_OUT, terminal) == 1) continue;
  input_close();
  close_fd(&terminal);
}

/* Until the runtime has done its part, what it says itself stands there: its log has that as well. */
int container_poll(struct pollfd *fds) {
  if (phase == PHASE_STARTING || clients_are_slow()) return 0;
  int count = 0;
  for (int stream = 0; stream < 2; stream++)
    if (output[stream] >= 0) fds[count++] = (struct pollfd){.fd = output[stream], .events = POLLIN};
  if (terminal >= 0 && now_ms() >= idle_until) fds[count++] = (struct pollfd){.fd = terminal, .events = POLLIN};
  return count;
}

void container_events(const struct pollfd *fds, int count) {
  for (int at = 0; at < count; at++) {
    if (!fds[at].revents) continue;
    for (int stream = 0; stream < 2; stream++)
      if (fds[at].fd == output[stream] && read_output(stream, output[stream]) < 0) close_fd(&output[stream]);
    /* A terminal answers EIO while nobody has it open; the program may open it again: look later. */
    if (fds[at].fd == terminal && read_output(STREAM_OUT, terminal) < 0) idle_until = now_ms() + 200;
  }
}

void container_resize(unsigned new_rows, unsigned new_columns) {
  rows = new_rows;
  columns = new_columns;
  struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
  if (terminal >= 0) ioctl(terminal, TIOCSWINSZ, &size);
}

static pid_t read_pid(void) {
  char text[32] = {0};
  int fd = open("pid", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  return got > 0 ? (pid_t)atoi(text) : 0;
}

static int exit_code(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

static int was_out_of_memory(void) {
  if (options.oom_path == NULL) return 0;
  char text[1024] = {0};
  int fd = open(options.oom_path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  char *line = got > 0 ? strstr(text, "oom_kill ") : NULL;
  return line != NULL && atoi(line + 9) > 0;
}

static void deleted(void);
static int must_restart(void);

static void begin_delete(void) {
  phase = PHASE_DELETING;
  if (options.exec_process || (was_started && traces_remove())) {
    deleted();
    return;
  }
  give_up_at = now_ms() + DELETE_MS;
  char *argv[] = {(char *)options.runtime, "--root", (char *)options.runtime_root, "delete", "--force",
                  (char *)options.id, NULL};
  delete_pid = start_process(argv, -1, -1, -1);
}

static void ended(int status) {
  drain();
  log_end_lines();
  health_end();
  kill_at = -1;
  state.pid = 0;
  state.exit_code = exit_code(status);
  state.oom_killed = was_out_of_memory();
  format_time(state.finished, sizeof state.finished);
  if (state.oom_killed) event_write("oom", "");
  if (!must_restart()) events_leave();
  char more[80];
  int64_t seconds = (now_ms() - started_at) / 1000;
  int size = 0;
  if (!options.exec_process) size = snprintf(more, sizeof more, ",\"execDuration\":\"%lld\"", (long long)seconds);
  snprintf(more + size, sizeof more - (size_t)size, ",\"exitCode\":\"%d\"", state.exit_code);
  event_write(options.exec_process ? "exec_die" : "die", more);
  begin_delete();
}

static int must_restart(void) {
  if (must_stop || is_quitting) return 0;
  if (options.policy == RESTART_ALWAYS) return 1;
  return options.policy == RESTART_ON_FAILURE && state.exit_code != 0 &&
         (options.most_restarts == 0 || state.restarts < options.most_restarts);
}

static void tell_exit(int is_final) {
  char text[160];
  int size = snprintf(text, sizeof text, "{\"exitCode\":%d,\"oomKilled\":%s,\"final\":%s}", state.exit_code,
                      state.oom_killed ? "true" : "false", is_final ? "true" : "false");
  clients_tell(OUT_EXITED, text, (size_t)size);
}

static void finish(void) {
  phase = PHASE_DONE;
  events_leave();
  state.status = "exited";
  state_write();
  clients_stop_listening();
  tell_exit(1);
}

/* The container's state and cgroup are gone: begin again, or end. */
static void deleted(void) {
  delete_pid = 0;
  give_up_at = -1;
  if (!was_started) {
    phase = PHASE_DONE;
    clients_stop_listening();
    return;
  }
  if (!must_restart()) {
    finish();
    return;
  }
  delay_ms = now_ms() - started_at >= STEADY_MS || delay_ms == 0 ? FIRST_DELAY_MS : delay_ms * 2;
  if (delay_ms > LONGEST_DELAY_MS) delay_ms = LONGEST_DELAY_MS;
  restart_at = now_ms() + delay_ms;
  phase = PHASE_BACKOFF;
  state.status = "restarting";
  state_write();
  tell_exit(0);
}

static void failed(int status) {
  for (int stream = 0; stream < 2; stream++) close_fd(&output[stream]);
  input_close();
  close_fd(&console);
  char words[64];
  int size = snprintf(words, sizeof words, "%d", exit_code(status));
  if (was_started) { /* a restart that failed: the words are in the runtime's log */
    note("the runtime could not start it again");
    state.exit_code = 128;
    format_time(state.finished, sizeof state.finished);
  } else clients_tell(OUT_FAILED, words, (size_t)size);
  begin_delete();
}

static void running(void) {
  char text[16];
  if (options.terminal) receive_terminal();
  state.status = "running";
  format_time(state.started, sizeof state.started);
  phase = PHASE_RUNNING;
  if (was_started) state.restarts++;
  was_started = 1;
  started_at = now_ms();
  health_begin();
  state_write();
  if (!options.exec_process) event_write("start", "");
  int size = snprintf(text, sizeof text, "%d", (int)state.pid);
  clients_tell(OUT_STARTED, text, (size_t)size);
  for (unsigned at = 0; at < stray_count; at++)
    if (strays[at].pid == state.pid) {
      ended(strays[at].status);
      return;
    }
  if (must_stop || is_quitting) container_signal(SIGKILL);
}

void container_reaped(pid_t pid, int status) {
  if (pid == runtime_pid && phase == PHASE_STARTING) {
    runtime_pid = 0;
    state.pid = exit_code(status) == 0 ? read_pid() : 0;
    if (state.pid > 0) running();
    else failed(status);
  } else if (pid == delete_pid && phase == PHASE_DELETING) deleted();
  else if (pid == state.pid && phase == PHASE_RUNNING) ended(status);
  else if (phase == PHASE_STARTING && stray_count < STRAYS) {
    strays[stray_count].pid = pid;
    strays[stray_count++].status = status;
  }
}

/* The process is not reaped yet, so its number cannot be another's. */
void container_signal(int number) {
  if (phase != PHASE_RUNNING || state.pid <= 0) return;
  kill(state.pid, number);
  if (!options.exec_process) event_signal(number);
}

static void kill_all(void) {
  container_signal(SIGKILL);
  if (phase == PHASE_STARTING && runtime_pid > 0) kill(runtime_pid, SIGKILL);
}

void container_stop(int number, int grace_ms) {
  must_stop = 1;
  if (phase == PHASE_BACKOFF) finish();
  container_signal(number);
  if (grace_ms >= 0) kill_at = now_ms() + grace_ms;
}

void container_quit(void) {
  is_quitting = must_stop = 1;
  if (phase == PHASE_BACKOFF) finish();
  kill_all();
  if (phase == PHASE_DONE) clients_drop_all();
}

void container_timers(void) {
  int64_t now = now_ms();
  if (kill_at >= 0 && now >= kill_at) {
    kill_at = -1;
    kill_all();
  }
  /* A runtime that hangs: the sweep after us kills what is left by its cgroup. */
  if (give_up_at >= 0 && now >= give_up_at && delete_pid > 0) {
    give_up_at = -1;
    kill(delete_pid, SIGKILL);
  }
  if (restart_at >= 0 && now >= restart_at) container_start();
}

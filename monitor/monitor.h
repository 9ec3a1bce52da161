/* The monitor of one container: see README.md. One instance per process, so its state is plain globals of each file. */
#ifndef MONITOR_H
#define MONITOR_H
#define _GNU_SOURCE
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { MAX_CLIENTS = 64, MAX_LISTENERS = 4096 };
enum { STREAM_OUT = 0, STREAM_ERR = 1 };

/* Frames: one byte of type, three of zero, four of length (big endian), then the payload; docker's form. */
enum from_client {
  IN_DATA = 0,      /* for the program's input */
  IN_END = 1,       /* this client's input has ended */
  IN_RESIZE = 2,    /* u16 rows, u16 columns */
  IN_SIGNAL = 3,    /* u8 number, for the container's first process */
  IN_SUBSCRIBE = 4, /* u8: 1 output, 2 errors, 4 owner of the input */
  IN_START = 5,     /* first connection only */
  IN_STOP = 6,      /* u8 signal, i32 milliseconds until SIGKILL (-1: never); no restart afterwards */
  IN_POLICY = 7,    /* u8 policy, u32 most restarts */
  IN_QUIT = 8,      /* kill, forget the clients, end: the container is being removed */
};
enum to_client { OUT_STDOUT = 1, OUT_STDERR = 2, OUT_EXITED = 3, OUT_STARTED = 4, OUT_FAILED = 5, OUT_READY = 6 };
enum policy { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS };
enum input { INPUT_NONE, INPUT_OPEN, INPUT_ONCE };

struct options {
  const char *cgroup; /* of a runtime whose traces we can remove; below each hierarchy */
  const char *runtime, *runtime_root, *id, *state_path, *log_path, *oom_path, *events_path;
  long long log_max_bytes;
  int log_max_files;
  int terminal;
  enum input input;
  enum policy policy;
  unsigned most_restarts;
  unsigned first_restarts;
  int namespace_fd;
  uid_t owner; /* of the pipes: the root of the container's user namespace */
  int *listeners, listener_count;
  int stop_signal;
  const char *health_kind, *health_target; /* exec FILE | http PORT PATH | tcp PORT */
  const char *health_words; /* of the program, for events: the inside of a text of JSON */
  int health_interval_ms, health_timeout_ms, health_start_ms, health_start_interval_ms, health_retries;
  const char *exec_process; /* a file: run it in the container `id` and leave that alone at the end */
  char **on_exit;
};
extern struct options options;

/* main.c */
int64_t now_ms(void); /* monotonic: the host's clock may be set back */
void set_cloexec(int fd);
int set_nonblocking(int fd);
pid_t start_process(char *const argv[], int in, int out, int err);

/* runtime.c: returns only when it failed */
void exec_runtime(char *const argv[]);

/* init.c */
int run_init(char **argv);

/* relay.c */
int run_relay(char **argv);

/* userns.c */
int run_userns(char **argv);

/* container.c */
enum phase { PHASE_WAITING, PHASE_STARTING, PHASE_RUNNING, PHASE_DELETING, PHASE_BACKOFF, PHASE_DONE };
enum phase container_phase(void);
void container_start(void);
void container_reaped(pid_t pid, int status);
void container_signal(int number);
void container_stop(int number, int grace_ms);
void container_timers(void);
int64_t container_deadline(void);
int container_poll(struct pollfd *fds);
void container_events(const struct pollfd *fds, int count);
void container_resize(unsigned rows, unsigned columns);
int container_is_quitting(void);
void container_quit(void);

/* input.c */
void input_open(int fd);
void input_write(const char *data, size_t size);
void input_end(void);
int input_is_full(void);
int input_poll(struct pollfd *fd);
void input_event(void);
void input_close(void);

/* clients.c */
void clients_listen(const char *path);
void clients_add(int fd, int is_first);
int clients_poll(struct pollfd *fds);
void clients_events(const struct pollfd *fds, int count);
void clients_output(int stream, const char *data, size_t size);
void clients_tell(enum to_client type, const char *data, size_t size);
int clients_are_slow(void);
int clients_have_pending(void);
void clients_drop_all(void);
void clients_stop_listening(void);

/* traces.c */
int traces_remove(void);

/* log.c */
void log_open(void);
void log_output(int stream, const char *data, size_t size);
void log_end_lines(void);
void log_flush(void);
void log_idle(void);
int log_is_idle(void);
unsigned long long log_lost_bytes(void);

/* state.c */
#define TIME_LENGTH 30 /* 2026-01-02T03:04:05.000000000Z */
void format_time(char *text, size_t size);
size_t quote_json(char *to, size_t capacity, const char *from, size_t size);
void state_write(void);
struct state {
  const char *status;
  pid_t pid;
  char started[40], finished[40];
  int exit_code, oom_killed;
  unsigned restarts;
  char error[512];
};
extern struct state state;

/* events.c: `more` are further attributes, each with a comma before it */
void event_write(const char *action, const char *more);
void event_signal(int number);
void events_leave(void);

/* health.c */
void health_begin(void);
void health_end(void);
void health_timers(void);
int64_t health_deadline(void);
void health_reaped(pid_t pid, int status);
int health_poll(struct pollfd *fd);
void health_event(void);
size_t health_json(char *to, size_t capacity);

/* ports.c */
int ports_poll(struct pollfd *fds);
void ports_events(const struct pollfd *fds, int count);
void ports_reaped(pid_t pid);
void ports_end(void);

#endif

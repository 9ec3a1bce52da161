/* Makes a user namespace and a network namespace that belongs to it, which only a process in them can: the command opens them. */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int fails(const char *what) {
  dprintf(2, "cannot %s: %s\n", what, strerror(errno));
  return 71;
}

static int step(int read_end, int write_end) {
  char byte = 0;
  if (write_end >= 0 && write(write_end, &byte, 1) != 1) return -1;
  return read_end < 0 ? 0 : read(read_end, &byte, 1) == 1 ? 0 : -1;
}

static int put_map(pid_t pid, const char *name, const char *map) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t written = write(fd, map, strlen(map));
  close(fd);
  return written < 0 ? -1 : 0;
}

static void inside(int from, int to) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (unshare(CLONE_NEWUSER) != 0) _exit(fails("make a user namespace"));
  if (step(from, to) != 0) _exit(71);
  if (unshare(CLONE_NEWNET) != 0) _exit(fails("make a network namespace"));
  step(from, to);
  _exit(0);
}

/* FIRST COUNT: says the number of a process in the namespaces, and ends with its own input. */
int run_userns(char **argv) {
  int down[2], up[2];
  char map[64], byte;
  if (argv[0] == NULL || argv[1] == NULL) return 64;
  if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0) return fails("make a pipe");
  pid_t child = fork();
  if (child < 0) return fails("start a process");
  if (child == 0) {
    close(down[1]);
    inside(down[0], up[1]);
  }
  close(up[1]);
  snprintf(map, sizeof map, "0 %s %s\n", argv[0], argv[1]);
  if (step(up[0], -1) != 0) return 71;
  if (put_map(child, "uid_map", map) != 0 || put_map(child, "gid_map", map) != 0) return fails("map user IDs");
  if (step(up[0], down[1]) != 0) return 71;
  dprintf(1, "%d\n", (int)child);
  while (read(0, &byte, 1) > 0) continue;
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return 0;
}

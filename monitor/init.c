/* As docker-init it is the first process of a container, which starts the program, passes signals on and reaps orphans. */
#include "monitor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start_program(char **argv, const sigset_t *mask) {
  pid_t pid = fork();
  if (pid != 0) return pid;
  setpgid(0, 0);
  signal(SIGTTOU, SIG_IGN);
  if (isatty(0)) tcsetpgrp(0, getpid());
  signal(SIGTTOU, SIG_DFL);
  sigprocmask(SIG_SETMASK, mask, NULL);
  execvp(argv[0], argv);
  dprintf(2, "cannot run \"%s\": %s\n", argv[0], strerror(errno));
  _exit(errno == ENOENT ? 127 : 126);
}

/* Never returns unless the program has ended. */
int run_init(char **argv) {
  if (argv[0] != NULL && !strcmp(argv[0], "--")) argv++;
  if (argv[0] == NULL) return 125;
  sigset_t all, old;
  sigfillset(&all);
  const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
  for (size_t at = 0; at < sizeof faults / sizeof *faults; at++) sigdelset(&all, faults[at]);
  sigprocmask(SIG_SETMASK, &all, &old);
  pid_t program = start_program(argv, &old);
  if (program < 0) return 125;
  for (;;) {
    siginfo_t info;
    int number = sigwaitinfo(&all, &info);
    if (number < 0) continue;
    if (number != SIGCHLD) {
      kill(program, number);
      continue;
    }
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
      if (pid == program) return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
}

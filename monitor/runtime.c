/*
 * Starts the runtime. crun sees to it that no container can write to it by /proc/self/exe (CVE-2019-5736): it starts once more
 * from a read-only view of itself, which takes it as long as the first time, unless it was started from one.
 */
#include "monitor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char is_view[] = "_LIBCONTAINER_CLONED_BINARY"; /* crun believes it only of what is read-only */

/* As crun makes it: no longer mounted when it is used, so that nobody makes it writable. */
static int open_view(const char *path) {
  int view = -1;
  if (mount(path, path, NULL, MS_BIND, NULL) != 0) return -1;
  if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0) view = open(path, O_PATH | O_CLOEXEC);
  return umount2(path, MNT_DETACH) == 0 ? view : -1;
}

void exec_runtime(char *const argv[]) {
  const char *name = strrchr(argv[0], '/');
  int view = name && !strcmp(name, "/crun") ? open_view(argv[0]) : -1;
  if (view >= 0 && setenv(is_view, "1", 1) == 0) {
    syscall(SYS_execveat, view, "", argv, environ, AT_EMPTY_PATH);
    unsetenv(is_view);
  }
  execv(argv[0], argv);
}

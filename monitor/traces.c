/* What the runtime leaves of a container whose first process was reaped: its cgroups and its state. Starting the runtime
 * for them takes ten times as long as removing them. */
#include "monitor.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { CGROUP_MAGIC = 0x27e0eb, CGROUP2_MAGIC = 0x63677270, PATH_BYTES = 4096 };

static const char cgroups[] = "/sys/fs/cgroup";

static int is_cgroup(const char *path) {
  struct statfs facts;
  return statfs(path, &facts) == 0 && (facts.f_type == CGROUP_MAGIC || facts.f_type == CGROUP2_MAGIC);
}

/* False for one that has members or children: only the runtime knows how to end them. */
static int remove_cgroup(const char *hierarchy) {
  char path[PATH_BYTES];
  if (!is_cgroup(hierarchy)) return 1;
  if (snprintf(path, sizeof path, "%s/%s", hierarchy, options.cgroup) >= (int)sizeof path) return 0;
  return rmdir(path) == 0 || errno == ENOENT;
}

static int remove_cgroups(void) {
  if (is_cgroup(cgroups)) return remove_cgroup(cgroups);
  DIR *folder = opendir(cgroups);
  if (folder == NULL) return errno == ENOENT;
  int are_gone = 1;
  for (struct dirent *entry; are_gone && (entry = readdir(folder)) != NULL;) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", cgroups, entry->d_name);
    if (entry->d_name[0] != '.') are_gone = remove_cgroup(path);
  }
  closedir(folder);
  return are_gone;
}

static int remove_state(void) {
  char path[PATH_BYTES];
  if (snprintf(path, sizeof path, "%s/%s", options.runtime_root, options.id) >= (int)sizeof path) return 0;
  DIR *folder = opendir(path);
  if (folder == NULL) return errno == ENOENT;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
    if (entry->d_name[0] != '.') unlinkat(dirfd(folder), entry->d_name, 0);
  closedir(folder);
  return rmdir(path) == 0;
}

/* The cgroups first, as the runtime does: while there is state, whoever finds it removes them. */
int traces_remove(void) { return options.cgroup != NULL && remove_cgroups() && remove_state(); }

// lighter-launcher HOME PROGRAM ARG...: HOME is where lighter is installed, PROGRAM its bin/lighter, the ARGs the user's.
#define _GNU_SOURCE
#include "launcher.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { kMostIndex = 1 << 16 };

extern char **environ;

// glibc's malloc asks for huge pages: Node reads the snapshot into memory that it would touch page by page.
static const char tunables[] = "glibc.malloc.hugetlb=1";

/** Node as execvp(3) would find it. */
static int findNode(char path[PATH_MAX]) {
  const char *rest = getenv("PATH");
  while (rest != NULL && *rest != '\0') {
    const char *end = strchrnul(rest, ':');
    struct stat file;
    int length = snprintf(path, PATH_MAX, "%.*s/node", (int)(end - rest), end == rest ? "." : rest);
    if (length > 0 && length < PATH_MAX && access(path, X_OK) == 0 && stat(path, &file) == 0 && S_ISREG(file.st_mode))
      return 1;
    rest = *end == ':' ? end + 1 : end;
  }
  return 0;
}

/** Whether something tells Node to behave otherwise than the snapshot was made for. */
static int isNodeTold(void) {
  for (char **one = environ; *one != NULL; one++)
    if (strncmp(*one, "NODE_", 5) == 0) return 1;
  return 0;
}

static int identify(const char *path, char text[256]) {
  struct stat file;
  if (stat(path, &file) != 0) return 0;
  snprintf(text, 256, "%llu %llu %lld %lld.%09ld %lld.%09ld", (unsigned long long)file.st_dev,
           (unsigned long long)file.st_ino, (long long)file.st_size, (long long)file.st_mtim.tv_sec,
           file.st_mtim.tv_nsec, (long long)file.st_ctim.tv_sec, file.st_ctim.tv_nsec);
  return 1;
}

static char *readIndex(const char *home) {
  static char index[kMostIndex];
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/dist/cli/snapshot.index", home) >= (int)sizeof path) return NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  ssize_t length = read(fd, index, sizeof index - 1);
  close(fd);
  // It was written whole before it got its name: its last line is "end".
  if (length < 5 || memcmp(index + length - 5, "\nend\n", 5) != 0) return NULL;
  index[length] = '\0';
  return index;
}

/** The next line of the index, or an empty one. */
static char *takeLine(char **rest) {
  char *line = *rest, *end = strchr(line, '\n');
  if (end == NULL) return line + strlen(line);
  *end = '\0';
  *rest = end + 1;
  return line;
}

/** The index names: the home, Node, the build, the snapshot with its length, and the kinds it has the code of. */
static int findSnapshot(const char *home, const char *node, char *const words[], char snapshot[PATH_MAX]) {
  char path[PATH_MAX], found[256], kind[kMostKind], name[128];
  long long size;
  struct stat file;
  char *rest = readIndex(home);
  if (rest == NULL || strcmp(takeLine(&rest), home) != 0) return 0;
  if (!identify(node, found) || strcmp(takeLine(&rest), found) != 0) return 0;
  if (snprintf(path, sizeof path, "%s/dist/cli/cli.js", home) >= (int)sizeof path) return 0;
  if (!identify(path, found) || strcmp(takeLine(&rest), found) != 0) return 0;
  if (sscanf(takeLine(&rest), "%127s %lld", name, &size) != 2) return 0;
  if (snprintf(snapshot, PATH_MAX, "%s/dist/cli/%s", home, name) >= PATH_MAX) return 0;
  if (stat(snapshot, &file) != 0 || !S_ISREG(file.st_mode) || file.st_size != size) return 0;
  if (access(snapshot, R_OK) != 0) return 0;
  describeKind(words, kind);
  if (kind[0] == '\0') return 0;
  for (char *line = takeLine(&rest); *line != '\0'; line = takeLine(&rest))
    if (strcmp(line, kind) == 0) return 1;
  return 0;
}

int main(int argc, char *argv[]) {
  char node[PATH_MAX], home[PATH_MAX], snapshot[PATH_MAX];
  if (argc < 3) return 125;
  const char *certificates = getenv("NODE_EXTRA_CA_CERTS");
  // Node 20 parses these certificates at every start; lighter puts the variable back for its own TLS code.
  if (certificates != NULL) setenv("LIGHTER_CA", certificates, 1);
  unsetenv("NODE_EXTRA_CA_CERTS");
  if (!findNode(node)) {
    fprintf(stderr, "lighter: there is no node in PATH; install Node.js 20 or later\n");
    return 127;
  }
  char **words = calloc((size_t)argc + 4, sizeof *words);
  if (words == NULL) return 125;
  size_t count = 0;
  words[count++] = "node";
  if (!isNodeTold() && getenv("GLIBC_TUNABLES") == NULL && realpath(argv[1], home) != NULL &&
      findSnapshot(home, node, argv + 3, snapshot)) {
    setenv("GLIBC_TUNABLES", tunables, 1);
    words[count++] = "--snapshot-blob";
    words[count++] = snapshot;
    words[count++] = "--";
  } else {
    words[count++] = "--";
    words[count++] = argv[2];
  }
  for (int i = 3; i < argc; i++) words[count++] = argv[i];
  execv(node, words);
  perror("lighter: cannot start node");
  return 126;
}

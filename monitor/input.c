/* The program's input: a pipe or the terminal, with a bounded buffer in front of it. */
#include "monitor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FULL = 128 << 10 };

static int input_fd = -1;
static char *pending;
static size_t pending_size, pending_start;
static int is_ending;

void input_open(int fd) {
  input_close();
  input_fd = fd;
  if (fd >= 0) set_nonblocking(fd);
}

void input_close(void) {
  if (input_fd >= 0 && !options.terminal) close(input_fd);
  input_fd = -1;
  free(pending);
  pending = NULL;
  pending_size = pending_start = 0;
  is_ending = 0;
}

void input_write(const char *data, size_t size) {
  if (input_fd < 0 || is_ending || size == 0) return;
  if (pending_start == pending_size) pending_start = pending_size = 0;
  char *grown = realloc(pending, pending_size + size);
  if (grown == NULL) return;
  pending = grown;
  memcpy(pending + pending_size, data, size);
  pending_size += size;
  input_event();
}

void input_end(void) {
  if (input_fd < 0 || options.terminal) return;
  is_ending = 1;
  if (pending_start == pending_size) input_close();
}

int input_is_full(void) { return pending_size - pending_start > FULL; }

int input_poll(struct pollfd *fd) {
  if (input_fd < 0 || pending_start == pending_size) return 0;
  *fd = (struct pollfd){.fd = input_fd, .events = POLLOUT};
  return 1;
}

void input_event(void) {
  while (input_fd >= 0 && pending_start < pending_size) {
    ssize_t written = write(input_fd, pending + pending_start, pending_size - pending_start);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) return;
    if (written < 0) {
      input_close(); /* the program reads no more; what clients send is dropped */
      return;
    }
    pending_start += (size_t)written;
  }
  free(pending);
  pending = NULL;
  pending_size = pending_start = 0;
  if (is_ending) input_close();
}

/* What is known of the container, as JSON: written beside the file and renamed, so that a reader sees one or the other. */
#include "monitor.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct state state = {.status = "created"};

void format_time(char *text, size_t size) {
  static time_t second = -1;
  static char prefix[24];
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (now.tv_sec != second) {
    struct tm parts;
    gmtime_r(&now.tv_sec, &parts);
    strftime(prefix, sizeof prefix, "%Y-%m-%dT%H:%M:%S", &parts);
    second = now.tv_sec;
  }
  if (size <= TIME_LENGTH) return;
  memcpy(text, prefix, 19);
  text[19] = '.';
  long rest = now.tv_nsec;
  for (int place = 28; place > 19; place--, rest /= 10) text[place] = (char)('0' + rest % 10);
  memcpy(text + 29, "Z", 2);
}

/* Length of the well-formed UTF-8 character at `from`, or 0. */
static size_t character(const unsigned char *from, size_t size) {
  unsigned char first = from[0];
  size_t length = first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (first >= 0xf5 || length == 0 || length > size) return 0;
  for (size_t at = 1; at < length; at++)
    if ((from[at] & 0xc0) != 0x80) return 0;
  if (first == 0xe0 && from[1] < 0xa0) return 0;
  if (first == 0xed && from[1] > 0x9f) return 0;
  if (first == 0xf0 && from[1] < 0x90) return 0;
  if (first == 0xf4 && from[1] > 0x8f) return 0;
  return length;
}

/* How many bytes stand for themselves in JSON: eight are looked at at once, as most text is plain. */
static size_t plain_run(const unsigned char *bytes, size_t size) {
  const uint64_t ones = 0x0101010101010101u, high = ones << 7;
  size_t at = 0;
  for (; at + 8 <= size; at += 8) {
    uint64_t word;
    memcpy(&word, bytes + at, 8);
    uint64_t quote = word ^ (ones * '"'), slash = word ^ (ones * '\\');
    uint64_t odd = (word | ((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) & high;
    if (odd != 0) break;
  }
  while (at < size && bytes[at] >= 0x20 && bytes[at] < 0x80 && bytes[at] != '"' && bytes[at] != '\\') at++;
  return at;
}

/* At most six bytes for each one of `from`. */
size_t quote_json(char *to, size_t capacity, const char *from, size_t size) {
  const unsigned char *bytes = (const unsigned char *)from;
  char *at = to;
  for (size_t i = 0; i < size && (size_t)(at - to) + 6 <= capacity;) {
    size_t run = plain_run(bytes + i, size - i), room = capacity - (size_t)(at - to);
    if (run > room) run = room;
    memcpy(at, bytes + i, run);
    at += run;
    i += run;
    if (i == size || capacity - (size_t)(at - to) < 6) break;
    unsigned char byte = bytes[i];
    if (byte >= 0x80) {
      size_t length = character(bytes + i, size - i);
      if (length == 0) {
        memcpy(at, "\\ufffd", 6);
        at += 6;
        i++;
      } else {
        memcpy(at, bytes + i, length);
        at += length;
        i += length;
      }
      continue;
    }
    i++;
    if (byte == '"' || byte == '\\') {
      *at++ = '\\';
      *at++ = (char)byte;
    } else if (byte == '\n' || byte == '\r' || byte == '\t') {
      *at++ = '\\';
      *at++ = byte == '\n' ? 'n' : byte == '\r' ? 'r' : 't';
    } else at += sprintf(at, "\\u%04x", byte);
  }
  return (size_t)(at - to);
}

/* On a full disk: what was written before has its block, and the end of a container must be known. */
static void write_in_place(const char *text, size_t size) {
  int fd = open(options.state_path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  ssize_t written = pwrite(fd, text, size, 0);
  int cut = written == (ssize_t)size ? ftruncate(fd, (off_t)size) : 0;
  (void)cut;
  close(fd);
}

void state_write(void) {
  size_t capacity = 64 << 10;
  char *text = malloc(capacity);
  if (text == NULL) return;
  char error[sizeof state.error * 6 + 1];
  error[quote_json(error, sizeof error - 1, state.error, strlen(state.error))] = 0;
  int size = snprintf(text, capacity,
                      "{\"status\":\"%s\",\"pid\":%d,\"monitorPid\":%d,\"startedAt\":\"%s\",\"finishedAt\":\"%s\","
                      "\"exitCode\":%d,\"oomKilled\":%s,\"restartCount\":%u,\"lostLogBytes\":%llu,\"error\":\"%s\"",
                      state.status, (int)state.pid, (int)getpid(), state.started, state.finished, state.exit_code,
                      state.oom_killed ? "true" : "false", state.restarts, log_lost_bytes(), error);
  size += (int)health_json(text + size, capacity - (size_t)size - 2);
  memcpy(text + size, "}\n", 2);
  size += 2;
  char path[strlen(options.state_path) + 5];
  sprintf(path, "%s.new", options.state_path);
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ssize_t written = fd < 0 ? -1 : write(fd, text, (size_t)size);
  if (fd >= 0) close(fd);
  if (written == size) rename(path, options.state_path);
  else {
    unlink(path);
    write_in_place(text, (size_t)size);
  }
  free(text);
}

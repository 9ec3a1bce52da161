/* The log: docker's json-file lines, with rotation. A full disk loses lines, never the container. */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE = 16384, BUFFER = 256 << 10, LONGEST_ENTRY = LINE * 6 + 256 };

static struct line {
  char *bytes;
  size_t size;
} lines[2];
static char *buffer;
static size_t buffered;
static int log_fd = -1;
static long long file_bytes;
static unsigned long long lost_bytes;

unsigned long long log_lost_bytes(void) { return lost_bytes; }

void log_open(void) {
  if (options.log_path == NULL) return;
  if (log_fd >= 0) close(log_fd);
  log_fd = open(options.log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  struct stat stat;
  file_bytes = log_fd >= 0 && fstat(log_fd, &stat) == 0 ? (long long)stat.st_size : 0;
}

static void rotate(void) {
  size_t length = strlen(options.log_path) + 16;
  char from[length], to[length];
  for (int number = options.log_max_files - 1; number > 0; number--) {
    if (number == 1) snprintf(from, length, "%s", options.log_path);
    else snprintf(from, length, "%s.%d", options.log_path, number - 1);
    snprintf(to, length, "%s.%d", options.log_path, number);
    rename(from, to);
  }
  if (options.log_max_files <= 1) unlink(options.log_path);
  log_open();
}

static void write_out(void) {
  size_t start = 0;
  while (start < buffered && log_fd >= 0) {
    ssize_t written = write(log_fd, buffer + start, buffered - start);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) break;
    start += (size_t)written;
  }
  lost_bytes += buffered - start;
  file_bytes += (long long)start;
  /* A line cut by a full disk must not swallow the one after it. */
  if (start > 0 && start < buffered && buffer[start - 1] != '\n') {
    ssize_t ended = write(log_fd, "\n", 1);
    (void)ended;
  }
  buffered = 0;
}

void log_flush(void) {
  if (buffered == 0) {
    free(buffer);
    buffer = NULL;
    return;
  }
  write_out();
}

static void emit(int stream, size_t size, int has_newline) {
  struct line *line = &lines[stream];
  if (buffer == NULL && (buffer = malloc(BUFFER)) == NULL) return;
  if (buffered + LONGEST_ENTRY > BUFFER) write_out();
  char *at = buffer + buffered;
  memcpy(at, "{\"log\":\"", 8);
  at += 8;
  at += quote_json(at, LINE * 6, line->bytes, size);
  if (has_newline) {
    memcpy(at, "\\n", 2);
    at += 2;
  }
  char time[40];
  format_time(time, sizeof time);
  at += sprintf(at, "\",\"stream\":\"%s\",\"time\":\"%s\"}\n", stream == STREAM_OUT ? "stdout" : "stderr", time);
  buffered = (size_t)(at - buffer);
  if (options.log_max_bytes > 0 && file_bytes + (long long)buffered >= options.log_max_bytes) {
    write_out();
    rotate();
  }
}

/* Bytes at the end that begin a character whose rest has not come yet. */
static size_t incomplete_tail(const char *bytes, size_t size) {
  for (size_t back = 1; back <= 3 && back <= size; back++) {
    unsigned char byte = (unsigned char)bytes[size - back];
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      size_t wants = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return wants > back ? back : 0;
    }
  }
  return 0;
}

void log_output(int stream, const char *data, size_t size) {
  if (log_fd < 0) return;
  struct line *line = &lines[stream];
  while (size > 0) {
    if (line->bytes == NULL && (line->bytes = malloc(LINE)) == NULL) return;
    size_t room = LINE - line->size, part = size < room ? size : room;
    const char *newline = memchr(data, '\n', part);
    if (newline != NULL) part = (size_t)(newline - data);
    memcpy(line->bytes + line->size, data, part);
    line->size += part;
    data += part;
    size -= part;
    if (newline != NULL) {
      emit(stream, line->size, 1);
      line->size = 0;
      data++;
      size--;
    } else if (line->size == LINE) {
      size_t tail = incomplete_tail(line->bytes, LINE);
      emit(stream, LINE - tail, 0);
      memmove(line->bytes, line->bytes + LINE - tail, tail);
      line->size = tail;
    }
  }
}

void log_end_lines(void) {
  for (int stream = 0; stream < 2; stream++) {
    struct line *line = &lines[stream];
    if (line->size > 0) emit(stream, line->size, 0);
    free(line->bytes);
    *line = (struct line){0};
  }
  log_flush();
}

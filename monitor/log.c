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
  if (buffered > 0) write_out();
}

int log_is_idle(void) { return buffer == NULL; }

/* A container that says nothing costs nothing. */
void log_idle(void) {
  free(buffer);
  buffer = NULL;
}

static char *append(char *at, const char *text, size_t size) {
  memcpy(at, text, size);
  return at + size;
}

/* Lines that came together are told apart by a nanosecond each: `--since` one of them finds it. */
static char now[40];

static void tick(void) {
  for (int place = 28; place > 19 && ++now[place] > '9'; place--) now[place] = '0';
}

static void emit(int stream, const char *bytes, size_t size, int has_newline) {
  if (buffer == NULL && (buffer = malloc(BUFFER)) == NULL) return;
  if (buffered + LONGEST_ENTRY > BUFFER) write_out();
  char *at = append(buffer + buffered, "{\"log\":\"", 8);
  at += quote_json(at, LINE * 6, bytes, size);
  if (has_newline) at = append(at, "\\n", 2);
  at = append(at, stream == STREAM_OUT ? "\",\"stream\":\"stdout\",\"time\":\"" : "\",\"stream\":\"stderr\",\"time\":\"", 28);
  at = append(at, now, TIME_LENGTH);
  tick();
  at = append(at, "\"}\n", 3);
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

/* Adds to the line that has no end yet, and writes it when it has one or is full. Returns what it took of `data`. */
static size_t fill_line(int stream, const char *data, size_t size, const char *newline) {
  struct line *line = &lines[stream];
  if (line->bytes == NULL && (line->bytes = malloc(LINE)) == NULL) return size;
  size_t part = newline != NULL ? (size_t)(newline - data) : size;
  size_t room = LINE - line->size;
  int is_ended = newline != NULL && part <= room;
  if (part > room) part = room;
  memcpy(line->bytes + line->size, data, part);
  line->size += part;
  if (is_ended) {
    emit(stream, line->bytes, line->size, 1);
    line->size = 0;
    return part + 1;
  }
  if (line->size == LINE) {
    size_t tail = incomplete_tail(line->bytes, LINE);
    emit(stream, line->bytes, LINE - tail, 0);
    memmove(line->bytes, line->bytes + LINE - tail, tail);
    line->size = tail;
  }
  return part;
}

void log_output(int stream, const char *data, size_t size) {
  if (log_fd < 0) return;
  format_time(now, sizeof now);
  while (size > 0) {
    const char *newline = memchr(data, '\n', size);
    size_t taken;
    /* Most lines come whole: they are quoted from where they are. */
    if (lines[stream].size == 0 && newline != NULL && newline - data <= LINE) {
      taken = (size_t)(newline - data) + 1;
      emit(stream, data, taken - 1, 1);
    } else taken = fill_line(stream, data, size, newline);
    data += taken;
    size -= taken;
  }
}

void log_end_lines(void) {
  format_time(now, sizeof now);
  for (int stream = 0; stream < 2; stream++) {
    struct line *line = &lines[stream];
    if (line->size > 0) emit(stream, line->bytes, line->size, 0);
    free(line->bytes);
    *line = (struct line){0};
  }
  log_flush();
}

/* One line for each thing that happens to the container, appended to the store's journal. */
#include "monitor.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Labels are the user's: the command leaves them out where they would not fit. */
enum { FACTS = 32 << 10, LINE = FACTS + 2048 };
static char facts[FACTS], line[LINE];

/* One write: lines of others stay whole. */
static void append(int size) {
  if (size <= 0 || size >= LINE) return;
  int fd = open(options.events_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  ssize_t written = write(fd, line, (size_t)size);
  (void)written;
  close(fd);
}

/* The inside of a JSON object is in a file, for the container may get another name meanwhile. */
void event_write(const char *action, const char *more) {
  char time[40];
  FILE *file = options.events_path == NULL ? NULL : fopen("facts", "re");
  if (file == NULL) return;
  if (fgets(facts, sizeof facts, file) != NULL) {
    format_time(time, sizeof time);
    int size = snprintf(line, sizeof line, "{\"time\":\"%s\",\"action\":\"%s\",%s%s}}\n", time, action, facts, more);
    append(size);
  }
  fclose(file);
}

void event_signal(int number) {
  char more[32];
  snprintf(more, sizeof more, ",\"signal\":\"%d\"", number);
  event_write("kill", more);
}

/* What the container gives back at its end: the insides of objects that the command wrote down. */
void events_leave(void) {
  char time[40];
  FILE *file = options.events_path == NULL || options.exec_process ? NULL : fopen("leaving", "re");
  if (file == NULL) return;
  format_time(time, sizeof time);
  while (fgets(facts, sizeof facts, file) != NULL) {
    facts[strcspn(facts, "\n")] = 0;
    append(snprintf(line, sizeof line, "{\"time\":\"%s\",%s}\n", time, facts));
  }
  fclose(file);
  unlink("leaving");
}

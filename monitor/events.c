/* One line for each thing that happens to the container, appended to the store's journal. */
#include "monitor.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* `facts` is the inside of a JSON object: what the command knew of the container. One write: lines of others stay whole. */
void event_write(const char *action, const char *name, const char *value) {
  if (options.events_path == NULL || options.event_facts == NULL) return;
  char time[40], line[2048];
  format_time(time, sizeof time);
  int size = snprintf(line, sizeof line, "{\"time\":\"%s\",\"action\":\"%s\",%s%s%s%s%s%s}}\n", time, action, options.event_facts,
                      name ? ",\"" : "", name ? name : "", name ? "\":\"" : "", name ? value : "", name ? "\"" : "");
  if (size <= 0 || (size_t)size >= sizeof line) return;
  int fd = open(options.events_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  ssize_t written = write(fd, line, (size_t)size);
  (void)written;
  close(fd);
}

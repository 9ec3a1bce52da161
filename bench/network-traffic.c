/*
 * Requests over TCP: one byte there and one back. In C, so that what is timed is the network and not this program.
 *   network-traffic serve PORT
 *   network-traffic requests HOST PORT COUNT      all on one connection; prints the seconds
 *   network-traffic connections HOST PORT COUNT   a connection for each
 *   network-traffic look-ups SERVER NAME COUNT    questions over UDP for the address of a name
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static struct sockaddr_in address_of(const char *host, const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) errx(1, "no address: %s", host);
  return address;
}

static int connected(const struct sockaddr_in *to) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (fd < 0 || connect(fd, (const void *)to, sizeof *to) < 0) err(1, "connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static void request(int fd) {
  char byte = 'x';
  if (write(fd, &byte, 1) != 1 || read(fd, &byte, 1) != 1) err(1, "request");
}

static void serve(const char *port) {
  struct sockaddr_in any = address_of("0.0.0.0", port);
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (void *)&any, sizeof any) < 0 || listen(listener, 1024) < 0) err(1, "listen");
  int poller = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
  while (epoll_wait(poller, &event, 1, -1) >= 0) {
    int fd = event.data.fd;
    char byte;
    if (fd == listener) {
      event.data.fd = accept(listener, NULL, NULL);
      if (event.data.fd < 0) continue;
      setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      epoll_ctl(poller, EPOLL_CTL_ADD, event.data.fd, &event);
    } else if (read(fd, &byte, 1) != 1 || write(fd, &byte, 1) != 1) {
      close(fd);
    }
  }
}

static void look_up(const struct sockaddr_in *server, const char *name) {
  unsigned char question[300] = {0, 1, 1, 0, 0, 1}, answer[2048];
  size_t length = strlen(name);
  if (length > 63) errx(1, "name too long");
  question[12] = length;
  memcpy(question + 13, name, length);
  memcpy(question + 13 + length, "\0\0\1\0\1", 5);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct pollfd waiting = {.fd = fd, .events = POLLIN};
  if (connect(fd, (const void *)server, sizeof *server) < 0) err(1, "connect");
  if (send(fd, question, 18 + length, 0) < 0 || poll(&waiting, 1, 3000) != 1) errx(1, "no answer");
  if (recv(fd, answer, sizeof answer, 0) < 12 || answer[7] != 1) errx(1, "wrong answer");
  close(fd);
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "serve") == 0) serve(argv[2]);
  if (argc != 5) errx(2, "usage: see the head of network-traffic.c");
  int count = atoi(argv[4]);
  if (strcmp(argv[1], "look-ups") == 0) {
    struct sockaddr_in server = address_of(argv[2], "53");
    double taken = 0;
    for (int i = 0; i < count; i++) {
      double from = seconds();
      look_up(&server, argv[3]);
      taken += seconds() - from;
      /* As programs ask: now and then. */
      usleep(1000);
    }
    printf("%f\n", taken);
    return 0;
  }
  struct sockaddr_in to = address_of(argv[2], argv[3]);
  double from = seconds();
  if (strcmp(argv[1], "requests") == 0) {
    int fd = connected(&to);
    from = seconds();
    for (int i = 0; i < count; i++) request(fd);
  } else {
    for (int i = 0; i < count; i++) {
      int fd = connected(&to);
      request(fd);
      close(fd);
    }
  }
  printf("%f\n", seconds() - from);
}

// Dynamically linked: the C library's name service, its accounts and its zones.
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void) {
  struct servent *service = getservbyname("https", "tcp");
  struct hostent *host = gethostbyname("server.test");
  time_t moment = 1782864000;  // 2026-07-01T00:00Z
  struct passwd *self = getpwuid(getuid());
  printf("%s %d %d %d\n", self == NULL ? "-" : self->pw_name, service == NULL ? 0 : service->s_port >> 8,
         host == NULL ? 0 : host->h_addr_list[0][0], localtime(&moment)->tm_hour);
}

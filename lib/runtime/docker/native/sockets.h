/* Sockets of programs that have no C library: constants, and the listener that the node connects to. */
#pragma once
#include "syscalls.h"

enum { af_unix = 1, stream = 1, nonblock = 04000, cloexec = 02000000 };
/* Exit status: greater than all error numbers of the kernel (errno(3)). */
enum { cannot_listen = 200 };
enum { backlog = 128, msg_dontwait = 0x40, pollin = 1, eagain = 11 };

struct pollfd {
  int fd;
  short events, revents;
};

static word wait_for_events(struct pollfd *polled, int count) {
  return call(sys_ppoll, (word)polled, count, 0, 0, 0, 0);
}

static int listen_at(const char *path) {
  struct {
    unsigned short family;
    char path[108];
  } address = {af_unix, {0}};
  for (int at = 0; path[at]; at++) {
    if (at == sizeof address.path - 1) quit(cannot_listen);
    address.path[at] = path[at];
  }
  int fd = call(sys_socket, af_unix, stream | nonblock | cloexec, 0, 0, 0, 0);
  /* The node is another user. The folder is closed to everybody else. */
  call(sys_umask, 0, 0, 0, 0, 0, 0);
  if (fd < 0 || call(sys_bind, fd, (word)&address, sizeof address, 0, 0, 0) < 0) quit(cannot_listen);
  if (call(sys_listen, fd, backlog, 0, 0, 0, 0) < 0) quit(cannot_listen);
  return fd;
}

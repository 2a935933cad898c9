/*
 * relay SOCKET: lets the node into the network namespace that the relay is in, and nobody else.
 *
 * Each connection to the unix socket is joined to one to port 8080 of the namespace's loopback. The
 * first byte that the node gets is a `+`, once that connection stands; where nobody listens, its own
 * is closed without it. What one side cannot take yet is left in the kernel's buffer of the other.
 */
#include "sockets.h"

START;

enum { port = 8080, max_pairs = 400, buffer_bytes = 1 << 16 };
enum { af_inet = 2, sol_socket = 1, so_error = 4, ipproto_tcp = 6, tcp_nodelay = 1 };
enum { msg_peek = 2, msg_nosignal = 0x4000 };
enum { pollout = 4, pollerr = 8, pollhup = 16 };
enum { eintr = 4, einprogress = 115 };

/* Ends of connections: of a pair, the even one is to the node and the odd one to the server. */
struct end {
  int fd;
  /* True if it takes no more for now, and if its connection does not stand yet. */
  char full, connecting;
};

static struct end ends[2 * max_pairs];
static struct pollfd polled[2 * max_pairs + 1];
static char buffer[buffer_bytes];
/* How many pairs there are, and the end of those in use. */
static int pairs, top;

static int is_server(int at) { return at & 1; }

static void close_pair(int at) {
  int pair = at & ~1;
  call(sys_close, ends[pair].fd, 0, 0, 0, 0, 0);
  call(sys_close, ends[pair + 1].fd, 0, 0, 0, 0, 0);
  ends[pair].fd = ends[pair + 1].fd = -1;
  pairs--;
  while (top > 0 && ends[top - 2].fd < 0) top -= 2;
}

static int connect_server(void) {
  struct {
    unsigned short family;
    unsigned char port[2], address[4], zero[8];
  } address = {af_inet, {port >> 8, port & 0xff}, {127, 0, 0, 1}, {0}};
  int one = 1;
  int fd = call(sys_socket, af_inet, stream | nonblock | cloexec, 0, 0, 0, 0);
  if (fd < 0) return -1;
  call(sys_setsockopt, fd, ipproto_tcp, tcp_nodelay, (word)&one, sizeof one, 0);
  word result = call(sys_connect, fd, (word)&address, sizeof address, 0, 0, 0);
  if (result == 0 || result == -einprogress) return fd;
  call(sys_close, fd, 0, 0, 0, 0, 0);
  return -1;
}

static void accept_one(int listener) {
  int client = call(sys_accept4, listener, 0, 0, nonblock | cloexec, 0, 0);
  if (client < 0) return;
  int server = connect_server();
  if (server < 0) {
    call(sys_close, client, 0, 0, 0, 0, 0);
    return;
  }
  int pair = 0;
  while (ends[pair].fd >= 0) pair += 2;
  ends[pair] = (struct end){client, 0, 0};
  ends[pair + 1] = (struct end){server, 1, 1};
  if (pair == top) top += 2;
  pairs++;
}

/* Hands on what an end has got. */
static void pass(int from) {
  int to = from ^ 1;
  word got = call(sys_recvfrom, ends[from].fd, (word)buffer, buffer_bytes, msg_peek | msg_dontwait, 0, 0);
  if (got == -eagain || got == -eintr) return;
  if (got <= 0) return close_pair(from);
  word sent = call(sys_sendto, ends[to].fd, (word)buffer, got, msg_dontwait | msg_nosignal, 0, 0);
  if (sent == -eintr) return;
  if (sent == -eagain) {
    ends[to].full = 1;
    return;
  }
  if (sent < 0) {
    /* A server may answer and close before it has read all: its answer is still to come. */
    if (!is_server(to)) return close_pair(from);
    sent = got;
  }
  call(sys_recvfrom, ends[from].fd, (word)buffer, sent, msg_dontwait, 0, 0);
}

static void connected(int server) {
  int error = 0, bytes = sizeof error;
  call(sys_getsockopt, ends[server].fd, sol_socket, so_error, (word)&error, (word)&bytes, 0);
  if (error) return close_pair(server);
  ends[server].connecting = ends[server].full = 0;
  call(sys_sendto, ends[server ^ 1].fd, (word) "+", 1, msg_dontwait | msg_nosignal, 0, 0);
}

static void serve(int at, int revents) {
  if (ends[at].fd < 0 || !revents) return;
  /* The node does not close one direction alone: nobody waits for an answer. */
  if (!is_server(at) && revents & (pollerr | pollhup)) return close_pair(at);
  if (ends[at].connecting) return connected(at);
  if (revents & pollout) ends[at].full = 0;
  if (revents & (pollin | pollerr | pollhup)) pass(at);
}

static void watch(int at) {
  struct end *end = &ends[at];
  short events = (ends[at ^ 1].full ? 0 : pollin) | (end->full ? pollout : 0);
  /* Without events it would still tell its end, over and over. */
  int quiet = is_server(at) && !events;
  polled[at + 1] = (struct pollfd){quiet ? -1 : end->fd, events, 0};
}

__attribute__((noreturn, used)) void begin(word *stack) {
  if (stack[0] != 2) quit(1);
  int listener = listen_at(arguments(stack)[1]);
  for (int at = 0; at < 2 * max_pairs; at++) ends[at].fd = -1;
  for (;;) {
    polled[0] = (struct pollfd){pairs < max_pairs ? listener : -1, pollin, 0};
    for (int at = 0; at < top; at++) watch(at);
    if (wait_for_events(polled, top + 1) <= 0) continue;
    for (int at = 0; at < top; at++) serve(at, polled[at + 1].revents);
    if (polled[0].revents) accept_one(listener);
  }
}

/*
 * fence TABLE SOCKET: keeps a table of nf_tables, the kernel's firewall, in place.
 *
 * Sends the netlink messages in the file `install` of the current folder, which the node has written.
 * When the kernel has accepted them, listens at the socket, otherwise ends with the kernel's error number;
 * other failures have exit statuses of their own, from 200.
 * Sends them again whenever another program has changed the table, such as a firewall service that
 * replaces all rules. On SIGTERM it sends the file `remove` and ends.
 */
#include "sockets.h"

START;

enum { af_netlink = 16, raw = 3, netlink_netfilter = 12, group_nftables = 1 << 6 };
enum { message_error = 2, subsystem = 10, header_bytes = 16, first_attribute = 20, table_name = 1 };
enum { type_mask = 0x3fff, at_cwd = -100, sig_block = 0, sigterm = 15, signal_bytes = 8 };
enum { eintr = 4, einval = 22, max_bytes = 1 << 16 };
enum { cannot_read = 201, too_long = 202 };

struct message {
  unsigned int length;
  unsigned short type, flags;
  unsigned int sequence, sender;
};

struct batch {
  word length;
  char bytes[max_bytes];
};

static struct batch install, removal;
static char received[max_bytes] __attribute__((aligned(8)));

static void read_file(const char *path, struct batch *batch) {
  word file = call(sys_openat, at_cwd, (word)path, cloexec, 0, 0, 0);
  if (file < 0) quit(cannot_read);
  for (;;) {
    word count = call(sys_read, file, (word)batch->bytes + batch->length, max_bytes - batch->length, 0, 0, 0);
    if (count < 0) quit(cannot_read);
    if (count == 0) break;
    batch->length += count;
  }
  if (batch->length == max_bytes) quit(too_long);
  call(sys_close, file, 0, 0, 0, 0, 0);
}

/* Opens a socket to the kernel's netfilter and stores its address, by which the kernel names its changes. */
static int open_netlink(unsigned int groups, unsigned int *id) {
  struct {
    unsigned short family, pad;
    unsigned int id, groups;
  } address = {af_netlink, 0, 0, groups};
  int bytes = sizeof address;
  word fd = call(sys_socket, af_netlink, raw | cloexec, netlink_netfilter, 0, 0, 0);
  if (fd < 0) quit(-fd);
  word result = call(sys_bind, fd, (word)&address, sizeof address, 0, 0, 0);
  if (result >= 0) result = call(sys_getsockname, fd, (word)&address, (word)&bytes, 0, 0, 0);
  if (result < 0) quit(-result);
  *id = address.id;
  return fd;
}

static word receive(int fd, int flags) {
  return call(sys_recvfrom, fd, (word)received, max_bytes, flags, 0, 0);
}

/* Sends a batch, which the kernel applies as a whole or not at all. Returns its error number, or 0. */
static int apply(int fd, const struct batch *batch) {
  while (receive(fd, msg_dontwait) > 0) continue;
  word sent = call(sys_sendto, fd, (word)batch->bytes, batch->length, 0, 0, 0);
  if (sent < 0) return -sent;
  for (;;) {
    word count = receive(fd, 0);
    if (count == -eintr) continue;
    if (count < 0) return -count;
    struct message *message = (struct message *)received;
    /* The first one counts: a batch may have several errors. */
    if (count >= header_bytes + 4 && message->type == message_error) {
      return -*(int *)(received + header_bytes);
    }
  }
}

/* Whether a message reports another program's change of the table, or of its chains and rules. */
static int is_change(const struct message *message, unsigned int own, const char *table) {
  if (message->type >> 8 != subsystem || message->sender == own) return 0;
  if (message->length < first_attribute + 4) return 0;
  const char *bytes = (const char *)message;
  const unsigned short *attribute = (const unsigned short *)(bytes + first_attribute);
  if ((attribute[1] & type_mask) != table_name) return 0;
  const char *name = bytes + first_attribute + 4, *end = bytes + message->length;
  while (name < end && *name == *table && *table) name++, table++;
  return name < end && *name == *table;
}

/* Reads all reports. */
static int was_changed(int fd, unsigned int own, const char *table) {
  int changed = 0;
  for (;;) {
    word count = receive(fd, msg_dontwait);
    if (count == -eagain) return changed;
    /* Too many reports for the socket's buffer: some are lost. */
    if (count <= 0) return 1;
    for (word at = 0; at + header_bytes <= count;) {
      const struct message *message = (const struct message *)(received + at);
      if (message->length < header_bytes || message->length > count - at) break;
      if (is_change(message, own, table)) changed = 1;
      at += (message->length + 3) & ~3u;
    }
  }
}

/* Lets another program complete its changes. Two that undo each other's changes do not take the processor. */
static void pause_shortly(void) {
  word time[2] = {0, 10 * 1000 * 1000};
  call(sys_ppoll, 0, 0, (word)time, 0, 0, 0);
}

__attribute__((noreturn, used)) void begin(word *stack) {
  if (stack[0] != 3) quit(einval);
  const char *table = arguments(stack)[1];
  unsigned int own, unused;
  unsigned long ends = 1UL << (sigterm - 1);
  call(sys_rt_sigprocmask, sig_block, (word)&ends, 0, signal_bytes, 0, 0);
  int signals = call(sys_signalfd4, -1, (word)&ends, signal_bytes, cloexec, 0, 0);
  read_file("install", &install);
  read_file("remove", &removal);
  int commands = open_netlink(0, &own), reports = open_netlink(group_nftables, &unused);
  int error = apply(commands, &install);
  if (error) quit(error);
  listen_at(arguments(stack)[2]);
  for (;;) {
    struct pollfd polled[] = {{signals, pollin, 0}, {reports, pollin, 0}};
    if (wait_for_events(polled, 2) <= 0) continue;
    if (polled[0].revents) quit(apply(commands, &removal));
    if (polled[1].revents && was_changed(reports, own, table)) {
      pause_shortly();
      error = apply(commands, &install);
      if (error) quit(error);
    }
  }
}

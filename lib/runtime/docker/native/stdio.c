/*
 * stdio [generic]: the executor of programs that read a request from standard input and write the
 * answer to standard output. Each call is a process of its own; see ../../PROTOCOL.md for the wire.
 *
 * Its standard input is a file in memory with the params, or for requests over plain HTTP, where the
 * function asks for it, with the body. Standard error goes to the node as it is written. A call ends
 * with its process: what that leaves running is killed.
 */
#include "syscalls.h"

START;

#include "json.h"
#include "stdio_request.h"

enum { max_calls = 64, max_id = 256 };
enum { mib = 1 << 20, max_frame = 64 * mib, max_result = 32 * mib, max_log = mib, log_piece = 1 << 14 };
enum { af_unix = 1, stream = 1, cloexec = 02000000, nonblock = 04000, f_setfl = 4 };
enum { sig_kill = 9, sig_term = 15, sig_chld = 17, sig_block = 0, sig_setmask = 2, wnohang = 1 };
enum { eintr = 4 };
enum { pollin = 1, set_subreaper = 36, clock_monotonic = 1, grace_ms = 250 };

struct pollfd {
  int fd;
  short events, revents;
};

/* Bytes that grow. */
struct buffer {
  char *data;
  size length, room;
};

struct call {
  /* 0 where no call is. */
  int pid;
  int out, err;
  struct buffer result;
  /* As it came: in quotes, escaped. */
  char id[max_id];
  size id_length;
  /* Characters of standard error that are still passed on, and the beginning of one that is not complete. */
  word log_room;
  char rest[4];
  size rest_length;
  char is_http, is_cancelled, is_too_long;
  /* When it is killed, ms; 0: not yet. */
  word kill_at;
};

static struct call calls[max_calls];
static int children, running;
static struct buffer input;
static size result_bound;
static unsigned long usual_mask;

static void reserve(struct buffer *buffer, size room) {
  if (room <= buffer->room) return;
  size wanted = buffer->room ? buffer->room * 2 : chunk;
  while (wanted < room) wanted *= 2;
  if (!buffer->room) {
    buffer->data = map(wanted);
  } else {
    word at = call(sys_mremap, (word)buffer->data, buffer->room, wanted, 1, 0, 0);
    if (at < 0 && at > -4096) quit(1);
    buffer->data = (char *)at;
  }
  buffer->room = wanted;
}

static void release(struct buffer *buffer) {
  if (buffer->room) call(sys_munmap, (word)buffer->data, buffer->room, 0, 0, 0, 0);
  *buffer = (struct buffer){0};
}

static void put_id(struct call *one) { put_pieces((struct piece){one->id, one->id + one->id_length}, 0); }

/* A result in the reply's quotes: an HTTP response with a body of bytes. */
static void put_response(struct piece body, const char *type) {
  put_pieces(text("{\"statusCode\":200,\"headers\":{\"content-type\":"), 1);
  put_pieces(text(type), 1);
  put_pieces(text("},\"body\":\""), 1);
  put_base64(body);
  put_pieces(text("\",\"isBase64Encoded\":true}"), 1);
}

/* As WebAssembly commands have it: JSON is itself, nothing is null, other text a string. */
static void put_result(struct call *one, struct piece bytes, int is_text) {
  if (one->is_http) {
    const char *type = is_text ? "\"text/plain; charset=UTF-8\"" : "\"application/octet-stream\"";
    return put_response(bytes, bytes.from == bytes.to ? "[]" : type);
  }
  if (bytes.from == bytes.to) return put_text("null");
  if (!is_text) return put_response(bytes, "\"application/octet-stream\"");
  if (bytes.to[-1] == '\n') bytes.to--;
  if (bytes.from < bytes.to && bytes.to[-1] == '\r') bytes.to--;
  const char *end = value_end(bytes.from, bytes.to);
  if (end && spaces(end, bytes.to) == bytes.to) return put_pieces(bytes, 1);
  put_text("\\\"");
  put_pieces(bytes, 2);
  put_text("\\\"");
}

static void succeed(struct call *one) {
  struct piece bytes = {one->result.data, one->result.data + one->result.length};
  int is_text = is_utf8((unsigned char *)bytes.from, (unsigned char *)bytes.to);
  begin_frame();
  do {
    put_text("{\"id\":");
    put_id(one);
    put_text(",\"ok\":true,\"result\":\"");
    put_result(one, bytes, is_text);
    put_text("\",\"output\":\"\"}");
  } while (again());
}

static void fail(struct call *one, const char *type, const char *message, word number, const char *unit) {
  begin_frame();
  do {
    put_text("{\"id\":");
    put_id(one);
    put_text(",\"ok\":false,\"error\":{\"type\":\"");
    put_text(type);
    put_text("\",\"message\":\"");
    put_text(message);
    if (number >= 0) put_number(number);
    put_text(unit);
    put_text("\",\"traceback\":\"\"},\"output\":\"\"}");
  } while (again());
}

static void log_text(struct call *one, struct piece piece, const char *notice) {
  begin_frame();
  do {
    put_text("{\"log\":");
    put_id(one);
    put_text(",\"text\":\"");
    put_pieces(piece, 1);
    put_text(notice);
    put_text("\"}");
  } while (again());
}

/* Tells the node what has come from standard error; `is_last` also characters that are not complete. */
static void pass_errors(struct call *one, int is_last) {
  static char data[log_piece + 4];
  /* Bounded: what has left the group of its call may go on writing. */
  for (int round = 0; round < 64; round++) {
    memcpy(data, one->rest, one->rest_length);
    word got = call(sys_read, one->err, (word)data + one->rest_length, log_piece, 0, 0, 0);
    size count = one->rest_length + (got > 0 ? got : 0);
    size rest = got > 0 || !is_last ? incomplete_end(data, count) : 0;
    memcpy(one->rest, data + count - rest, rest);
    one->rest_length = rest;
    count -= rest;
    if (count && one->log_room >= 0) {
      int is_over = (word)count > one->log_room;
      if (is_over) count = one->log_room - incomplete_end(data, one->log_room);
      log_text(one, (struct piece){data, data + count},
               is_over ? "\\n[output cut here: it is longer than 1 MiB]\\n" : "");
      one->log_room = is_over ? -1 : one->log_room - (word)count;
    }
    if (got == 0) {
      call(sys_close, one->err, 0, 0, 0, 0, 0);
      one->err = -1;
    }
    if (got <= 0 && got != -eintr) return;
    if (!is_last) return;
  }
}

static void kill_group(struct call *one, int signal) { call(sys_kill, -one->pid, signal, 0, 0, 0, 0); }

static void take_result(struct call *one) {
  for (;;) {
    reserve(&one->result, one->result.length + chunk);
    word got = call(sys_read, one->out, (word)one->result.data + one->result.length, chunk, 0, 0, 0);
    if (got == -eintr) continue;
    if (got == 0) {
      call(sys_close, one->out, 0, 0, 0, 0, 0);
      one->out = -1;
    }
    if (got <= 0) return;
    one->result.length += got;
    if (one->result.length <= result_bound) continue;
    one->is_too_long = 1;
    one->result.length = 0;
    call(sys_close, one->out, 0, 0, 0, 0, 0);
    one->out = -1;
    return kill_group(one, sig_kill);
  }
}

/* Kills orphans of calls, which are children of this process; only while no call runs. */
static void kill_orphans(void) {
  static char list[4096];
  for (int round = 0; round < 100; round++) {
    int file = call(sys_openat, -100, (word) "/proc/thread-self/children", cloexec, 0, 0, 0);
    word count = file < 0 ? 0 : call(sys_read, file, (word)list, sizeof list, 0, 0, 0);
    if (file >= 0) call(sys_close, file, 0, 0, 0, 0, 0);
    if (count <= 0) return;
    word pid = 0;
    for (word at = 0; at < count; at++) {
      if (list[at] >= '0' && list[at] <= '9') {
        pid = pid * 10 + list[at] - '0';
      } else if (pid) {
        call(sys_kill, pid, sig_kill, 0, 0, 0, 0);
        call(sys_wait4, pid, 0, 0, 0, 0, 0);
        pid = 0;
      }
    }
  }
}

static void end_call(struct call *one, int status) {
  int signal = status & 0x7f;
  kill_group(one, sig_kill);
  if (running == 1) kill_orphans();
  if (one->out >= 0) take_result(one);
  if (one->err >= 0) pass_errors(one, 1);
  if (one->out >= 0) call(sys_close, one->out, 0, 0, 0, 0, 0);
  if (one->err >= 0) call(sys_close, one->err, 0, 0, 0, 0, 0);
  if (one->is_too_long) {
    fail(one, "ResultTooLarge", "The program wrote more than ", result_bound / mib,
         " MiB to its standard output: write less, or give the function more memory");
  } else if (one->is_cancelled) {
    fail(one, "Interrupted", "The program was ended, since its time was up or its caller has left", -1, "");
  } else if (signal) {
    fail(one, "Signal", "the program was ended by signal ", signal,
         signal == sig_kill ? ", perhaps because memory was short" : "");
  } else if (status) {
    fail(one, "ExitStatus", "the program ended with exit status ", status >> 8 & 0xff, "");
  } else {
    succeed(one);
  }
  release(&one->result);
  one->pid = 0;
  running--;
}

static void reap(void) {
  for (;;) {
    int status = 0;
    word pid = call(sys_wait4, -1, (word)&status, wnohang, 0, 0, 0);
    if (pid <= 0) return;
    for (int at = 0; at < max_calls; at++) {
      if (calls[at].pid == pid) end_call(&calls[at], status);
    }
  }
}

static struct call *free_call(void) {
  for (int at = 0; at < max_calls; at++) if (!calls[at].pid) return &calls[at];
  return 0;
}

static void start_call(struct piece frame, struct piece id) {
  struct call *one = free_call();
  int out[2], err[2];
  if (!one || id.to - id.from > max_id) quit(1);
  *one = (struct call){.out = -1, .err = -1, .log_room = max_log, .id_length = id.to - id.from};
  memcpy(one->id, id.from, one->id_length);
  struct piece params = member(frame, "params");
  struct request request = read_request(params, variable("SERVERLEDGE_HTTP"));
  one->is_http = request.is_http;
  int in = call(sys_memfd_create, (word) "stdin", 1, 0, 0, 0, 0);
  if (in < 0 || call(sys_pipe2, (word)out, cloexec, 0, 0, 0, 0) < 0 ||
      call(sys_pipe2, (word)err, cloexec, 0, 0, 0, 0) < 0) {
    fail(one, "StartFailed", "The executor has no descriptors left for the program", -1, "");
    if (in >= 0) call(sys_close, in, 0, 0, 0, 0, 0);
    return;
  }
  write_all(in, request.body.from, request.body.to - request.body.from);
  blank_body(&request);
  call(sys_lseek, in, 0, 0, 0, 0, 0);
  word pid = fork();
  if (pid == 0) {
    call(sys_setpgid, 0, 0, 0, 0, 0, 0);
    call(sys_rt_sigprocmask, sig_setmask, (word)&usual_mask, 0, 8, 0, 0);
    call(sys_dup3, in, 0, 0, 0, 0, 0);
    call(sys_dup3, out[1], 1, 0, 0, 0, 0);
    call(sys_dup3, err[1], 2, 0, 0, 0, 0);
    add_call_variables(&request, id, member(frame, "timeoutMs"));
    become_program(variable("SERVERLEDGE_HANDLER"));
  }
  call(sys_close, in, 0, 0, 0, 0, 0);
  call(sys_close, out[1], 0, 0, 0, 0, 0);
  call(sys_close, err[1], 0, 0, 0, 0, 0);
  if (pid < 0) {
    call(sys_close, out[0], 0, 0, 0, 0, 0);
    call(sys_close, err[0], 0, 0, 0, 0, 0);
    return fail(one, "StartFailed", "The program cannot be started: too many processes", -1, "");
  }
  /* Also by the child; whoever is first. */
  call(sys_setpgid, pid, pid, 0, 0, 0, 0);
  call(sys_fcntl, out[0], f_setfl, nonblock, 0, 0, 0);
  call(sys_fcntl, err[0], f_setfl, nonblock, 0, 0, 0);
  one->out = out[0];
  one->err = err[0];
  one->pid = pid;
  running++;
}

static void cancel(struct piece id) {
  for (int at = 0; at < max_calls; at++) {
    struct call *one = &calls[at];
    size same = 0;
    while (same < one->id_length && id.from + same < id.to && id.from[same] == one->id[same]) same++;
    if (!one->pid || same != one->id_length || one->kill_at) continue;
    one->is_cancelled = 1;
    one->kill_at = now(clock_monotonic) + grace_ms;
    kill_group(one, sig_term);
  }
}

static void set_bound(void) {
  size memory = 0;
  for (const char *at = variable("SERVERLEDGE_MEMORY_MIB"); *at; at++) memory = memory * 10 + *at - '0';
  /* The program, its input and its data need memory as well. */
  result_bound = memory * mib / 4 < max_result ? memory * mib / 4 : max_result;
}

static void accept_frame(struct piece frame) {
  struct piece id = member(frame, "id"), cancelled = member(frame, "cancel");
  if (cancelled.from) return cancel(cancelled);
  if (!id.from) return;
  struct piece load = member(frame, "load");
  if (!load.from) return start_call(frame, id);
  take_variables(member(load, "env"));
  set_bound();
  begin_frame();
  do {
    put_text("{\"id\":");
    put_pieces(id, 0);
    put_text(",\"ok\":true,\"result\":\"null\",\"output\":\"\"}");
  } while (again());
}

static void receive(void) {
  reserve(&input, input.length + chunk);
  word got = call(sys_read, node, (word)input.data + input.length, input.room - input.length, 0, 0, 0);
  if (got == -eintr) return;
  if (got <= 0) quit(0);
  input.length += got;
  size from = 0;
  while (input.length - from >= 4) {
    unsigned char *head = (unsigned char *)input.data + from;
    size bytes = (size)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
    if (bytes > max_frame) quit(1);
    if (input.length - from - 4 < bytes) {
      reserve(&input, from + 4 + bytes);
      break;
    }
    const char *at = input.data + from + 4;
    accept_frame((struct piece){at, at + bytes});
    from += 4 + bytes;
  }
  if (!from) return;
  size left = input.length - from;
  if (left) {
    struct buffer rest = {0};
    reserve(&rest, left);
    memcpy(rest.data, input.data + from, left);
    rest.length = left;
    release(&input);
    input = rest;
  } else if (input.room > mib) {
    release(&input);
  }
  input.length = left;
}

static void connect_node(const char *path) {
  struct {
    unsigned short family;
    char path[108];
  } address = {af_unix, {0}};
  if (length(path) >= sizeof address.path) quit(1);
  memcpy(address.path, path, length(path));
  node = call(sys_socket, af_unix, stream | cloexec, 0, 0, 0, 0);
  if (node < 0 || call(sys_connect, node, (word)&address, sizeof address, 0, 0, 0) < 0) quit(1);
}

static word wait_for_events(struct pollfd *polled, int count, word ms) {
#ifdef __x86_64__
  return call(sys_poll, (word)polled, count, ms, 0, 0, 0);
#else
  word time[2] = {ms / 1000, ms % 1000 * 1000000};
  return call(sys_ppoll, (word)polled, count, ms < 0 ? 0 : (word)time, 0, 0, 0);
#endif
}

static void serve(void) {
  static struct pollfd polled[2 + 2 * max_calls];
  word wait = -1;
  polled[0] = (struct pollfd){node, pollin, 0};
  polled[1] = (struct pollfd){children, pollin, 0};
  for (int at = 0; at < max_calls; at++) {
    struct call *one = &calls[at];
    polled[2 + 2 * at] = (struct pollfd){one->pid ? one->out : -1, pollin, 0};
    polled[3 + 2 * at] = (struct pollfd){one->pid ? one->err : -1, pollin, 0};
    if (!one->pid || !one->kill_at) continue;
    word left = one->kill_at - now(clock_monotonic);
    if (left <= 0) kill_group(one, sig_kill);
    else if (wait < 0 || left < wait) wait = left;
  }
  if (wait_for_events(polled, 2 + 2 * max_calls, wait) < 0) return;
  for (int at = 0; at < max_calls; at++) {
    struct call *one = &calls[at];
    if (one->pid && polled[2 + 2 * at].revents) take_result(one);
    if (one->pid && polled[3 + 2 * at].revents) pass_errors(one, 0);
  }
  if (polled[1].revents) {
    char events[128];
    call(sys_read, children, (word)events, sizeof events, 0, 0, 0);
    reap();
  }
  if (polled[0].revents) receive();
}

__attribute__((noreturn, used)) void begin(word *stack) {
  unsigned long mask = 1UL << (sig_chld - 1);
  const char *socket = "", *token = "", *found;
  for (char **at = environment(stack); *at; at++) {
    const char *end = *at + length(*at);
    if ((found = word_end(*at, end, "SERVERLEDGE_SOCKET="))) socket = found;
    else if ((found = word_end(*at, end, "SERVERLEDGE_TOKEN="))) token = found;
    else set_variable(*at);
  }
  found = word_end(variable("SERVERLEDGE_HANDLER"), variable("SERVERLEDGE_HANDLER") + 9, "executor:");
  if (found) {
    /* The program speaks the protocol itself. */
    variable_count = 0;
    for (char **at = environment(stack); *at; at++) set_variable(*at);
    become_program(found);
  }
  call(sys_rt_sigprocmask, sig_block, (word)&mask, (word)&usual_mask, 8, 0, 0);
  children = call(sys_signalfd4, -1, (word)&mask, 8, cloexec | nonblock, 0, 0);
  call(sys_prctl, set_subreaper, 1, 0, 0, 0, 0);
  set_bound();
  connect_node(socket);
  begin_frame();
  do {
    put_text("{\"token\":\"");
    put_pieces(text(token), 1);
    put_text("\"}");
  } while (again());
  for (;;) serve();
}

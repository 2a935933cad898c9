/*
 * An executor of its own: says hello, and answers each call with its params. If they name a function
 * (`{"invoke":NAME,...}`), it invokes that with the params, and answers with what comes back.
 */
#include "../../../lib/runtime/docker/native/syscalls.h"

START;

#include "../../../lib/runtime/docker/native/json.h"

static char frame[1 << 16];

static const char *variable(char **all, const char *name) {
  const char *found = "";
  for (; *all; all++) {
    const char *value = word_end(*all, *all + length(*all), name);
    if (value) found = value;
  }
  return found;
}

static int read_all(char *to, size count) {
  while (count) {
    word got = call(sys_read, node, (word)to, count, 0, 0, 0);
    if (got <= 0) return 0;
    to += got;
    count -= got;
  }
  return 1;
}

/* The call in progress; calls run one at a time. */
static char call_id[256];

static void ask(struct piece id, struct piece function, struct piece params) {
  size bytes = id.to - id.from;
  if (bytes >= sizeof call_id) quit(1);
  memcpy(call_id, id.from, bytes);
  call_id[bytes] = 0;
  begin_frame();
  do {
    put_text("{\"invoke\":1,\"call\":");
    put_text(call_id);
    put_text(",\"function\":");
    put_pieces(function, 0);
    put_text(",\"params\":");
    put_pieces(params, 0);
    put_text("}");
  } while (again());
}

static void invoked(struct piece frame) {
  struct piece result = member(frame, "result"), error = member(frame, "error");
  begin_frame();
  do {
    put_text("{\"id\":");
    put_text(call_id);
    if (result.from) {
      put_text(",\"ok\":true,\"result\":");
      put_pieces(result, 0);
    } else {
      put_text(",\"ok\":false,\"error\":{\"type\":");
      put_pieces(member(error, "code"), 0);
      put_text(",\"message\":");
      put_pieces(member(error, "message"), 0);
      put_text(",\"traceback\":\"\"}");
    }
    put_text(",\"output\":\"\"}");
  } while (again());
}

static void answer(struct piece call) {
  if (member(call, "invoked").from) return invoked(call);
  struct piece id = member(call, "id"), params = member(call, "params");
  if (!id.from) return;
  struct piece function = member(params, "invoke");
  if (function.from) return ask(id, function, params);
  begin_frame();
  do {
    put_text("{\"id\":");
    put_pieces(id, 0);
    put_text(",\"ok\":true,\"result\":\"[\\\"own\\\",");
    put_pieces(params, 1);
    put_text("]\",\"output\":\"\"}");
  } while (again());
}

__attribute__((noreturn, used)) void begin(word *stack) {
  struct {
    unsigned short family;
    char path[108];
  } address = {1, {0}};
  const char *path = variable(environment(stack), "SERVERLEDGE_SOCKET=");
  memcpy(address.path, path, length(path));
  node = call(sys_socket, 1, 1, 0, 0, 0, 0);
  if (call(sys_connect, node, (word)&address, sizeof address, 0, 0, 0) < 0) quit(1);
  begin_frame();
  do {
    put_text("{\"token\":\"");
    put_text(variable(environment(stack), "SERVERLEDGE_TOKEN="));
    put_text("\"}");
  } while (again());
  unsigned char head[4];
  while (read_all((char *)head, 4)) {
    size bytes = (size)head[0] << 24 | head[1] << 16 | head[2] << 8 | head[3];
    if (bytes > sizeof frame || !read_all(frame, bytes)) quit(1);
    answer((struct piece){frame, frame + bytes});
  }
  quit(0);
}

/*
 * What a program is given of a call: its standard input and its environment variables. Of requests
 * over plain HTTP these are the body and the variables of CGI (RFC 3875).
 */
#pragma once

enum { max_variables = 512, max_words = 64, clock_realtime = 0, enoexec = 8, eacces = 13 };

static char *variables[max_variables + 1];
static size variable_count;

static void *map(size bytes) {
  word at = call(sys_mmap, 0, bytes, 3, 0x22, -1, 0);
  if (at < 0 && at > -4096) quit(1);
  return (void *)at;
}

static word now(int clock) {
  struct {
    word seconds, nanoseconds;
  } time;
  call(sys_clock_gettime, clock, (word)&time, 0, 0, 0, 0);
  return time.seconds * 1000 + time.nanoseconds / 1000000;
}

static const char *variable(const char *name) {
  for (size at = 0; at < variable_count; at++) {
    const char *end = word_end(variables[at], variables[at] + length(variables[at]), name);
    if (end && *end == '=') return end + 1;
  }
  return "";
}

/* Sets a variable; its text stays where it is. */
static void set_variable(char *entry) {
  for (size at = 0; at < variable_count; at++) {
    char *name = variables[at], *other = entry;
    while (*name == *other && *name != '=') name++, other++;
    if (*name == '=' && *other == '=') {
      variables[at] = entry;
      return;
    }
  }
  if (variable_count < max_variables) variables[variable_count++] = entry;
}

/* What a call is about. */
struct request {
  struct piece body;
  int is_http;
  struct piece event;
  /* The JSON string that the body is. */
  struct piece string;
};

/* The params, or the body of the request that they are where the function wants that. */
static struct request read_request(struct piece params, const char *http) {
  struct request request = {params, 0, params, {0, 0}};
  struct piece body, base64;
  if (!*http || *http == 'e' || !params.from || *params.from != '{') return request;
  body = member(params, "body");
  base64 = member(params, "isBase64Encoded");
  if (!body.from || *body.from != '"' || !base64.from || !member(params, "headers").from) return request;
  if (!member(params, "method").from || !member(params, "path").from) return request;
  /* In place: the text takes no more room than its JSON. */
  char *from = (char *)body.from, *end = unquote(body, from, 0);
  if (*base64.from == 't') end = decode_base64(from, end);
  request.body = (struct piece){from, end};
  request.string = body;
  request.is_http = 1;
  return request;
}

/* Makes what a body was decoded in a string again, once nobody needs the body. */
static void blank_body(struct request *request) {
  char *from = (char *)request->string.from;
  if (!from) return;
  for (*from = '"'; ++from < request->string.to - 1;) *from = ' ';
  *from = '"';
}

/* Room for variables of one process: its own, and never given back. */
static char *variable_room(size bytes) { return map(bytes); }

/* Adds a variable, unless the function has it: no header may replace what its owner has set. */
static void add(const char *name, struct piece value) {
  if (*variable(name)) return;
  size count = length(name), bytes = value.to - value.from;
  char *entry = variable_room(count + bytes + 2);
  memcpy(entry, name, count);
  entry[count] = '=';
  memcpy(entry + count + 1, value.from, bytes);
  set_variable(entry);
}

/* The text of a JSON string in room of its own. */
static struct piece unquoted(struct piece string, int as_bytes) {
  if (!string.from || *string.from != '"') return (struct piece){"", ""};
  char *from = variable_room(string.to - string.from);
  return (struct piece){from, unquote(string, from, as_bytes)};
}

/* Takes on the variables of an object of strings. */
static void take_variables(struct piece object) {
  struct piece name, value;
  const char *at = object.from;
  while (at && (at = next_member(at, object.to, &name, &value))) {
    size bytes = (name.to - name.from) + (value.to - value.from) + 2;
    char *entry = variable_room(bytes), *end = unquote(name, entry, 0);
    *end++ = '=';
    unquote(value, end, 0);
    set_variable(entry);
  }
}

/* HTTP_ACCEPT of accept; a null pointer for what no variable may be of. */
static char *header_variable(struct piece name) {
  static const char prefix[] = "HTTP_";
  const char *from = name.from + 1, *end = name.to - 1;
  const char *own = word_end(from, end, "content-type"), *length = word_end(from, end, "content-length");
  const char *proxy = word_end(from, end, "proxy");
  if (proxy == end || length == end) return 0;
  if (own == end) return "CONTENT_TYPE";
  char *variable = variable_room(end - from + sizeof prefix), *to = variable;
  memcpy(to, prefix, 5);
  for (to += 5; from < end; from++) {
    char byte = *from;
    if (byte >= 'a' && byte <= 'z') byte -= 0x20;
    else if (byte == '-') byte = '_';
    else if (byte < '0' || byte > '9') return 0;
    *to++ = byte;
  }
  return variable;
}

static void add_headers(struct piece headers) {
  struct piece name, value;
  const char *at = headers.from;
  while ((at = next_member(at, headers.to, &name, &value))) {
    char *variable = header_variable(name);
    if (variable && *value.from == '"') add(variable, unquoted(value, 1));
  }
}

static struct piece decimal(word number) {
  char *end = (char *)variable_room(32) + 24, *from = end;
  do *--from = '0' + number % 10;
  while (number /= 10);
  return (struct piece){from, end};
}

/* A path without its percent-encoding, where that leaves text that a variable can hold. */
static struct piece decoded(struct piece path) {
  char *from = variable_room(path.to - path.from + 1), *to = from;
  for (const char *at = path.from; at < path.to; at++) {
    int high = *at == '%' && path.to - at > 2 ? hex(at[1]) : -1, low = high < 0 ? -1 : hex(at[2]);
    if (low >= 0) at += 2;
    if ((high | low) == 0) return path;
    *to++ = low < 0 ? *at : high << 4 | low;
  }
  return (struct piece){from, to};
}

static void add_request(struct request *request) {
  static char uri[] = "/fn/";
  struct piece event = request->event, url = unquoted(member(event, "url"), 0);
  const char *mark = url.from, *function = variable("SERVERLEDGE_FUNCTION");
  size count = length(function), bytes = url.to - url.from;
  while (mark < url.to && *mark != '?') mark++;
  char *script = variable_room(4 + count + bytes + 1);
  memcpy(script, uri, 4);
  memcpy(script + 4, function, count);
  memcpy(script + 4 + count, url.from, bytes);
  add("GATEWAY_INTERFACE", text("CGI/1.1"));
  add("SERVER_SOFTWARE", text("serverledge"));
  add("SERVER_PROTOCOL", text("HTTP/1.1"));
  add("REQUEST_METHOD", unquoted(member(event, "method"), 0));
  add("REQUEST_URI", (struct piece){script, script + 4 + count + bytes});
  add("SCRIPT_NAME", (struct piece){script, script + 4 + count});
  add("PATH_INFO", decoded(unquoted(member(event, "path"), 0)));
  add("QUERY_STRING", (struct piece){mark < url.to ? mark + 1 : mark, url.to});
  if (request->body.from < request->body.to) {
    add("CONTENT_LENGTH", decimal(request->body.to - request->body.from));
  }
  add_headers(member(event, "headers"));
}

/* In the child: what the program learns of its call. */
static void add_call_variables(struct request *request, struct piece id, struct piece timeout) {
  word ms = 0;
  for (const char *at = timeout.from; at && at < timeout.to && *at >= '0' && *at <= '9'; at++) {
    ms = ms * 10 + *at - '0';
  }
  add("SERVERLEDGE_REQUEST_ID", unquoted(id, 0));
  add("SERVERLEDGE_DEADLINE_MS", decimal(now(clock_realtime) + ms));
  if (request->is_http) add_request(request);
}

/* In the child: becomes the program. Words of the handler are separated by spaces. */
static void become_program(const char *handler) {
  static char command[4096], *words[max_words + 2];
  char **argument = words + 1, *to = command;
  if (length(handler) > sizeof command - 16) quit(126);
  for (const char *at = "/app/"; *at;) *to++ = *at++;
  *argument = command;
  if (!*handler) handler = "fn.sh";
  for (; *handler; handler++) {
    *to++ = *handler == ' ' ? 0 : *handler;
    if (*handler == ' ' && argument < words + max_words - 1) *++argument = to;
  }
  /* Works in the folder of its file. */
  for (to = command + length(command); *to != '/';) to--;
  *to = 0;
  call(sys_chdir, (word)command, 0, 0, 0, 0, 0);
  *to = '/';
  variables[variable_count] = 0;
  word why = call(sys_execve, (word)command, (word)(words + 1), (word)variables, 0, 0, 0);
  if (why == -eacces || why == -enoexec) {
    /* A script that is not executable, or does not name its interpreter. */
    words[0] = "/bin/sh";
    call(sys_execve, (word)words[0], (word)words, (word)variables, 0, 0, 0);
  }
  struct piece parts[] = {text("cannot run "), text(command),
                          text(": is it there, executable, and made for this machine?\n")};
  for (int at = 0; at < 3; at++) write_all(2, parts[at].from, parts[at].to - parts[at].from);
  quit(127);
}

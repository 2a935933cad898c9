/*
 * init PROGRAM [ARGUMENT...]: process 1 of the containers of our runtimes.
 *
 * Runs the program, waits for all processes that end, orphans included, hands signals on to the
 * program, and ends as it ended: with its exit status, or 128 and its signal.
 */
#include "syscalls.h"

START;

enum { sigchld = 17, sig_setmask = 2, signal_bytes = 8, wnohang = 1, enoent = 2 };
enum { cannot_run = 126, not_found = 127, killed = 128, max_path = 4096 };

static size length(const char *text) {
  size count = 0;
  while (text[count]) count++;
  return count;
}

static void say(const char *text) { call(sys_write, 2, (word)text, length(text), 0, 0, 0); }

static const char *search_path(char **variables) {
  for (; *variables; variables++) {
    const char *at = *variables;
    if (at[0] == 'P' && at[1] == 'A' && at[2] == 'T' && at[3] == 'H' && at[4] == '=') return at + 5;
  }
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* execvp(3); returns only if that fails. */
static word execute(char **command, char **variables) {
  const char *name = command[0];
  for (const char *at = name; *at; at++) {
    if (*at == '/') return call(sys_execve, (word)name, (word)command, (word)variables, 0, 0, 0);
  }
  word why = -enoent;
  for (const char *folder = search_path(variables); *folder;) {
    char path[max_path];
    size count = 0, name_length = length(name);
    while (folder[count] && folder[count] != ':') count++;
    if (count + 1 + name_length < max_path) {
      memcpy(path, folder, count);
      path[count] = '/';
      memcpy(path + count + 1, name, name_length + 1);
      word result = call(sys_execve, (word)path, (word)command, (word)variables, 0, 0, 0);
      if (result != -enoent) why = result;
    }
    folder += count;
    if (*folder == ':') folder++;
  }
  return why;
}

static void run(char **command, char **variables, unsigned long *mask) {
  /* A signal to its process group is not for process 1. */
  call(sys_setpgid, 0, 0, 0, 0, 0, 0);
  call(sys_rt_sigprocmask, sig_setmask, (word)mask, 0, signal_bytes, 0, 0);
  word why = execute(command, variables);
  say("cannot run ");
  say(command[0]);
  say(why == -enoent ? ": the image has no such program\n" : ": the image's program does not start\n");
  quit(why == -enoent ? not_found : cannot_run);
}

static int status_of(int status) {
  int signal = status & 0x7f;
  return signal ? killed + signal : (status >> 8) & 0xff;
}

__attribute__((noreturn, used)) void begin(word *stack) {
  unsigned long all = ~0UL, before = 0;
  char **command = arguments(stack) + 1;
  if (stack[0] < 2) quit(cannot_run);
  /* Blocked signals wait, also those that process 1 would not get otherwise. */
  call(sys_rt_sigprocmask, sig_setmask, (word)&all, (word)&before, signal_bytes, 0, 0);
  word child = fork();
  if (child == 0) run(command, environment(stack), &before);
  if (child < 0) quit(cannot_run);
  for (;;) {
    word signal = call(sys_rt_sigtimedwait, (word)&all, 0, 0, signal_bytes, 0, 0);
    if (signal > 0 && signal != sigchld) call(sys_kill, child, signal, 0, 0, 0, 0);
    for (;;) {
      int status = 0;
      word ended = call(sys_wait4, -1, (word)&status, wnohang, 0, 0, 0);
      if (ended == child) quit(status_of(status));
      if (ended <= 0) break;
    }
  }
}

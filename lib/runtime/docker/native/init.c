/*
 * init [-p] [-e FILE] PROGRAM [ARGUMENT...]: process 1 of the containers of our runtimes.
 *
 * Runs the program, waits for all processes that end, orphans included, hands signals on to the
 * program, and ends as it ended: with its exit status, or 128 and its signal.
 *
 * With -p the program's standard output and standard error are a pipe, of which it has the reading
 * end as descriptor 3. What the program has not read when it ends goes to the container's log, so
 * that nothing is lost in a crash.
 *
 * With -e the program also gets the environment variables in the file, NAME=VALUE with a null byte after
 * each; they replace others of their names. Process 1 itself does not have them.
 *
 * If the program was killed (SIGKILL) and the container's control group counts a memory kill, a line
 * in the log says so (`exit.ts` reads it): the engine misses that event if the group is gone before it looks.
 */
#include "syscalls.h"

START;

enum { sigchld = 17, sig_setmask = 2, signal_bytes = 8, wnohang = 1, enoent = 2 };
enum { f_setfl = 4, o_nonblock = 04000, pipe_reader = 3, piece = 4096, max_pieces = 64 };
enum { at_cwd = -100, sigkill = 9, max_counters = 1024 };
enum { seek_end = 2, prot_read = 1, prot_write = 2, map_private = 2, map_anonymous = 32 };
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

static int same_name(const char *one, const char *other) {
  while (*one && *one == *other && *one != '=') one++, other++;
  return *one == '=' && *other == '=';
}

static void *map(size bytes, int how, word file) {
  word at = call(sys_mmap, 0, bytes, prot_read | prot_write, how, file, 0);
  if (at < 0 && at > -max_path) {
    say("cannot read the variables\n");
    quit(cannot_run);
  }
  return (void *)at;
}

/* The variables of the file, and those of the given ones that it does not replace. */
static char **with_variables(const char *path, char **given) {
  word file = call(sys_openat, at_cwd, (word)path, 0, 0, 0, 0);
  word bytes = call(sys_lseek, file, 0, seek_end, 0, 0, 0);
  char *text = map(bytes, map_private, file);
  call(sys_close, file, 0, 0, 0, 0, 0);
  size count = 1, added = 0;
  for (word at = 0; at < bytes; at++) count += !text[at];
  for (char **old = given; *old; old++) count++;
  char **all = map(count * sizeof *all, map_private | map_anonymous, -1);
  for (char *at = text; at < text + bytes; at += length(at) + 1) all[added++] = at;
  char **next = all + added;
  for (; *given; given++) {
    size at = 0;
    while (at < added && !same_name(all[at], *given)) at++;
    if (at == added) *next++ = *given;
  }
  return all;
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

/* Puts a descriptor where the program expects it. */
static void place(int from, int to) {
  if (from != to) call(sys_dup3, from, to, 0, 0, 0, 0);
}

/* Writes what is left in the pipe to the log. Bounded: processes of the program may go on writing. */
static void empty_pipe(int reader) {
  char text[piece];
  for (int pieces = 0; pieces < max_pieces; pieces++) {
    word count = call(sys_read, reader, (word)text, piece, 0, 0, 0);
    if (count <= 0) return;
    for (word at = 0; at < count;) {
      word written = call(sys_write, 2, (word)text + at, count - at, 0, 0, 0);
      if (written <= 0) return;
      at += written;
    }
  }
}

/* Whether a line of the file is "oom_kill N", N not 0. */
static int counts_memory_kill(const char *path) {
  char text[max_counters + 1];
  word file = call(sys_openat, at_cwd, (word)path, 0, 0, 0, 0);
  if (file < 0) return 0;
  word count = call(sys_read, file, (word)text, max_counters, 0, 0, 0);
  call(sys_close, file, 0, 0, 0, 0, 0);
  text[count < 0 ? 0 : count] = 0;
  static const char name[] = "oom_kill ";
  for (const char *line = text; *line;) {
    size at = 0;
    while (name[at] && line[at] == name[at]) at++;
    if (!name[at] && line[at] != '0') return 1;
    while (*line && *line != '\n') line++;
    if (*line) line++;
  }
  return 0;
}

static void tell_memory_kill(void) {
  /* Version 2 of control groups, and 1. */
  if (!counts_memory_kill("/sys/fs/cgroup/memory.events") &&
      !counts_memory_kill("/sys/fs/cgroup/memory/memory.oom_control")) return;
  say("init: the kernel killed a process for using more than the container's memory\n");
}

static int status_of(int status) {
  int signal = status & 0x7f;
  return signal ? killed + signal : (status >> 8) & 0xff;
}

__attribute__((noreturn, used)) void begin(word *stack) {
  unsigned long all = ~0UL, before = 0;
  char **command = arguments(stack) + 1;
  int ends[2] = {-1, -1};
  const char *variables = 0;
  if (command[0] && command[0][0] == '-' && command[0][1] == 'p') {
    command++;
    if (call(sys_pipe2, (word)ends, 0, 0, 0, 0, 0) < 0) quit(cannot_run);
    /* Of both processes: whoever reads finds nothing rather than waits. */
    call(sys_fcntl, ends[0], f_setfl, o_nonblock, 0, 0, 0);
  }
  if (command[0] && command[0][0] == '-' && command[0][1] == 'e') {
    variables = command[1];
    command += variables ? 2 : 1;
  }
  if (!command[0]) quit(cannot_run);
  /* Blocked signals wait, also those that process 1 would not get otherwise. */
  call(sys_rt_sigprocmask, sig_setmask, (word)&all, (word)&before, signal_bytes, 0, 0);
  word child = fork();
  if (child == 0) {
    if (ends[1] >= 0) {
      place(ends[1], 1);
      place(ends[1], 2);
      place(ends[0], pipe_reader);
      if (ends[1] > pipe_reader) call(sys_close, ends[1], 0, 0, 0, 0, 0);
      if (ends[0] > pipe_reader) call(sys_close, ends[0], 0, 0, 0, 0, 0);
    }
    char **given = environment(stack);
    run(command, variables ? with_variables(variables, given) : given, &before);
  }
  if (child < 0) quit(cannot_run);
  if (ends[1] >= 0) call(sys_close, ends[1], 0, 0, 0, 0, 0);
  for (;;) {
    word signal = call(sys_rt_sigtimedwait, (word)&all, 0, 0, signal_bytes, 0, 0);
    if (signal > 0 && signal != sigchld) call(sys_kill, child, signal, 0, 0, 0, 0);
    for (;;) {
      int status = 0;
      word ended = call(sys_wait4, -1, (word)&status, wnohang, 0, 0, 0);
      if (ended == child) {
        if (ends[0] >= 0) empty_pipe(ends[0]);
        if ((status & 0x7f) == sigkill) tell_memory_kill();
        quit(status_of(status));
      }
      if (ended <= 0) break;
    }
  }
}

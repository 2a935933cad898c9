/*
 * A WASI command with many behaviours, chosen by the environment variable CASE.
 *
 * clang --target=wasm32-wasi -O2 -o command.wasm command.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char *params;
static size_t length;

static void read_params(void) {
  size_t room = 1 << 16;
  params = malloc(room);
  for (size_t got; (got = fread(params + length, 1, room - length - 1, stdin)) > 0;) {
    length += got;
    if (room - length < 1024) {
      room *= 2;
      params = realloc(params, room);
      if (params == NULL) abort();
    }
  }
  params[length] = 0;
}

/* The text or number of a member, as far as tests need it; "" where there is none. */
static char *member(const char *name) {
  static char value[256];
  char key[64];
  snprintf(key, sizeof key, "\"%s\":", name);
  char *at = strstr(params, key);
  value[0] = 0;
  if (at) sscanf(at + strlen(key), at[strlen(key)] == '"' ? "\"%255[^\"]" : "%255[^,}]", value);
  return value;
}

static int echo(void) { return fwrite(params, 1, length, stdout) != length; }

/* Writes a word as often as asked to standard error, and returns it. */
static int noisy(void) {
  char *count = member("count");
  int left = count[0] ? atoi(count) : 20;
  char *word = member("word");
  for (; left > 0; left--) fprintf(stderr, "%s\n", word);
  printf("\"%s\"", word);
  return 0;
}

static int fail(void) {
  fprintf(stderr, "before the failure\n");
  return 7;
}

/* What arguments, environment, clock and random numbers are like. */
static int context(int argc, char **argv) {
  struct timespec now, steady;
  unsigned char random[16] = {0};
  clock_gettime(CLOCK_REALTIME, &now);
  clock_gettime(CLOCK_MONOTONIC, &steady);
  getentropy(random, sizeof random);
  int zeros = 0;
  for (size_t i = 0; i < sizeof random; i++) zeros += random[i] == 0;
  printf("{\"argc\":%d,\"name\":\"%s\",\"argument\":%s,\"greeting\":\"%s\",\"request\":\"%s\","
         "\"now\":%lld,\"steady\":%d,\"zeros\":%d}",
         argc, argv[0], argc > 1 ? argv[1] : "null", getenv("GREETING"),
         getenv("SERVERLEDGE_REQUEST_ID"), (long long)now.tv_sec, steady.tv_sec >= 0, zeros);
  return 0;
}

/* Naps, and tells how long it took in ms. */
static int nap(void) {
  struct timespec before, after, wish = {0, 30 * 1000 * 1000};
  clock_gettime(CLOCK_MONOTONIC, &before);
  nanosleep(&wish, NULL);
  clock_gettime(CLOCK_MONOTONIC, &after);
  printf("%d", (int)((after.tv_sec - before.tv_sec) * 1000 +
                     (after.tv_nsec - before.tv_nsec) / 1000000));
  return 0;
}

/* Takes memory until there is none. */
static int greedy(void) {
  for (volatile char *block; (block = malloc(1 << 20));) {
    for (int at = 0; at < 1 << 20; at += 1024) block[at] = 1;
  }
  fprintf(stderr, "no more memory\n");
  return 12;
}

/* What a function learns of where it runs. */
static int variables(void) {
  printf("%s %s %s", getenv("SERVERLEDGE_FUNCTION"), getenv("SERVERLEDGE_MEMORY_MIB"),
         getenv("SERVERLEDGE_AREA"));
  return 0;
}

static int picture(void) {
  putchar(0x89);
  fputs("PNG\r\n", stdout);
  putchar(0xff);
  return 0;
}

/* Files and sockets are not there. */
static int files(void) {
  FILE *file = fopen("/etc/passwd", "r");
  FILE *made = fopen("here", "w");
  printf("{\"read\":%s,\"written\":%s}", file ? "true" : "false", made ? "true" : "false");
  return 0;
}

static int endless(FILE *stream) {
  static char page[4096];
  memset(page, 'x', sizeof page);
  for (;;) fwrite(page, 1, sizeof page, stream);
}

int main(int argc, char **argv) {
  const char *wanted = getenv("CASE");
  if (wanted == NULL) wanted = "echo";
  read_params();
  if (!strcmp(wanted, "echo") || !strcmp(wanted, "large")) return echo();
  if (!strcmp(wanted, "noisy")) return noisy();
  if (!strcmp(wanted, "fail")) return fail();
  if (!strcmp(wanted, "crash")) abort();
  if (!strcmp(wanted, "exit")) exit(0);
  if (!strcmp(wanted, "context")) return context(argc, argv);
  if (!strcmp(wanted, "nap")) return nap();
  if (!strcmp(wanted, "sleepy")) return sleep(600);
  if (!strcmp(wanted, "spin")) for (volatile int i = 0;; i++) {}
  if (!strcmp(wanted, "greedy")) return greedy();
  if (!strcmp(wanted, "variables")) return variables();
  if (!strcmp(wanted, "picture")) return picture();
  if (!strcmp(wanted, "files")) return files();
  if (!strcmp(wanted, "text")) return puts("hello, world") < 0;
  if (!strcmp(wanted, "silent")) return 0;
  if (!strcmp(wanted, "loud")) return endless(stdout);
  if (!strcmp(wanted, "scream")) return endless(stderr);
  fprintf(stderr, "unknown case %s\n", wanted);
  return 1;
}

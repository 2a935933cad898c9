/*
 * clang --target=wasm32-wasi -O2 -o talkative.wasm talkative.c
 *
 * Writes to standard error, and then ends as its params say.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  const char *params = argc > 1 ? argv[1] : "";
  fputs("the last thing that it did\n", stderr);
  // The first half of an e with an acute accent, and the second.
  write(2, "caf\xc3", 4);
  write(2, "\xa9\n", 2);
  if (strstr(params, "loop")) for (volatile int i = 0;; i++);
  if (strstr(params, "trap")) __builtin_trap();
  if (strstr(params, "exit")) exit(3);
  if (strstr(params, "grow")) {
    for (;;) if (__builtin_wasm_memory_grow(0, 16) == (size_t)-1) abort();
  }
  puts("\"done\"");
  return 0;
}

/*
 * The trivial function as a WASI command: {"n":41} gives {"next":42}. With the formatted output of the C
 * library it is a module of 100 kB.
 *
 * clang --target=wasm32-wasi -O2 -o trivial.wasm trivial.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  char params[256];
  if (fgets(params, sizeof params, stdin) == NULL) return 1;
  const char *n = strstr(params, "\"n\":");
  if (n == NULL) return 1;
  printf("{\"next\":%d}", atoi(n + 4) + 1);
  return 0;
}

/*
 * A WASI reactor: exports that take JSON, exports that take numbers, and some that misbehave.
 *
 * clang --target=wasm32-wasi -O2 -mexec-model=reactor -o reactor.wasm reactor.c
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

static int calls;
static int initialized;
static int freed;

__attribute__((constructor)) static void initialize(void) { initialized++; }

void *EXPORT(alloc)(size_t length) { return malloc(length); }

void EXPORT(dealloc)(void *pointer, size_t length) {
  freed++;
  free(pointer);
}

static uint64_t result(char *text, size_t length) {
  return (uint64_t)(uintptr_t)text << 32 | length;
}

/* JSON. */

uint64_t EXPORT(handler)(char *params, size_t length) { return result(params, length); }

uint64_t EXPORT(count)(char *params, size_t length) {
  char *text = malloc(64);
  free(params);
  int written = snprintf(text, 64, "{\"calls\":%d,\"initialized\":%d,\"freed\":%d}", ++calls,
                         initialized, freed);
  return result(text, written);
}

uint64_t EXPORT(say)(char *params, size_t length) {
  printf("on standard output\n");
  fprintf(stderr, "on standard error\n");
  fflush(stdout);
  return 0;
}

uint64_t EXPORT(beyond)(char *params, size_t length) {
  return result((char *)0x7fff0000, 100);
}

/* Numbers. */

int EXPORT(fib)(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

int64_t EXPORT(add)(int64_t a, int64_t b) { return a + b; }

double EXPORT(half)(double x) { return x / 2; }

void EXPORT(nothing)(void) { calls++; }

int EXPORT(tally)(void) { return ++calls; }

/* How much of fresh memory is not zero; leaves none of it zero. */
int EXPORT(dirty)(void) {
  int count = 0;
  volatile char *block = malloc(30000);
  for (int i = 0; i < 30000; i++) count += block[i] != 0;
  for (int i = 0; i < 30000; i++) block[i] = 1;
  free((void *)block);
  return count;
}

/* Mistakes and attacks. */

static volatile int zero;
static volatile int wrecked[1000];

int recurse(int n);

/*
 * Tells what earlier calls have left: where its stack is, and how much of its memory is not as it was.
 * Changes that, and then comes to an end in one of many ways.
 */
int EXPORT(wreck)(int how) {
  volatile char here[64];
  int left = (int)(uintptr_t)here + calls++;
  for (int i = 0; i < 1000; i++) left += wrecked[i]++ != 0;
  volatile char *block = malloc(5000);
  for (int i = 0; i < 5000; i++) left += block[i] != 0;
  memset((void *)block, 1, 5000);
  if (how == 1) abort();
  if (how == 2) exit(3);
  if (how == 3) recurse(0);
  if (how == 4) memset(malloc(1 << 20), 1, 1 << 20);
  if (how == 5) printf("%d\n", left), fflush(stdout);
  return left;
}

void EXPORT(loop)(void) {
  for (;;) zero = 0;
}

void EXPORT(give_up)(void) { abort(); }

int EXPORT(wild)(void) { return *(volatile int *)0x7ffffff0; }

int EXPORT(divide)(int n) { return n / zero; }

int EXPORT(recurse)(int n) {
  volatile char here[16];
  here[0] = (char)n;
  return recurse(n + 1) + here[0];
}

/* Takes all memory and touches it. */
int EXPORT(bomb)(void) {
  int pages = 0;
  for (size_t at; (at = __builtin_wasm_memory_grow(0, 16)) != (size_t)-1; pages += 16) {
    memset((void *)(at << 16), 1, 16 << 16);
  }
  return pages;
}

__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) int
raw_write(int descriptor, unsigned vectors, unsigned count, unsigned written);

/* Gives the system pointers to nowhere; its error is the result. */
int EXPORT(bad_pointers)(void) {
  int error = raw_write(1, 0xfffffff0, 1, 0);
  if (error == 0) return 0;
  unsigned vector[2] = {0x7fffffff, 0x7fffffff};
  error = raw_write(1, (unsigned)(unsigned long)vector, 1, 0);
  if (error == 0) return 0;
  return raw_write(1, 0, 0xffffffff, 0);
}

typedef int (*other_function)(double, double, double);

int EXPORT(bad_call)(void) {
  other_function volatile wrong = (other_function)fib;
  return wrong(1, 2, 3);
}

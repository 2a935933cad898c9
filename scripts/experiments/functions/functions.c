/*
 * The functions of experiment `node` as a WebAssembly module without a C library.
 *
 * clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry,--strip-all -DROOM=4096 -o functions.wasm functions.c
 */
typedef unsigned long long result;

#define EXPORT(name) __attribute__((export_name(#name))) name

/* Room for params. Each call has a fresh memory, so nothing need ever be freed. */
static char memory[ROOM];
static unsigned char composite[1 << 14];

char *EXPORT(alloc)(unsigned length) { return length <= sizeof memory ? memory : 0; }

static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

int EXPORT(fibonacci)(int n) { return fib(n); }

int EXPORT(sieve)(int n) {
  int count = 0;
  if (n >= (int)sizeof composite) __builtin_trap();
  for (int i = 2; i <= n; i++) {
    if (composite[i]) continue;
    count++;
    for (long long k = (long long)i * i; k <= n; k += i) composite[k] = 1;
  }
  return count;
}

int EXPORT(noop)(int n) { return 0; }

result EXPORT(echo)(const char *params, unsigned length) {
  return (result)(unsigned)params << 32 | length;
}

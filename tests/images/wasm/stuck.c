/*
 * A module that never gets done with its initialization.
 *
 * clang --target=wasm32-wasi -O2 -mexec-model=reactor -o stuck.wasm stuck.c
 */
static volatile int zero;

__attribute__((constructor)) static void stuck(void) {
  for (;;) zero = 0;
}

__attribute__((export_name("handler"))) int handler(void) { return 1; }

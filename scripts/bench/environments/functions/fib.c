/*
 * Fibonacci numbers, by calling itself.
 *
 * clang --target=wasm32-wasi -O2 -mexec-model=reactor -o fib.wasm fib.c
 */
__attribute__((export_name("fib"))) int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

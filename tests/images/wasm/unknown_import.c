/*
 * A module that needs what nobody provides.
 *
 * clang --target=wasm32-wasi -O2 -mexec-model=reactor -o unknown_import.wasm unknown_import.c
 */
__attribute__((import_module("env"), import_name("open_the_door"))) void open_the_door(void);

__attribute__((export_name("handler"))) void handler(void) { open_the_door(); }

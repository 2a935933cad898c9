/* The system calls of programs that have no C library. See syscall(2). */
#pragma once

typedef unsigned long size;
typedef long word;

#if defined(__x86_64__)

enum {
  sys_read = 0, sys_write = 1, sys_close = 3, sys_poll = 7, sys_rt_sigprocmask = 14, sys_socket = 41,
  sys_connect = 42, sys_sendto = 44, sys_recvfrom = 45, sys_bind = 49, sys_listen = 50,
  sys_getsockname = 51, sys_setsockopt = 54, sys_getsockopt = 55, sys_fork = 57, sys_execve = 59, sys_exit = 60,
  sys_wait4 = 61, sys_kill = 62, sys_umask = 95, sys_setpgid = 109, sys_rt_sigtimedwait = 128,
  sys_accept4 = 288, sys_dup3 = 292, sys_pipe2 = 293, sys_fcntl = 72, sys_lseek = 8, sys_mmap = 9,
  sys_munmap = 11, sys_mremap = 25, sys_chdir = 80, sys_prctl = 157, sys_clock_gettime = 228,
  sys_openat = 257, sys_ppoll = 271, sys_signalfd4 = 289, sys_memfd_create = 319,
};

static word call(word number, word a, word b, word c, word d, word e, word f) {
  word result;
  register word r10 __asm__("r10") = d;
  register word r8 __asm__("r8") = e;
  register word r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

__attribute__((unused)) static word fork(void) { return call(sys_fork, 0, 0, 0, 0, 0, 0); }

#define START                     \
  __asm__(".globl _start\n"       \
          "_start:\n"             \
          "  xor %ebp, %ebp\n"    \
          "  mov %rsp, %rdi\n"    \
          "  and $-16, %rsp\n"    \
          "  call begin\n")

#elif defined(__aarch64__)

enum {
  sys_close = 57, sys_read = 63, sys_write = 64, sys_ppoll = 73, sys_exit = 93, sys_kill = 129,
  sys_rt_sigprocmask = 135, sys_rt_sigtimedwait = 137, sys_setpgid = 154, sys_umask = 166,
  sys_socket = 198, sys_bind = 200, sys_listen = 201, sys_connect = 203, sys_getsockname = 204, sys_sendto = 206,
  sys_recvfrom = 207, sys_setsockopt = 208, sys_getsockopt = 209, sys_clone = 220,
  sys_execve = 221, sys_accept4 = 242, sys_wait4 = 260, sys_dup3 = 24, sys_pipe2 = 59, sys_fcntl = 25,
  sys_openat = 56, sys_lseek = 62, sys_mmap = 222, sys_munmap = 215, sys_mremap = 216, sys_chdir = 49,
  sys_prctl = 167, sys_clock_gettime = 113, sys_signalfd4 = 74, sys_memfd_create = 279,
};

static word call(word number, word a, word b, word c, word d, word e, word f) {
  register word x8 __asm__("x8") = number;
  register word x0 __asm__("x0") = a;
  register word x1 __asm__("x1") = b;
  register word x2 __asm__("x2") = c;
  register word x3 __asm__("x3") = d;
  register word x4 __asm__("x4") = e;
  register word x5 __asm__("x5") = f;
  __asm__ volatile("svc #0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory");
  return x0;
}

/* There is no fork: clone with SIGCHLD (17) is one. */
__attribute__((unused)) static word fork(void) { return call(sys_clone, 17, 0, 0, 0, 0, 0); }

#define START               \
  __asm__(".globl _start\n" \
          "_start:\n"       \
          "  mov x29, #0\n" \
          "  mov x0, sp\n"  \
          "  bl begin\n")

#else
#error "a machine without its system calls"
#endif

static void quit(int status) {
  for (;;) call(sys_exit, status, 0, 0, 0, 0, 0);
}

/* Arguments as the kernel puts them on the stack: their number, themselves, a null, the environment. */
__attribute__((unused)) static char **arguments(word *stack) { return (char **)(stack + 1); }
__attribute__((unused)) static char **environment(word *stack) { return (char **)(stack + 1 + stack[0] + 1); }

/* Compilers make calls of it for loops and assignments. */
void *memset(void *to, int value, size count) {
  for (volatile char *at = to; count--; at++) *at = (char)value;
  return to;
}
void *memcpy(void *to, const void *from, size count) {
  volatile char *at = to;
  for (const char *source = from; count--;) *at++ = *source++;
  return to;
}

/**
 * Seccomp profile of the system calls that containers may make: only the calls that unprivileged programs
 * use, as in the engine's default profile. The default of engine 20.10 still permits io_uring and every
 * socket family. Some of these bypass namespaces and reach the machine or its hypervisor (AF_VSOCK), or
 * reach parts of the kernel with a history of vulnerabilities (AF_ALG).
 *
 * @module
 * @see https://docs.docker.com/engine/security/seccomp/
 */

import type { Engine } from "../engine/engine.ts";

/** Names for x86_64, its 32-bit programs, and aarch64. A machine ignores names of calls that it lacks. */
const allowed = `
  _llseek _newselect accept accept4 access adjtimex alarm arch_prctl arm_fadvise64_64
  arm_sync_file_range bind breakpoint brk cacheflush cachestat capget capset chdir chmod chown
  chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
  clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range
  creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2
  epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2
  fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32
  fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat
  fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64
  futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu getcwd
  getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32
  getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32
  getresuid getresuid32 getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday
  getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init inotify_init1
  inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup
  io_submit ioctl ioprio_get ioprio_set ipc kill landlock_add_rule landlock_create_ruleset
  landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listxattr listxattrat
  llistxattr lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier
  memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2
  modify_ldt mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64
  mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync
  munlock munlockall munmap name_to_handle_at nanosleep newfstatat open openat openat2 pause
  pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll
  ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv
  process_vm_writev pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead
  readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages
  removexattr removexattrat rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction
  rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
  rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min
  sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
  sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
  sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile
  sendfile64 sendmmsg sendmsg sendto set_robust_list set_thread_area set_tid_address set_tls
  setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid
  setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32
  setrlimit setsid setsockopt setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget
  shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn socketpair splice stat stat64
  statfs statfs64 statx symlink symlinkat sync sync_file_range sync_file_range2 syncfs sysinfo tee
  tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64
  timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
  timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat utime
  utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev
`;

/** Families of sockets (socket(2)): AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. */
const families = [1, 2, 10, 16];
/** Permitted arguments of personality(2): Linux, 32 bit, without randomized addresses, and the query. */
const personalities = [0, 8, 0x20000, 0x20008, 0xffffffff];
/** Flags of clone(2) that create namespaces. */
const namespaceFlags = 0x7e020000;
/** `ENOSYS`, the result of clone3: C libraries then use clone, whose flags a filter can check. */
const notImplemented = 38;

interface Rule {
  readonly names: readonly string[];
  readonly action: "SCMP_ACT_ALLOW" | "SCMP_ACT_ERRNO";
  readonly errnoRet?: number;
  readonly args?: readonly [
    {
      readonly index: number;
      readonly value: number;
      readonly valueTwo: number;
      readonly op: string;
    },
  ];
}

/** The profile. */
export const profile: { readonly syscalls: readonly Rule[]; readonly [field: string]: unknown } = {
  defaultAction: "SCMP_ACT_ERRNO",
  archMap: [
    {
      architecture: "SCMP_ARCH_X86_64",
      subArchitectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    },
    { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
  ],
  syscalls: [
    { names: allowed.trim().split(/\s+/), action: "SCMP_ACT_ALLOW" },
    ...families.map((family) => equal("socket", family)),
    ...personalities.map((persona) => equal("personality", persona)),
    allow("clone", "SCMP_CMP_MASKED_EQ", namespaceFlags),
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: notImplemented },
  ],
};

const option = `seccomp=${JSON.stringify(profile)}`;

/**
 * Returns the options to add to a container's `SecurityOpt`; empty if the engine has no seccomp.
 *
 * @param engine engine that will run the container; it logs a lack of seccomp
 * @throws the errors of {@link Engine.ask}
 */
export async function seccompOptions(engine: Engine): Promise<string[]> {
  return (await engine.facts()).seccomp ? [option] : [];
}

function equal(name: string, value: number): Rule {
  return allow(name, "SCMP_CMP_EQ", value);
}

/** Allows a call by its first argument. */
function allow(name: string, op: string, value: number): Rule {
  return {
    names: [name],
    action: "SCMP_ACT_ALLOW",
    args: [{ index: 0, value, valueTwo: 0, op }],
  };
}

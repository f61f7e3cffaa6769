// os/call.h -- system calls without libc: nothing to look up, no errno, no cancellation point, and
// nobody in between.
// SPDX-License-Identifier: MIT
#ifndef MID_OS_CALL_H
#define MID_OS_CALL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// The kernel's answer: -4095 to -1 is an error, as in -ENOMEM.
static inline long mid_call_words(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  long answer;
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(answer)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return answer;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory");
  return x0;
#else
  int kept = errno;
  long answer = syscall(number, a, b, c, d, e, f);
  if (answer == -1) answer = -errno;
  errno = kept;
  return answer;
#endif
}

// mid_call(number, up to six arguments).
#define mid_call(...) MID_CALL_PAD(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define MID_CALL_PAD(number, a, b, c, d, e, f, ...) \
  mid_call_words(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static inline bool mid_call_failed(long answer) { return (unsigned long)answer > -4096ul; }

// A mapping, NULL when refused.  The sanitizers follow mappings by the calls of libc.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MID_CALL_IS_FOLLOWED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MID_CALL_IS_FOLLOWED 1
#endif
#endif

static inline void *mid_call_map(void *at, size_t bytes, int access, int how, int fd,
                                 uint64_t from) {
#ifdef MID_CALL_IS_FOLLOWED
  int kept = errno;
  void *p = mmap(at, bytes, access, how, fd, (off_t)from);
  errno = kept;
  return p == MAP_FAILED ? NULL : p;
#else
  long p = mid_call(SYS_mmap, at, bytes, access, how, fd, from);
  return mid_call_failed(p) ? NULL : (void *)p;
#endif
}

static inline void mid_call_unmap(void *base, size_t bytes) {
#ifdef MID_CALL_IS_FOLLOWED
  int kept = errno;
  (void)munmap(base, bytes);
  errno = kept;
#else
  (void)mid_call(SYS_munmap, base, bytes);
#endif
}

#endif

// heap/cxx.c -- operator new and delete, exported from C under their mangled names.
// SPDX-License-Identifier: MIT
//
// A failing new runs the new-handler until it frees memory, throws, or there is none; then it
// throws std::bad_alloc through libstdc++, which is referred to weakly: a C program has none.
#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"
#include "heap/family.h"
#include "heap/fast.h"
#include "midden/status.h"

typedef void handler(void);
extern handler *get_new_handler(void) __asm__("_ZSt15get_new_handlerv") __attribute__((weak));
extern void throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv") __attribute__((weak));

// Run the handler once; throw when there is none.
static void new_failed(size_t bytes) {
  handler *h = get_new_handler != NULL ? get_new_handler() : NULL;
  if (h != NULL) return h();
  if (throw_bad_alloc != NULL) throw_bad_alloc();
  mid_heap_crime("operator new failed", (void *)bytes,
                 "no memory for that many bytes, and no libstdc++ to throw std::bad_alloc");
}

#define CALLER __builtin_return_address(0)

static void *new_slow(size_t bytes, size_t align, const void *caller) {
  for (;;) {
    void *p = mid_aligned(NULL, align, bytes, caller);
    if (p != NULL) return p;
    new_failed(bytes);
  }
}

static inline void *new_plain(size_t bytes) {
  void *p = mid_fast_malloc(bytes);
  return mid_likely(p != NULL) ? p : new_slow(bytes, MID_BLOCK_ALIGN, CALLER);
}

struct request {
  size_t bytes, align;
  const void *caller;
  void *p;
};

static __attribute__((used)) void new_request(struct request *r) {
  r->p = new_slow(r->bytes, r->align, r->caller);
}

// Call new_request(r); false when it threw, whatever it was.  C has no catch, so the table that
// tells the C++ unwinder of one is written out: one call site, one landing pad, catch (...).
#if defined(__x86_64__)
bool mid_cxx_try(struct request *r) __attribute__((visibility("hidden")));
__asm__(
    ".text\n"
    ".weak __gxx_personality_v0, __cxa_begin_catch, __cxa_end_catch\n"
    ".hidden mid_cxx_try\n"
    ".globl mid_cxx_try\n"
    ".type mid_cxx_try, @function\n"
    "mid_cxx_try:\n"
    ".cfi_startproc\n"
    ".cfi_personality 0x9b, DW.ref.__gxx_personality_v0\n"
    ".cfi_lsda 0x1b, .Lmid_table\n"
    "  subq $8, %rsp\n"
    ".cfi_def_cfa_offset 16\n"
    ".Lmid_call:\n"
    "  call new_request\n"
    ".Lmid_called:\n"
    "  movl $1, %eax\n"
    "  addq $8, %rsp\n"
    ".cfi_def_cfa_offset 8\n"
    "  ret\n"
    ".Lmid_caught:\n"
    ".cfi_def_cfa_offset 16\n"
    "  movq %rax, %rdi\n"
    "  call *__cxa_begin_catch@GOTPCREL(%rip)\n"
    "  call *__cxa_end_catch@GOTPCREL(%rip)\n"
    "  xorl %eax, %eax\n"
    "  addq $8, %rsp\n"
    ".cfi_def_cfa_offset 8\n"
    "  ret\n"
    ".cfi_endproc\n"
    ".size mid_cxx_try, . - mid_cxx_try\n"
    ".section .gcc_except_table, \"a\", @progbits\n"
    ".balign 4\n"
    ".Lmid_table:\n"
    "  .byte 0xff\n"  // landing pads count from the function
    "  .byte 0x9b\n"  // types: indirect, relative, 4 bytes
    "  .uleb128 .Lmid_types - .Lmid_types_base\n"
    ".Lmid_types_base:\n"
    "  .byte 0x01\n"  // call sites: uleb128
    "  .uleb128 .Lmid_sites_end - .Lmid_sites\n"
    ".Lmid_sites:\n"
    "  .uleb128 .Lmid_call - mid_cxx_try\n"
    "  .uleb128 .Lmid_called - .Lmid_call\n"
    "  .uleb128 .Lmid_caught - mid_cxx_try\n"
    "  .uleb128 1\n"  // the first action
    ".Lmid_sites_end:\n"
    "  .byte 1, 0\n"  // catch type 1; no further action
    "  .balign 4\n"
    "  .long 0\n"  // type 1: any
    ".Lmid_types:\n"
    ".hidden DW.ref.__gxx_personality_v0\n"
    ".weak DW.ref.__gxx_personality_v0\n"
    ".section .data.rel.local.DW.ref.__gxx_personality_v0, \"awG\", @progbits, "
    "DW.ref.__gxx_personality_v0, comdat\n"
    ".balign 8\n"
    ".type DW.ref.__gxx_personality_v0, @object\n"
    ".size DW.ref.__gxx_personality_v0, 8\n"
    "DW.ref.__gxx_personality_v0:\n"
    "  .quad __gxx_personality_v0\n"
    ".text\n");
#else
static bool mid_cxx_try(struct request *r) {  // a handler that throws goes through
  new_request(r);
  return true;
}
#endif

static void *new_nothrow(size_t bytes, size_t align, const void *caller) {
  void *p = mid_aligned(NULL, align, bytes, caller);
  if (mid_likely(p != NULL)) return p;
  // Without a handler nothing can be thrown but bad_alloc, which means NULL.
  handler *h = get_new_handler != NULL ? get_new_handler() : NULL;
  struct request r = {bytes, align, caller, NULL};
  return h != NULL && mid_cxx_try(&r) ? r.p : NULL;
}

// clang-format off
#define NEW(name, mangled, arguments, how) \
  MIDDEN_API void *name arguments __asm__(mangled); \
  void *name arguments { return how; }
#define DELETE(name, mangled, arguments) \
  MIDDEN_API void name arguments __asm__(mangled); \
  void name arguments { mid_fast_free(p); }

NEW(new_one,                  "_Znwm",                             (size_t n), new_plain(n))
NEW(new_many,                 "_Znam",                             (size_t n), new_plain(n))
NEW(new_one_nothrow,          "_ZnwmRKSt9nothrow_t",               (size_t n, const void *t), ((void)t, new_nothrow(n, 1, CALLER)))
NEW(new_many_nothrow,         "_ZnamRKSt9nothrow_t",               (size_t n, const void *t), ((void)t, new_nothrow(n, 1, CALLER)))
NEW(new_one_aligned,          "_ZnwmSt11align_val_t",              (size_t n, size_t a), new_slow(n, a, CALLER))
NEW(new_many_aligned,         "_ZnamSt11align_val_t",              (size_t n, size_t a), new_slow(n, a, CALLER))
NEW(new_one_aligned_nothrow,  "_ZnwmSt11align_val_tRKSt9nothrow_t", (size_t n, size_t a, const void *t), ((void)t, new_nothrow(n, a, CALLER)))
NEW(new_many_aligned_nothrow, "_ZnamSt11align_val_tRKSt9nothrow_t", (size_t n, size_t a, const void *t), ((void)t, new_nothrow(n, a, CALLER)))

DELETE(delete_one,                   "_ZdlPv",                              (void *p))
DELETE(delete_many,                  "_ZdaPv",                              (void *p))
DELETE(delete_one_sized,             "_ZdlPvm",                             (void *p, __attribute__((unused)) size_t n))
DELETE(delete_many_sized,            "_ZdaPvm",                             (void *p, __attribute__((unused)) size_t n))
DELETE(delete_one_nothrow,           "_ZdlPvRKSt9nothrow_t",                (void *p, __attribute__((unused)) const void *t))
DELETE(delete_many_nothrow,          "_ZdaPvRKSt9nothrow_t",                (void *p, __attribute__((unused)) const void *t))
DELETE(delete_one_aligned,           "_ZdlPvSt11align_val_t",               (void *p, __attribute__((unused)) size_t a))
DELETE(delete_many_aligned,          "_ZdaPvSt11align_val_t",               (void *p, __attribute__((unused)) size_t a))
DELETE(delete_one_sized_aligned,     "_ZdlPvmSt11align_val_t",              (void *p, __attribute__((unused)) size_t n, __attribute__((unused)) size_t a))
DELETE(delete_many_sized_aligned,    "_ZdaPvmSt11align_val_t",              (void *p, __attribute__((unused)) size_t n, __attribute__((unused)) size_t a))
DELETE(delete_one_aligned_nothrow,   "_ZdlPvSt11align_val_tRKSt9nothrow_t", (void *p, __attribute__((unused)) size_t a, __attribute__((unused)) const void *t))
DELETE(delete_many_aligned_nothrow,  "_ZdaPvSt11align_val_tRKSt9nothrow_t", (void *p, __attribute__((unused)) size_t a, __attribute__((unused)) const void *t))
// clang-format on

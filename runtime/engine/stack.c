/* Running a function on another stack, in the two instruction sets that the static library exists for.
 *
 * The frame pointer holds the old stack pointer across the call: it is preserved by the callee on both, and the chain of
 * frames stays whole for debuggers and profilers. */
#include "engine.h"

#if defined(__APPLE__)
#define SYMBOL "_sepia_on_stack"
#else
#define SYMBOL "sepia_on_stack"
#endif

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl " SYMBOL "\n"
        ".p2align 4\n" SYMBOL ":\n"
        "  .cfi_startproc\n"
        "  pushq %rbp\n"
        "  .cfi_def_cfa_offset 16\n"
        "  .cfi_offset %rbp, -16\n"
        "  movq %rsp, %rbp\n"
        "  .cfi_def_cfa_register %rbp\n"
        "  testq %rcx, %rcx\n"
        "  je 1f\n"
        "  movq %rsp, (%rcx)\n"
        "1:\n"
        "  movq %rdx, %rsp\n"
        "  andq $-16, %rsp\n"
        "  movq %rdi, %rax\n"
        "  movq %rsi, %rdi\n"
        "  call *%rax\n"
        "  movq %rbp, %rsp\n"
        "  popq %rbp\n"
        "  .cfi_def_cfa %rsp, 8\n"
        "  ret\n"
        "  .cfi_endproc\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl " SYMBOL "\n"
        ".p2align 4\n" SYMBOL ":\n"
        "  .cfi_startproc\n"
        "  stp x29, x30, [sp, #-16]!\n"
        "  .cfi_def_cfa_offset 16\n"
        "  .cfi_offset x29, -16\n"
        "  .cfi_offset x30, -8\n"
        "  mov x29, sp\n"
        "  .cfi_def_cfa_register x29\n"
        "  cbz x3, 1f\n"
        "  str x29, [x3]\n"
        "1:\n"
        "  and x2, x2, #-16\n"
        "  mov sp, x2\n"
        "  mov x9, x0\n"
        "  mov x0, x1\n"
        "  blr x9\n"
        "  mov sp, x29\n"
        "  ldp x29, x30, [sp], #16\n"
        "  .cfi_def_cfa sp, 0\n"
        "  ret\n"
        "  .cfi_endproc\n");
#else
#error "no stack switch for this processor"
#endif

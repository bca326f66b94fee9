/* Where a thread begins: the global pointer, then `main`. The stack pointer is set by whoever made the thread. */

    .section .text.start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    j main
    .size _start, . - _start

/* A kernel as an image for the engines: does as many rounds as a0 says, and traps. */
#include "kernel.h"

__asm__(".section .text.start\n.globl _start\n_start:\n.option push\n.option norelax\nla gp, __global_pointer$\n.option pop\n"
        "call kernel\necall\nj _start\n.text\n");

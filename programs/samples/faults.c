/*
 * Does one forbidden thing after another. Each ends in a fault, and its parent starts it again from
 * the beginning; its memory stays, so it knows where it was.
 */
#include "../lib/print.h"
#include "supervisor.h"

#define UNMAPPED 0x50000000ul
#define NO_SUCH_CALL 99

struct fault {
    const char *what;
    void (*make)(void);
};

static uint64_t data_words[2] = {0x0000006f0000006f, 0};
static volatile unsigned next;

static void jump(uint64_t target)
{
    __asm__ volatile("jr %0" ::"r"(target) : "memory");
}

static void store_to_null(void)
{
    *(volatile uint32_t *)0 = 1;
}

static void load_unmapped(void)
{
    (void)*(volatile uint64_t *)UNMAPPED;
}

static void store_to_text(void)
{
    *(volatile uint32_t *)0x200000 = 0;
}

static void jump_to_unmapped(void)
{
    jump(UNMAPPED);
}

static void jump_into_data(void)
{
    jump((uint64_t)&data_words);
}

/* An odd target loses its lowest bit; this one then is the upper half of an instruction, and reads
 * as `c.ebreak`. */
static void jump_into_instruction(void)
{
    __asm__ volatile("la t0, 1f\n"
                     "addi t0, t0, 3\n"
                     "jr t0\n"
                     ".balign 4\n"
                     "1: .word 0x90020037\n" /* lui zero, 0x90020 */
                     ::
                         : "t0", "memory");
}

static void illegal_instruction(void)
{
    __asm__ volatile(".half 0" ::: "memory");
}

static void breakpoint(void)
{
    __asm__ volatile(".option push\n.option norvc\nebreak\n.option pop" ::: "memory");
}

static void privileged_register(void)
{
    __asm__ volatile("csrr t0, sstatus" ::: "t0", "memory");
}

static void privileged_instruction(void)
{
    __asm__ volatile("sret" ::: "memory");
}

static void misaligned_amo(void)
{
    __asm__ volatile("amoadd.w zero, zero, (%0)" ::"r"((char *)data_words + 2) : "memory");
}

static void misaligned_lr(void)
{
    __asm__ volatile("lr.d t0, (%0)" ::"r"((char *)data_words + 4) : "t0", "memory");
}

static void unknown_call(void)
{
    register uint64_t a7 __asm__("a7") = NO_SUCH_CALL;
    __asm__ volatile("ecall" ::"r"(a7) : "memory");
    print("faults: went on behind the call\n");
}

static void send_to_nothing(void)
{
    seL4_Signal(500);
    print("faults: went on behind a send to nothing\n");
}

static const struct fault all[] = {
    {"store to address 0", store_to_null},
    {"load from unmapped memory", load_unmapped},
    {"store to text", store_to_text},
    {"jump to unmapped memory", jump_to_unmapped},
    {"jump into data", jump_into_data},
    {"jump into an instruction", jump_into_instruction},
    {"illegal instruction", illegal_instruction},
    {"breakpoint", breakpoint},
    {"privileged register", privileged_register},
    {"privileged instruction", privileged_instruction},
    {"misaligned amo", misaligned_amo},
    {"misaligned lr", misaligned_lr},
    {"system call that does not exist", unknown_call},
    {"send to an empty slot", send_to_nothing},
};

void init(void)
{
    while (next < sizeof all / sizeof *all) {
        const struct fault *fault = &all[next++];
        print("faults: %s\n", fault->what);
        fault->make();
    }
    print("faults: that was all\n");
    finish();
}

void notified(microkit_channel ch)
{
    (void)ch;
}

/*
 * What images of Rust do and those of C mostly do not: variables of a thread behind `tp`, which a
 * constructor sets up before `init`, and loops of lr and sc, besides every atomic operation on
 * memory.
 */
#include "../lib/memory.h"
#include "../lib/print.h"

#define TURNS 1000

static __thread uint64_t counter = 40;
static __thread uint64_t zeroed;

/* From tls.ld. */
extern const char __tdata_start[], __tdata_end[], __tls_end[];

static void __attribute__((constructor)) set_up_thread(void)
{
    static char block[256] __attribute__((aligned(16)));
    size_t initialised = (size_t)(__tdata_end - __tdata_start);

    require((size_t)(__tls_end - __tdata_start) <= sizeof block, "the thread's variables do not fit");
    memcpy(block, __tdata_start, initialised);
    /* Variables lie from where tp points. */
    __asm__ volatile("mv tp, %0" ::"r"(block) : "memory");
}

static uint64_t add_by_reservation(uint64_t *at, uint64_t amount)
{
    uint64_t old, updated, failed;
    __asm__ volatile("1: lr.d.aq %0, (%3)\n"
                     "add %1, %0, %4\n"
                     "sc.d.rl %2, %1, (%3)\n"
                     "bnez %2, 1b\n"
                     : "=&r"(old), "=&r"(updated), "=&r"(failed)
                     : "r"(at), "r"(amount)
                     : "memory");
    return old;
}

/* A store between lr and sc may end the reservation; an sc without one fails always. Answers 0 when
 * it succeeded. */
static uint32_t store_conditional_alone(uint32_t *at)
{
    uint32_t failed;
    __asm__ volatile("lr.w t0, (%1)\n"
                     "sc.w t0, t0, (%1)\n"
                     "sc.w %0, zero, (%1)\n"
                     : "=&r"(failed)
                     : "r"(at)
                     : "t0", "memory");
    return failed;
}

static uint64_t try_atomics(void)
{
    uint64_t word = 0xf0;
    uint64_t sum = __atomic_fetch_add(&word, 0x10, __ATOMIC_SEQ_CST);
    sum += __atomic_fetch_or(&word, 0x0f, __ATOMIC_ACQUIRE);
    sum += __atomic_fetch_and(&word, 0xff, __ATOMIC_RELEASE);
    sum += __atomic_fetch_xor(&word, 0xffff, __ATOMIC_RELAXED);
    sum += __atomic_exchange_n(&word, 7, __ATOMIC_SEQ_CST);
    uint64_t expected = 7;
    if (__atomic_compare_exchange_n(&word, &expected, 9, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        sum += word;
    }
    return sum;
}

void init(void)
{
    static uint64_t total;
    static uint32_t alone = 5;

    for (int turn = 0; turn < TURNS; turn++) {
        add_by_reservation(&total, 3);
        counter++;
        zeroed += 2;
    }
    print("tls: counter %lu, zeroed %lu\n", counter, zeroed);
    print("tls: total %lu, atomics %lx\n", total, try_atomics());
    print("tls: sc without lr answers %u and leaves %u\n", store_conditional_alone(&alone) != 0, alone);
}

void notified(microkit_channel ch)
{
    (void)ch;
}

/*
 * A parent that says what its children do wrong and lets them go on: behind a system call that does
 * not exist or that names no capability, else from their beginning, with memory and stack pointer
 * as they are. A child that says so is finished, and is stopped. The channel to a child has its
 * number.
 */
#include "../lib/print.h"
#include "supervisor.h"

#define ENTRY_POINT 0x200000
#define ECALL_BYTES 4
/* Then only how many. */
#define LINES_MAX 40

static unsigned faults;

static const char *name_of(seL4_Word label)
{
    switch (label) {
    case seL4_Fault_CapFault:
        return "CapFault";
    case seL4_Fault_UnknownSyscall:
        return "UnknownSyscall";
    case seL4_Fault_UserException:
        return "UserException";
    case seL4_Fault_Timeout:
        return "Timeout";
    case seL4_Fault_VMFault:
        return "VMFault";
    default:
        return "a message that is no fault";
    }
}

static void report(microkit_child child, seL4_Word label)
{
    faults++;
    if (faults > LINES_MAX) {
        return;
    }
    print("supervisor: child %u: %s at %lx", child, name_of(label), microkit_mr_get(seL4_VMFault_IP));
    if (label == seL4_Fault_VMFault) {
        print(", address %lx, prefetch %lu, cause %lu", microkit_mr_get(seL4_VMFault_Addr),
              microkit_mr_get(seL4_VMFault_PrefetchFault), microkit_mr_get(seL4_VMFault_FSR));
    } else if (label == seL4_Fault_UserException) {
        print(", number %lu", microkit_mr_get(seL4_UserException_Number));
    }
    print("\n");
}

void init(void)
{
}

seL4_Bool fault(microkit_child child, microkit_msginfo msginfo, microkit_msginfo *reply_msginfo)
{
    seL4_Word label = microkit_msginfo_get_label(msginfo);
    seL4_Word pc = microkit_mr_get(seL4_VMFault_IP);

    report(child, label);
    if (label == seL4_Fault_UnknownSyscall) {
        /* A reply can change registers: the first word is the program counter. */
        microkit_mr_set(seL4_UnknownSyscall_FaultIP, pc + ECALL_BYTES);
        *reply_msginfo = microkit_msginfo_new(0, 1);
        return seL4_True;
    }
    if (label != seL4_Fault_CapFault && label != seL4_Fault_UserException && label != seL4_Fault_VMFault) {
        /* A child can send to its fault endpoint like to any other. */
        *reply_msginfo = microkit_msginfo_new(0, 0);
        return seL4_True;
    }
    microkit_pd_restart(child, label == seL4_Fault_CapFault ? pc + ECALL_BYTES : ENTRY_POINT);
    return seL4_False;
}

microkit_msginfo protected(microkit_channel ch, microkit_msginfo msginfo)
{
    if (microkit_msginfo_get_label(msginfo) == FINISHED_LABEL && microkit_mr_get(0) == FINISHED_WORD) {
        print("supervisor: child %u is finished, after %u faults of all children\n", ch, faults);
        microkit_pd_stop(ch);
    }
    return microkit_msginfo_new(0, 0);
}

void notified(microkit_channel ch)
{
    /* Nothing is agreed on that a signal would mean. */
    (void)ch;
}

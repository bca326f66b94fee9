/*
 * Microkit's library interface: what a protection domain of a `.system` file can do. Names and
 * behaviour are Microkit's, so a program for it compiles with the Microkit SDK as well.
 *
 * A program defines `init` and `notified`; one that is called defines `protected`, a parent
 * `fault`.
 *
 * Not here: virtual machines, SMC, x86 I/O ports.
 */
#pragma once

#include <sel4/sel4.h>
#include <stdbool.h>
#include <stddef.h>

typedef unsigned int microkit_channel;
typedef unsigned int microkit_child;
typedef seL4_MessageInfo_t microkit_msginfo;

#define MONITOR_EP 5
#define MICROKIT_MAX_CHANNELS 62
#define MICROKIT_MAX_CHANNEL_ID (MICROKIT_MAX_CHANNELS - 1)
#define MICROKIT_PD_NAME_LENGTH 64
#define MICROKIT_MAX_USER_SLOT 63

/* Slots of a domain's capability table; MONITOR_EP is one, too. */
#define INPUT_CAP 1
#define REPLY_CAP 4
#define BASE_OUTPUT_NOTIFICATION_CAP 10
#define BASE_ENDPOINT_CAP 74
#define BASE_IRQ_CAP 138
#define BASE_TCB_CAP 202

void init(void);
void notified(microkit_channel ch);
microkit_msginfo protected(microkit_channel ch, microkit_msginfo msginfo);
/* Answers whether the child goes on; then `*reply_msginfo` is the reply. */
seL4_Bool fault(microkit_child child, microkit_msginfo msginfo, microkit_msginfo *reply_msginfo);

/* What the Microkit tool writes into the image when it builds a system. Bit n of a map is channel
 * n. */
extern char microkit_name[MICROKIT_PD_NAME_LENGTH];
extern bool microkit_passive;
extern seL4_Word microkit_irqs;
extern seL4_Word microkit_notifications;
extern seL4_Word microkit_pps;

/* The one signal that goes out together with the next wait. */
extern bool microkit_have_signal;
extern seL4_CPtr microkit_signal_cap;
extern seL4_MessageInfo_t microkit_signal_msg;

/* Debug console; a kernel without one drops the characters. */
void microkit_dbg_putc(int c);
void microkit_dbg_puts(const char *s);
void microkit_dbg_put8(seL4_Uint8 x);
void microkit_dbg_put32(seL4_Uint32 x);

/* Ends the domain by a store to the address `err`, which nobody maps. */
static inline void microkit_internal_crash(seL4_Error err)
{
    volatile int *address = (volatile int *)(seL4_Word)err;
    *address = 0;
}

/* Prints "<domain> <function>: invalid channel given '<n>'". */
void microkit_report_channel(const char *function, microkit_channel ch);

static inline bool microkit_has(seL4_Word channels, microkit_channel ch)
{
    return ch <= MICROKIT_MAX_CHANNEL_ID && (channels & 1ul << ch) != 0;
}

static inline void microkit_notify(microkit_channel ch)
{
    if (!microkit_has(microkit_notifications, ch)) {
        microkit_report_channel("microkit_notify", ch);
        return;
    }
    seL4_Signal(BASE_OUTPUT_NOTIFICATION_CAP + ch);
}

static inline void microkit_irq_ack(microkit_channel ch)
{
    if (!microkit_has(microkit_irqs, ch)) {
        microkit_report_channel("microkit_irq_ack", ch);
        return;
    }
    seL4_IRQHandler_Ack(BASE_IRQ_CAP + ch);
}

/* A second deferred signal takes the place of the first, as in Microkit. */
static inline void microkit_deferred_notify(microkit_channel ch)
{
    if (!microkit_has(microkit_notifications, ch)) {
        microkit_report_channel("microkit_deferred_notify", ch);
        return;
    }
    microkit_have_signal = true;
    microkit_signal_msg = seL4_MessageInfo_new(0, 0, 0, 0);
    microkit_signal_cap = BASE_OUTPUT_NOTIFICATION_CAP + ch;
}

static inline void microkit_deferred_irq_ack(microkit_channel ch)
{
    if (!microkit_has(microkit_irqs, ch)) {
        microkit_report_channel("microkit_deferred_irq_ack", ch);
        return;
    }
    microkit_have_signal = true;
    microkit_signal_msg = seL4_MessageInfo_new(sel4_label_irq_ack, 0, 0, 0);
    microkit_signal_cap = BASE_IRQ_CAP + ch;
}

static inline microkit_msginfo microkit_ppcall(microkit_channel ch, microkit_msginfo msginfo)
{
    if (!microkit_has(microkit_pps, ch)) {
        microkit_report_channel("microkit_ppcall", ch);
        return seL4_MessageInfo_new(0, 0, 0, 0);
    }
    return seL4_Call(BASE_ENDPOINT_CAP + ch, msginfo);
}

static inline microkit_msginfo microkit_msginfo_new(seL4_Word label, seL4_Uint16 count)
{
    return seL4_MessageInfo_new(label, 0, 0, count);
}

static inline seL4_Word microkit_msginfo_get_label(microkit_msginfo msginfo)
{
    return seL4_MessageInfo_get_label(msginfo);
}

static inline seL4_Word microkit_msginfo_get_count(microkit_msginfo msginfo)
{
    return seL4_MessageInfo_get_length(msginfo);
}

static inline void microkit_mr_set(seL4_Uint8 mr, seL4_Word value)
{
    seL4_SetMR(mr, value);
}

static inline seL4_Word microkit_mr_get(seL4_Uint8 mr)
{
    return seL4_GetMR(mr);
}

/* Prints "<complaint><child>'", and ends the domain. */
void microkit_refused(const char *complaint, microkit_child child, seL4_Error error);

/* The child goes on at `entry_point`. Its memory and its other registers stay as they are. */
static inline void microkit_pd_restart(microkit_child pd, seL4_Word entry_point)
{
    seL4_UserContext context = {.pc = entry_point};
    seL4_Error error = seL4_TCB_WriteRegisters(BASE_TCB_CAP + pd, seL4_True, 0, 1, &context);
    if (error != seL4_NoError) {
        microkit_dbg_puts("microkit_pd_restart: error writing TCB registers\n");
        microkit_internal_crash(error);
    }
}

static inline void microkit_pd_stop(microkit_child pd)
{
    seL4_Error error = seL4_TCB_Suspend(BASE_TCB_CAP + pd);
    if (error != seL4_NoError) {
        microkit_refused("microkit_pd_stop: error stopping TCB '", pd, error);
    }
}

static inline void microkit_pd_resume(microkit_child pd)
{
    seL4_Error error = seL4_TCB_Resume(BASE_TCB_CAP + pd);
    if (error != seL4_NoError) {
        microkit_refused("microkit_pd_resume: error resuming TCB '", pd, error);
    }
}

/* The capability that a description's `<cspace>` puts into this slot, from 1 to 63; else the null
 * capability. */
static inline seL4_CPtr microkit_cspace_root_slot_to_cptr(seL4_Word slot)
{
    return slot < 1 || slot > MICROKIT_MAX_USER_SLOT ? 0 : slot << 58;
}

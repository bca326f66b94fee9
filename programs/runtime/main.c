/*
 * The life of a protection domain: constructors, `init`, and then events for ever.
 *
 *     acknowledge every interrupt once
 *     again:  wait: ReplyRecv after a call, NBSendRecv with a deferred signal, else Recv
 *             a fault of a child, a protected call, or signals: each set bit, lowest first
 *
 * A badge is one snapshot: signals that come while it is handled wait for the next one.
 */
#include <microkit.h>

#define BADGE_CALL (1ul << 63)
#define BADGE_FAULT (1ul << 62)
#define BADGE_CHILD 0xff
#define BADGE_CHANNEL 0x3f
#define IPC_BUFFER 0x3fffffe000ul

/* Never written by the tool: both sides know the address. */
seL4_IPCBuffer *__sel4_ipc_buffer = (seL4_IPCBuffer *)IPC_BUFFER;

/* The tool finds these by their names, and writes to where they lie in the loaded image. */
char microkit_name[MICROKIT_PD_NAME_LENGTH];
bool microkit_passive;
seL4_Word microkit_irqs;
seL4_Word microkit_notifications;
seL4_Word microkit_pps;

bool microkit_have_signal;
seL4_CPtr microkit_signal_cap;
seL4_MessageInfo_t microkit_signal_msg;

extern void (*const __init_array_start[])(void);
extern void (*const __init_array_end[])(void);

/* What the next wait carries. */
struct reply {
    bool is_due;
    microkit_msginfo msginfo;
};

static microkit_msginfo wait(const struct reply *reply, seL4_Word *badge)
{
    if (reply->is_due) {
        /* A wait that replies has no room for the signal: it goes first, by itself. */
        if (microkit_have_signal) {
            microkit_have_signal = false;
            seL4_Send(microkit_signal_cap, microkit_signal_msg);
        }
        return seL4_ReplyRecv(INPUT_CAP, reply->msginfo, badge, REPLY_CAP);
    }
    if (microkit_have_signal) {
        microkit_have_signal = false;
        return seL4_NBSendRecv(microkit_signal_cap, microkit_signal_msg, INPUT_CAP, badge, REPLY_CAP);
    }
    return seL4_Recv(INPUT_CAP, badge, REPLY_CAP);
}

static void handle(seL4_Word badge, microkit_msginfo msginfo, struct reply *reply)
{
    reply->is_due = false;
    if ((badge & BADGE_FAULT) != 0) {
        reply->msginfo = seL4_MessageInfo_new(0, 0, 0, 0);
        reply->is_due = fault(badge & BADGE_CHILD, msginfo, &reply->msginfo) != seL4_False;
    } else if ((badge & BADGE_CALL) != 0) {
        reply->msginfo = protected(badge & BADGE_CHANNEL, msginfo);
        reply->is_due = true;
    } else {
        for (microkit_channel ch = 0; badge != 0; badge >>= 1, ch++) {
            if ((badge & 1) != 0) {
                notified(ch);
            }
        }
    }
}

_Noreturn static void handle_events(void)
{
    struct reply reply = {.is_due = false};

    /* An interrupt that came before its handler was bound to the notification would never be
     * delivered (seL4 issue 1536). */
    for (microkit_channel ch = 0; ch <= MICROKIT_MAX_CHANNEL_ID; ch++) {
        if (microkit_has(microkit_irqs, ch)) {
            microkit_irq_ack(ch);
        }
    }
    for (;;) {
        seL4_Word badge;
        microkit_msginfo msginfo = wait(&reply, &badge);
        handle(badge, msginfo, &reply);
    }
}

int main(void)
{
    for (void (*const *constructor)(void) = __init_array_start; constructor != __init_array_end; constructor++) {
        (*constructor)();
    }
    init();
    if (microkit_passive) {
        /* Asks the monitor for our scheduling context to be taken away. It goes out with the first
         * wait. */
        microkit_have_signal = true;
        microkit_signal_msg = seL4_MessageInfo_new(0, 0, 0, 0);
        microkit_signal_cap = MONITOR_EP;
    }
    handle_events();
}

/*
 * seL4's system calls for RISC-V 64 with MCS, as far as a protection domain makes them.
 *
 * Only a0 to a5 change over a call; the compiler is told so, and relies on everything else. Message
 * registers 0 to 3 travel in a2 to a5, the others in the IPC buffer.
 *
 * Source: seL4 reference manual 13 (MCS), chapters 4 and 10; reference for the numbers:
 * `seL4_Syscall_ID` of an MCS build.
 */
#pragma once

#include <stdint.h>

typedef uint8_t seL4_Uint8;
typedef uint16_t seL4_Uint16;
typedef uint32_t seL4_Uint32;
typedef uint64_t seL4_Uint64;
typedef int8_t seL4_Int8;
typedef int64_t seL4_Int64;
typedef uint64_t seL4_Word;
typedef seL4_Word seL4_CPtr;
typedef int8_t seL4_Bool;
#define seL4_True 1
#define seL4_False 0

typedef enum {
    seL4_NoError = 0,
    seL4_InvalidArgument,
    seL4_InvalidCapability,
    seL4_IllegalOperation,
    seL4_RangeError,
    seL4_AlignmentError,
    seL4_FailedLookup,
    seL4_TruncatedMessage,
    seL4_DeleteFirst,
    seL4_RevokeFirst,
    seL4_NotEnoughMemory,
    seL4_NumErrors
} seL4_Error;

/* Labels of faults, and how their messages begin. */
typedef enum {
    seL4_Fault_NullFault = 0,
    seL4_Fault_CapFault = 1,
    seL4_Fault_UnknownSyscall = 2,
    seL4_Fault_UserException = 3,
    seL4_Fault_Timeout = 5,
    seL4_Fault_VMFault = 6
} seL4_Fault_tag_t;

enum { seL4_VMFault_IP, seL4_VMFault_Addr, seL4_VMFault_PrefetchFault, seL4_VMFault_FSR };
enum { seL4_UserException_FaultIP, seL4_UserException_SP, seL4_UserException_Number };
enum { seL4_UnknownSyscall_FaultIP };

/* Labels of the invocations that a protection domain makes. */
enum {
    sel4_label_tcb_write_registers = 3,
    sel4_label_tcb_suspend = 12,
    sel4_label_tcb_resume = 13,
    sel4_label_irq_ack = 27
};

enum {
    sel4_sys_call = -1,
    sel4_sys_reply_recv = -2,
    sel4_sys_nb_send_recv = -3,
    sel4_sys_send = -5,
    sel4_sys_recv = -7,
    sel4_sys_debug_putchar = -12,
    sel4_sys_benchmark_reset_log = -22,
    sel4_sys_benchmark_finalize_log = -23,
    sel4_sys_benchmark_get_thread_utilisation = -26,
    sel4_sys_benchmark_reset_thread_utilisation = -27
};

#define seL4_MsgMaxLength 120

/* Bits 0 to 6 are the length, 7 and 8 the number of capabilities, 9 to 11 which of them came
 * unwrapped, then the label. */
typedef struct {
    seL4_Word words[1];
} seL4_MessageInfo_t;

typedef struct {
    seL4_MessageInfo_t tag;
    seL4_Word msg[seL4_MsgMaxLength];
    seL4_Word userData;
    seL4_Word caps_or_badges[3];
    seL4_CPtr receiveCNode;
    seL4_CPtr receiveIndex;
    seL4_Word receiveDepth;
} seL4_IPCBuffer;

_Static_assert(__builtin_offsetof(seL4_IPCBuffer, msg) == 8, "message registers");
_Static_assert(__builtin_offsetof(seL4_IPCBuffer, userData) == 968, "user data");
_Static_assert(__builtin_offsetof(seL4_IPCBuffer, caps_or_badges) == 976, "capabilities");
_Static_assert(__builtin_offsetof(seL4_IPCBuffer, receiveCNode) == 1000, "where capabilities go");
_Static_assert(__builtin_offsetof(seL4_IPCBuffer, receiveIndex) == 1008, "where capabilities go");
_Static_assert(__builtin_offsetof(seL4_IPCBuffer, receiveDepth) == 1016, "where capabilities go");

/* Registers as TCB invocations order them. */
typedef struct {
    seL4_Word pc, ra, sp, gp;
    seL4_Word s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
    seL4_Word a0, a1, a2, a3, a4, a5, a6, a7;
    seL4_Word t0, t1, t2, t3, t4, t5, t6, tp;
} seL4_UserContext;

_Static_assert(sizeof(seL4_UserContext) == 32 * 8, "32 integer words");

/* In the data segment, with its value from the start. */
extern seL4_IPCBuffer *__sel4_ipc_buffer;

static inline seL4_MessageInfo_t seL4_MessageInfo_new(seL4_Word label, seL4_Word capsUnwrapped, seL4_Word extraCaps,
                                                      seL4_Word length)
{
    seL4_Word caps = (capsUnwrapped & 7) << 9 | (extraCaps & 3) << 7;
    return (seL4_MessageInfo_t){{label << 12 | caps | (length & 0x7f)}};
}

static inline seL4_Word seL4_MessageInfo_get_label(seL4_MessageInfo_t info)
{
    return info.words[0] >> 12;
}

static inline seL4_Word seL4_MessageInfo_get_length(seL4_MessageInfo_t info)
{
    return info.words[0] & 0x7f;
}

static inline seL4_Word seL4_GetMR(int index)
{
    return __sel4_ipc_buffer->msg[index];
}

static inline void seL4_SetMR(int index, seL4_Word value)
{
    __sel4_ipc_buffer->msg[index] = value;
}

/* What goes into a call and what comes out of it: a0 to a5, in their order. */
struct sel4_registers {
    seL4_Word a0, info, mr0, mr1, mr2, mr3;
};

/* Message registers 0 to 3 of the IPC buffer, beside a capability and a message's information. */
static inline struct sel4_registers sel4_load(seL4_CPtr cap, seL4_MessageInfo_t info)
{
    return (struct sel4_registers){cap, info.words[0], seL4_GetMR(0), seL4_GetMR(1), seL4_GetMR(2), seL4_GetMR(3)};
}

static inline void sel4_store(const struct sel4_registers *registers)
{
    seL4_SetMR(0, registers->mr0);
    seL4_SetMR(1, registers->mr1);
    seL4_SetMR(2, registers->mr2);
    seL4_SetMR(3, registers->mr3);
}

/* The trap. `reply` is for calls that receive, `dest` for those that send somewhere else first. */
static inline void sel4_trap(seL4_Int64 number, struct sel4_registers *registers, seL4_CPtr reply, seL4_CPtr dest)
{
    register seL4_Word a0 __asm__("a0") = registers->a0;
    register seL4_Word a1 __asm__("a1") = registers->info;
    register seL4_Word a2 __asm__("a2") = registers->mr0;
    register seL4_Word a3 __asm__("a3") = registers->mr1;
    register seL4_Word a4 __asm__("a4") = registers->mr2;
    register seL4_Word a5 __asm__("a5") = registers->mr3;
    register seL4_Word a6 __asm__("a6") = reply;
    register seL4_Word a7 __asm__("a7") = (seL4_Word)number;
    register seL4_Word t0 __asm__("t0") = dest;
    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5)
                     : "r"(a6), "r"(a7), "r"(t0)
                     : "memory");
    *registers = (struct sel4_registers){a0, a1, a2, a3, a4, a5};
}

static inline void seL4_Send(seL4_CPtr dest, seL4_MessageInfo_t info)
{
    struct sel4_registers registers = sel4_load(dest, info);
    sel4_trap(sel4_sys_send, &registers, 0, 0);
}

/* A send without a message: no message register is read. */
static inline void seL4_Signal(seL4_CPtr dest)
{
    register seL4_Word a0 __asm__("a0") = dest;
    register seL4_Word a1 __asm__("a1") = 0;
    register seL4_Word a7 __asm__("a7") = (seL4_Word)sel4_sys_send;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a7) : "memory");
}

static inline seL4_MessageInfo_t seL4_Call(seL4_CPtr dest, seL4_MessageInfo_t info)
{
    struct sel4_registers registers = sel4_load(dest, info);
    sel4_trap(sel4_sys_call, &registers, 0, 0);
    sel4_store(&registers);
    return (seL4_MessageInfo_t){{registers.info}};
}

static inline seL4_MessageInfo_t seL4_Recv(seL4_CPtr src, seL4_Word *badge, seL4_CPtr reply)
{
    struct sel4_registers registers = {.a0 = src};
    sel4_trap(sel4_sys_recv, &registers, reply, 0);
    sel4_store(&registers);
    *badge = registers.a0;
    return (seL4_MessageInfo_t){{registers.info}};
}

static inline seL4_MessageInfo_t seL4_ReplyRecv(seL4_CPtr src, seL4_MessageInfo_t info, seL4_Word *badge,
                                                seL4_CPtr reply)
{
    struct sel4_registers registers = sel4_load(src, info);
    sel4_trap(sel4_sys_reply_recv, &registers, reply, 0);
    sel4_store(&registers);
    *badge = registers.a0;
    return (seL4_MessageInfo_t){{registers.info}};
}

static inline seL4_MessageInfo_t seL4_NBSendRecv(seL4_CPtr dest, seL4_MessageInfo_t info, seL4_CPtr src,
                                                 seL4_Word *badge, seL4_CPtr reply)
{
    struct sel4_registers registers = sel4_load(src, info);
    sel4_trap(sel4_sys_nb_send_recv, &registers, reply, dest);
    sel4_store(&registers);
    *badge = registers.a0;
    return (seL4_MessageInfo_t){{registers.info}};
}

static inline void seL4_DebugPutChar(char character)
{
    struct sel4_registers registers = {.a0 = (uint8_t)character};
    sel4_trap(sel4_sys_debug_putchar, &registers, 0, 0);
}

/* From here on the use of the processor is counted. */
static inline seL4_Error seL4_BenchmarkResetLog(void)
{
    struct sel4_registers registers = {.a0 = 0};
    sel4_trap(sel4_sys_benchmark_reset_log, &registers, 0, 0);
    return (seL4_Error)registers.a0;
}

/* Up to here. */
static inline seL4_Word seL4_BenchmarkFinalizeLog(void)
{
    struct sel4_registers registers = {.a0 = 0};
    sel4_trap(sel4_sys_benchmark_finalize_log, &registers, 0, 0);
    return registers.a0;
}

/* The answer is in the IPC buffer: see benchmark_utilisation_types.h. */
static inline void seL4_BenchmarkGetThreadUtilisation(seL4_CPtr tcb)
{
    struct sel4_registers registers = {.a0 = tcb};
    sel4_trap(sel4_sys_benchmark_get_thread_utilisation, &registers, 0, 0);
}

static inline void seL4_BenchmarkResetThreadUtilisation(seL4_CPtr tcb)
{
    struct sel4_registers registers = {.a0 = tcb};
    sel4_trap(sel4_sys_benchmark_reset_thread_utilisation, &registers, 0, 0);
}

/* An invocation of an object: message registers are stored on failure alone, as seL4's stubs do. */
static inline seL4_Error sel4_invoke(seL4_CPtr object, struct sel4_registers *message)
{
    message->a0 = object;
    sel4_trap(sel4_sys_call, message, 0, 0);
    seL4_Error error = (seL4_Error)(message->info >> 12);
    if (error != seL4_NoError) {
        sel4_store(message);
    }
    return error;
}

static inline seL4_Error seL4_IRQHandler_Ack(seL4_CPtr irq_handler)
{
    struct sel4_registers message = {.info = seL4_MessageInfo_new(sel4_label_irq_ack, 0, 0, 0).words[0]};
    return sel4_invoke(irq_handler, &message);
}

static inline seL4_Error seL4_TCB_Suspend(seL4_CPtr tcb)
{
    struct sel4_registers message = {.info = seL4_MessageInfo_new(sel4_label_tcb_suspend, 0, 0, 0).words[0]};
    return sel4_invoke(tcb, &message);
}

static inline seL4_Error seL4_TCB_Resume(seL4_CPtr tcb)
{
    struct sel4_registers message = {.info = seL4_MessageInfo_new(sel4_label_tcb_resume, 0, 0, 0).words[0]};
    return sel4_invoke(tcb, &message);
}

/* The first `count` registers of the context are written; all 32 of them travel. */
static inline seL4_Error seL4_TCB_WriteRegisters(seL4_CPtr tcb, seL4_Bool resume_target, seL4_Uint8 arch_flags,
                                                 seL4_Word count, seL4_UserContext *regs)
{
    const seL4_Word *word = (const seL4_Word *)regs;
    struct sel4_registers message = {
        .info = seL4_MessageInfo_new(sel4_label_tcb_write_registers, 0, 0, 2 + 32).words[0],
        .mr0 = (seL4_Word)(resume_target & 1) | (seL4_Word)arch_flags << 8,
        .mr1 = count,
        .mr2 = word[0],
        .mr3 = word[1],
    };
    for (int index = 2; index < 32; index++) {
        seL4_SetMR(2 + index, word[index]);
    }
    return sel4_invoke(tcb, &message);
}

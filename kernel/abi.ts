/**
 * The kernel's binary interface: seL4, MCS configuration, RISC-V 64, one core.
 *
 * Numbers, names and layouts are those of seL4 16.0.0-dev. 64-bit words are pairs of 32-bit halves,
 * low half first.
 */

/** System call numbers (register a7). */
export const SYS_CALL = -1;
export const SYS_REPLY_RECV = -2;
export const SYS_NB_SEND_RECV = -3;
export const SYS_NB_SEND_WAIT = -4;
export const SYS_SEND = -5;
export const SYS_NB_SEND = -6;
export const SYS_RECV = -7;
export const SYS_NB_RECV = -8;
export const SYS_WAIT = -9;
export const SYS_NB_WAIT = -10;
export const SYS_YIELD = -11;
export const SYS_DEBUG_PUT_CHAR = -12;
export const SYS_DEBUG_DUMP_SCHEDULER = -13;
export const SYS_DEBUG_CAP_IDENTIFY = -15;
export const SYS_DEBUG_SNAPSHOT = -16;
export const SYS_DEBUG_NAME_THREAD = -17;
export const SYS_BENCHMARK_FLUSH_CACHES = -21;
export const SYS_BENCHMARK_RESET_LOG = -22;
export const SYS_BENCHMARK_FINALIZE_LOG = -23;
export const SYS_BENCHMARK_NULL_SYSCALL = -25;
export const SYS_BENCHMARK_GET_THREAD_UTILISATION = -26;
export const SYS_BENCHMARK_RESET_THREAD_UTILISATION = -27;
export const SYS_BENCHMARK_RESET_ALL_THREADS_UTILISATION = -29;
export const SYS_SET_TLS_BASE = -33;

/**
 * Message information: length in bits 0..6, extra capabilities 7..8, capabilities unwrapped 9..11,
 * label from 12 on.
 */
export const MESSAGE_LENGTH_MAX = 120;
export const MESSAGE_EXTRA_CAPS_MAX = 3;
export const MESSAGE_REGISTERS = 4;

/**
 * @returns the low half of a message information word; the label must be below 2^20, the high half
 * is then 0
 */
export function messageInfo(label: number, extraCaps: number, length: number): number {
  return ((label << 12) | (extraCaps << 7) | length) >>> 0;
}

export function messageLength(infoLow: number): number {
  return infoLow & 0x7f;
}

/** @returns the low 20 bits of the label; the others are the high half of the word */
export function messageLabel(infoLow: number): number {
  return infoLow >>> 12;
}

/**
 * The register file of a thread: register r has its low half at index 2r and its high half at 2r+1.
 * The order is that of the user context that TCB_ReadRegisters and TCB_WriteRegisters transfer.
 */
export const REG_PC = 0;
export const REG_RA = 1;
export const REG_SP = 2;
export const REG_GP = 3;
export const REG_S0 = 4; // s0..s11 are 4..15
export const REG_A0 = 16; // capability in, badge out
export const REG_A1 = 17; // message information in and out
export const REG_A2 = 18; // message registers 0..3 are a2..a5
export const REG_A6 = 22; // reply capability
export const REG_A7 = 23; // system call number
export const REG_T0 = 24; // t0..t6 are 24..30; destination of NBSendRecv
export const REG_TP = 31;
export const REGISTER_COUNT = 32;
/**
 * Where a thread that runs machine code goes on (seL4's NextIP). Its {@link REG_PC} is the
 * instruction that made the last system call or fault (FaultIP). Only the register files of such
 * threads have this word; no invocation transfers it.
 */
export const REG_NEXT_PC = 32;

/** The IPC buffer: 128 words of 8 bytes in a user frame; message register i is word i + 1. */
export const IPC_BUFFER_BYTES = 1024;
export const IPC_BUFFER_MESSAGE_WORD = 1;
export const IPC_BUFFER_CAPS_WORD = 122;
export const IPC_BUFFER_RECEIVE_CNODE_WORD = 125;
export const IPC_BUFFER_RECEIVE_INDEX_WORD = 126;
export const IPC_BUFFER_RECEIVE_DEPTH_WORD = 127;

/** Error numbers: the label of a refused invocation's reply. */
export const NO_ERROR = 0;
export const INVALID_ARGUMENT = 1;
export const INVALID_CAPABILITY = 2;
export const ILLEGAL_OPERATION = 3;
export const RANGE_ERROR = 4;
export const ALIGNMENT_ERROR = 5;
export const FAILED_LOOKUP = 6;
export const TRUNCATED_MESSAGE = 7;
export const DELETE_FIRST = 8;
export const REVOKE_FIRST = 9;
export const NOT_ENOUGH_MEMORY = 10;

/** Fault types: the label of a fault message. */
export const FAULT_NULL = 0;
export const FAULT_CAP = 1;
export const FAULT_UNKNOWN_SYSCALL = 2;
export const FAULT_USER_EXCEPTION = 3;
export const FAULT_DEBUG = 4;
export const FAULT_TIMEOUT = 5;
export const FAULT_VM = 6;

/** Object types of Untyped_Retype. */
export const OBJECT_UNTYPED = 0;
export const OBJECT_TCB = 1;
export const OBJECT_ENDPOINT = 2;
export const OBJECT_NOTIFICATION = 3;
export const OBJECT_CNODE = 4;
export const OBJECT_SCHED_CONTEXT = 5;
export const OBJECT_REPLY = 6;
export const OBJECT_GIGA_PAGE = 7;
export const OBJECT_4K_PAGE = 8;
export const OBJECT_MEGA_PAGE = 9;
export const OBJECT_PAGE_TABLE = 10;

/** Invocation labels. */
export const UNTYPED_RETYPE = 1;
export const TCB_READ_REGISTERS = 2;
export const TCB_WRITE_REGISTERS = 3;
export const TCB_COPY_REGISTERS = 4;
export const TCB_CONFIGURE = 5;
export const TCB_SET_PRIORITY = 6;
export const TCB_SET_MC_PRIORITY = 7;
export const TCB_SET_SCHED_PARAMS = 8;
export const TCB_SET_TIMEOUT_ENDPOINT = 9;
export const TCB_SET_IPC_BUFFER = 10;
export const TCB_SET_SPACE = 11;
export const TCB_SUSPEND = 12;
export const TCB_RESUME = 13;
export const TCB_BIND_NOTIFICATION = 14;
export const TCB_UNBIND_NOTIFICATION = 15;
export const TCB_SET_TLS_BASE = 16;
export const TCB_SET_FLAGS = 17;
export const CNODE_REVOKE = 18;
export const CNODE_DELETE = 19;
export const CNODE_CANCEL_BADGED_SENDS = 20;
export const CNODE_COPY = 21;
export const CNODE_MINT = 22;
export const CNODE_MOVE = 23;
export const CNODE_MUTATE = 24;
export const CNODE_ROTATE = 25;
export const IRQ_ISSUE_IRQ_HANDLER = 26;
export const IRQ_ACK_IRQ = 27;
export const IRQ_SET_IRQ_HANDLER = 28;
export const IRQ_CLEAR_IRQ_HANDLER = 29;
export const DOMAIN_SET_SET = 30;
export const DOMAIN_SCHEDULE_CONFIGURE = 31;
export const DOMAIN_SCHEDULE_SET_START = 32;
export const SCHED_CONTROL_CONFIGURE_FLAGS = 33;
export const SCHED_CONTEXT_BIND = 34;
export const SCHED_CONTEXT_UNBIND = 35;
export const SCHED_CONTEXT_UNBIND_OBJECT = 36;
export const SCHED_CONTEXT_CONSUMED = 37;
export const SCHED_CONTEXT_YIELD_TO = 38;
export const PAGE_TABLE_MAP = 39;
export const PAGE_TABLE_UNMAP = 40;
export const PAGE_MAP = 41;
export const PAGE_UNMAP = 42;
export const PAGE_GET_ADDRESS = 43;
export const ASID_CONTROL_MAKE_POOL = 44;
export const ASID_POOL_ASSIGN = 45;
export const IRQ_ISSUE_IRQ_HANDLER_TRIGGER = 46;

/** Flags of a thread, for TCB_SetFlags: its floating-point instructions are illegal. */
export const TCB_FLAG_FPU_DISABLED = 1;
export const TCB_FLAGS_MASK = TCB_FLAG_FPU_DISABLED;

/** Rights word. */
export const RIGHT_WRITE = 1;
export const RIGHT_READ = 2;
export const RIGHT_GRANT = 4;
export const RIGHT_GRANT_REPLY = 8;
export const RIGHTS_ALL = 15;

/** Slots of the initial thread's CSpace. */
export const INIT_SLOT_TCB = 1;
export const INIT_SLOT_CNODE = 2;
export const INIT_SLOT_VSPACE = 3;
export const INIT_SLOT_IRQ_CONTROL = 4;
export const INIT_SLOT_ASID_CONTROL = 5;
export const INIT_SLOT_ASID_POOL = 6;
export const INIT_SLOT_BOOT_INFO = 9;
export const INIT_SLOT_IPC_BUFFER = 10;
export const INIT_SLOT_DOMAIN = 11;
export const INIT_SLOT_SCHED_CONTEXT = 14;
export const INIT_SLOT_FIRST_FREE = 16;

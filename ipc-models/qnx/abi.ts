/**
 * QNX Neutrino's message passing as system calls: names and meanings are those of its library.
 * Errors are negative.
 */

export const CHANNEL_CREATE = 1; // flags: chid
export const CHANNEL_DESTROY = 2; // chid
export const CONNECT_ATTACH = 3; // nid, pid, chid: coid
export const CONNECT_DETACH = 4; // coid
export const MSG_SEND = 5; // coid, send iov, parts, reply iov, parts: status
export const MSG_RECEIVE = 6; // chid, iov, parts, where the information goes or 0: rcvid, 0 for a pulse
export const MSG_REPLY = 7; // rcvid, status, iov, parts
export const MSG_ERROR = 8; // rcvid, error
export const MSG_READ = 9; // rcvid, iov, parts, offset: bytes
export const MSG_WRITE = 10; // rcvid, iov, parts, offset: bytes
export const MSG_SEND_PULSE = 11; // coid, priority or OWN_PRIORITY, code, value
export const TIMER_TIMEOUT = 12; // states in which the next call may wait this long only, nanoseconds
export const NAME_ATTACH = 13; // path, chid
export const NAME_OPEN = 14; // path: coid

export const OWN_PRIORITY = 0xffff_ffff;

/** Channel flags. */
export const NTO_CHF_FIXED_PRIORITY = 1;
export const NTO_CHF_UNBLOCK = 2;

/** States for TIMER_TIMEOUT. */
export const STATE_SEND = 1;
export const STATE_REPLY = 2;
export const STATE_RECEIVE = 4;

export const EPERM = 1;
export const ENOENT = 2;
export const ESRCH = 3;
export const EAGAIN = 11;
export const EBADF = 9;
export const EFAULT = 14;
export const EEXIST = 17;
export const EINVAL = 22;
export const ENOSYS = 89;
export const ETIMEDOUT = 260;

/** `iov_t`: base and length, words of 8 bytes of which the low halves count. */
export const IOV_BYTES = 16;
export const IOV_LENGTH = 8;
export const IOV_PARTS_MAX = 64;

/**
 * `struct _msg_info`, the fields that are modelled: pid of the sender, its priority, bytes
 * received, bytes sent.
 */
export const INFO_PID = 0;
export const INFO_PRIORITY = 4;
export const INFO_MSGLEN = 8;
export const INFO_SRCMSGLEN = 12;

/** `struct _pulse` in the receiver's buffer. */
export const PULSE_BYTES = 16;
export const PULSE_CODE = 4;
export const PULSE_VALUE = 8;
export const PULSE_SCOID = 12;
/** A client that waits for its reply wants to wait no longer; the value is its rcvid. */
export const PULSE_CODE_UNBLOCK = -32;

/** Of a pulse in the kernel's queue. A figure of the model. */
export const PULSE_NODE_BYTES = 32;

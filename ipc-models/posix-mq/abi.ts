/**
 * POSIX message queues as system calls: IEEE 1003.1, limits and error numbers of Linux. Errors are
 * returned negative.
 */

export const MQ_OPEN = 1; // path, flags, mode, attributes or 0: descriptor
export const MQ_UNLINK = 2; // path
export const MQ_CLOSE = 3; // descriptor
export const MQ_TIMEDSEND = 4; // descriptor, buffer, length, priority, absolute time or 0
export const MQ_TIMEDRECEIVE = 5; // descriptor, buffer, length, where the priority goes or 0, absolute time or 0: length
export const MQ_NOTIFY = 6; // descriptor, signal or 0 to end the registration
export const MQ_GETSETATTR = 7; // descriptor, new attributes or 0, where the old ones go or 0
export const SIGWAIT = 8; // signal: the signal, when it has come

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NONBLOCK = 0o4000;

export const ENOENT = 2;
export const ENOMEM = 12;
export const EBADF = 9;
export const EAGAIN = 11;
export const EACCES = 13;
export const EFAULT = 14;
export const EBUSY = 16;
export const EEXIST = 17;
export const EINVAL = 22;
export const EMFILE = 24;
export const ENOSPC = 28;
export const ENAMETOOLONG = 36;
export const ENOSYS = 38;
export const EMSGSIZE = 90;
export const ETIMEDOUT = 110;

/** Linux: /proc/sys/fs/mqueue and RLIMIT_MSGQUEUE, as they are after boot. */
export const MSG_MAX = 10;
export const MSGSIZE_MAX = 8192;
export const QUEUES_MAX = 256;
export const RLIMIT_MSGQUEUE = 819_200;
export const MQ_PRIO_MAX = 32_768;
export const NAME_MAX = 255;
/** Of `struct msg_msg`. */
export const MESSAGE_HEADER_BYTES = 48;

/** `struct mq_attr` and `struct timespec`: words of 8 bytes, of which the low halves count. */
export const ATTR_FLAGS = 0;
export const ATTR_MAXMSG = 8;
export const ATTR_MSGSIZE = 16;
export const ATTR_CURMSGS = 24;
export const TIMESPEC_SECONDS = 0;
export const TIMESPEC_NANOSECONDS = 8;

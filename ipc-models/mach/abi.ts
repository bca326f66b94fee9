/**
 * Mach ports as system calls: numbers of messages, rights and results are those of Mach 3.0 and
 * XNU. A call's result is in a0, a name or an address that it gives in a1.
 */

export const MACH_MSG = 1; // message, option, send size, receive limit, receive name, timeout in ms
export const MACH_PORT_ALLOCATE = 2; // MACH_PORT_RIGHT_RECEIVE or MACH_PORT_RIGHT_PORT_SET: name
export const MACH_PORT_DEALLOCATE = 3; // name: one reference to a send, send-once or dead right
export const MACH_PORT_DESTROY = 4; // name: all rights under it
export const MACH_PORT_INSERT_RIGHT = 5; // name of a receive right: a send right under the same name
export const MACH_PORT_SET_QLIMIT = 6; // name, limit
export const MACH_PORT_MOVE_MEMBER = 7; // name of a receive right, name of a port set or 0
export const MACH_PORT_GET_REFS = 8; // name, MACH_PORT_RIGHT_…: references
export const MACH_PORT_REQUEST_NOTIFICATION = 9; // name, MACH_NOTIFY_…, name of the receive right that is told
export const VM_ALLOCATE = 10; // bytes: address
export const VM_DEALLOCATE = 11; // address, bytes

export const MACH_SEND_MSG = 1;
export const MACH_RCV_MSG = 2;
export const MACH_RCV_LARGE = 4;
export const MACH_SEND_TIMEOUT = 0x10;
export const MACH_RCV_TIMEOUT = 0x100;

export const MACH_PORT_NULL = 0;
export const MACH_PORT_DEAD = 0xffff_ffff;

export const MACH_PORT_RIGHT_SEND = 0;
export const MACH_PORT_RIGHT_RECEIVE = 1;
export const MACH_PORT_RIGHT_SEND_ONCE = 2;
export const MACH_PORT_RIGHT_PORT_SET = 3;
export const MACH_PORT_RIGHT_DEAD_NAME = 4;

export const MOVE_RECEIVE = 16;
export const MOVE_SEND = 17;
export const MOVE_SEND_ONCE = 18;
export const COPY_SEND = 19;
export const MAKE_SEND = 20;
export const MAKE_SEND_ONCE = 21;

export const MACH_NOTIFY_NO_SENDERS = 70;
export const MACH_NOTIFY_SEND_ONCE = 71;
export const MACH_NOTIFY_DEAD_NAME = 72;

/** `mach_msg_header_t`. */
export const HEADER_BYTES = 24;
export const HEADER_BITS = 0;
export const HEADER_SIZE = 4;
export const HEADER_REMOTE = 8;
export const HEADER_LOCAL = 12;
export const HEADER_ID = 20;
export const BITS_COMPLEX = 0x8000_0000;
/** The body of a complex message begins with the number of its descriptors. */
export const BODY_BYTES = 4;
/** Behind a received message: type, size, sequence number. */
export const TRAILER_BYTES = 12;

export const DESCRIPTOR_TYPE = 11;
export const PORT_DESCRIPTOR = 0;
export const OOL_DESCRIPTOR = 1;
/** `mach_msg_port_descriptor_t`: name, …, disposition, type. */
export const PORT_DESCRIPTOR_BYTES = 12;
export const PORT_DISPOSITION = 10;
/** `mach_msg_ool_descriptor64_t`: address, deallocate, copy, …, type, size. */
export const OOL_DESCRIPTOR_BYTES = 16;
export const OOL_DEALLOCATE = 8;
export const OOL_COPY = 9;
export const OOL_SIZE = 12;
export const MACH_MSG_PHYSICAL_COPY = 0;
export const MACH_MSG_VIRTUAL_COPY = 1;

export const KERN_SUCCESS = 0;
export const KERN_INVALID_ADDRESS = 1;
export const KERN_NO_SPACE = 3;
export const KERN_INVALID_ARGUMENT = 4;
export const KERN_INVALID_NAME = 15;
export const KERN_INVALID_RIGHT = 17;
export const KERN_INVALID_VALUE = 18;

export const MACH_MSG_SUCCESS = 0;
export const MACH_SEND_INVALID_DATA = 0x1000_0002;
export const MACH_SEND_INVALID_DEST = 0x1000_0003;
export const MACH_SEND_TIMED_OUT = 0x1000_0004;
export const MACH_SEND_MSG_TOO_SMALL = 0x1000_0008;
export const MACH_SEND_INVALID_REPLY = 0x1000_0009;
export const MACH_SEND_INVALID_RIGHT = 0x1000_000a;
export const MACH_SEND_INVALID_MEMORY = 0x1000_000c;
export const MACH_SEND_NO_BUFFER = 0x1000_000d;
export const MACH_RCV_INVALID_NAME = 0x1000_4002;
export const MACH_RCV_TIMED_OUT = 0x1000_4003;
export const MACH_RCV_TOO_LARGE = 0x1000_4004;
export const MACH_RCV_INVALID_DATA = 0x1000_4008;
export const MACH_RCV_PORT_DIED = 0x1000_4009;
export const MACH_RCV_IN_SET = 0x1000_400a;

export const QLIMIT_DEFAULT = 5;
export const QLIMIT_MAX = 1024;
/** What the kernel puts before a message in its own memory. A figure of the model. */
export const KMSG_HEADER_BYTES = 64;
/** What it keeps about memory that travels out of line. A figure of the model. */
export const VM_MAP_COPY_BYTES = 96;

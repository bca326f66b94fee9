/**
 * NS16550A registers as the driver uses them: PC16550D data sheet (National Semiconductor, June
 * 1995), section 8, and TL16C550C (Texas Instruments, SLLS177) for AFE.
 */

export const RBR = 0x00; // receiver buffer (read, DLAB 0)
export const THR = 0x00; // transmitter holding (write, DLAB 0)
export const DLL = 0x00; // divisor latch low (DLAB 1)
export const IER = 0x01; // interrupt enable (DLAB 0)
export const DLM = 0x01; // divisor latch high (DLAB 1)
export const IIR = 0x02; // interrupt identification (read)
export const FCR = 0x02; // FIFO control (write)
export const LCR = 0x03; // line control
export const MCR = 0x04; // modem control
export const LSR = 0x05; // line status
export const MSR = 0x06; // modem status

export const IER_ERBFI = 1 << 0; // enable received data available interrupt
export const IER_ETBEI = 1 << 1; // enable transmitter holding register empty interrupt
export const IER_ELSI = 1 << 2; // enable receiver line status interrupt
export const IER_EDSSI = 1 << 3; // enable modem status interrupt

export const IIR_NONE = 0x1; // "0" if interrupt pending
export const IIR_ID = 0xf;
export const IIR_RLS = 0x6; // receiver line status
export const IIR_RDA = 0x4; // received data available
export const IIR_CTI = 0xc; // character time-out indication
export const IIR_THRE = 0x2; // transmitter holding register empty
export const IIR_MS = 0x0; // modem status

export const FCR_ENABLE = 1 << 0; // FIFO enable
export const FCR_RX_RESET = 1 << 1; // RCVR FIFO reset
export const FCR_TX_RESET = 1 << 2; // XMIT FIFO reset
export const FCR_TRIGGER_8 = 2 << 6; // RCVR trigger: 8 bytes

export const LCR_8N1 = 0x03; // word length 8, one stop bit, no parity
export const LCR_BREAK = 1 << 6; // set break
export const LCR_DLAB = 1 << 7; // divisor latch access

export const MCR_DTR = 1 << 0; // data terminal ready
export const MCR_RTS = 1 << 1; // request to send
export const MCR_OUT2 = 1 << 3; // gates the interrupt on a PC
export const MCR_AFE = 1 << 5; // autoflow control enable

export const LSR_DR = 1 << 0; // data ready
export const LSR_OE = 1 << 1; // overrun error
export const LSR_PE = 1 << 2; // parity error
export const LSR_FE = 1 << 3; // framing error
export const LSR_BI = 1 << 4; // break interrupt
export const LSR_THRE = 1 << 5; // transmitter holding register (FIFO) empty

export const TX_FIFO_BYTES = 16;

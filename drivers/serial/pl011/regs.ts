/**
 * PL011 registers as the driver uses them: Arm PrimeCell UART (PL011) technical reference manual,
 * DDI 0183G, chapter 3.
 */

export const UARTDR = 0x000; // data
export const UARTFR = 0x018; // flags
export const UARTIBRD = 0x024; // integer baud rate
export const UARTFBRD = 0x028; // fractional baud rate, in 64ths
export const UARTLCR_H = 0x02c; // line control
export const UARTCR = 0x030; // control
export const UARTIFLS = 0x034; // interrupt FIFO level select
export const UARTIMSC = 0x038; // interrupt mask set/clear
export const UARTMIS = 0x040; // masked interrupt status
export const UARTICR = 0x044; // interrupt clear

export const UARTDR_FE = 1 << 8; // framing error
export const UARTDR_PE = 1 << 9; // parity error
export const UARTDR_BE = 1 << 10; // break error
export const UARTDR_OE = 1 << 11; // overrun error

export const UARTFR_BUSY = 1 << 3; // UART busy
export const UARTFR_RXFE = 1 << 4; // receive FIFO empty
export const UARTFR_TXFF = 1 << 5; // transmit FIFO full
export const UARTFR_TXFE = 1 << 7; // transmit FIFO empty

export const UARTLCR_H_FEN = 1 << 4; // enable FIFOs
export const UARTLCR_H_WLEN_8 = 3 << 5; // word length 8

export const UARTCR_UARTEN = 1 << 0; // UART enable
export const UARTCR_TXE = 1 << 8; // transmit enable
export const UARTCR_RXE = 1 << 9; // receive enable
export const UARTCR_DTR = 1 << 10; // data transmit ready
export const UARTCR_RTS = 1 << 11; // request to send
export const UARTCR_RTSEN = 1 << 14; // RTS hardware flow control enable
export const UARTCR_CTSEN = 1 << 15; // CTS hardware flow control enable

export const UARTIFLS_TX_1_8 = 0 << 0; // transmit interrupt when the FIFO falls to 1/8
export const UARTIFLS_RX_1_2 = 2 << 3; // receive interrupt when the FIFO rises to 1/2

export const INT_MODEM = 0x00f; // RI, CTS, DCD, DSR
export const INT_RX = 1 << 4;
export const INT_TX = 1 << 5;
export const INT_RT = 1 << 6; // receive time-out
export const INT_ERRORS = 0x780; // FE, PE, BE, OE
export const INT_ALL = 0x7ff;

/** Characters that an empty transmit FIFO holds, at least: 16 up to r1p4, 32 from r1p5 on. */
export const TX_FIFO_BYTES_MIN = 16;

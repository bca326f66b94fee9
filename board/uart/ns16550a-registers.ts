/**
 * NS16550A: register offsets and bits, as in the PC16550D data sheet (National Semiconductor, June
 * 1995), section 8, and for automatic flow control the TL16C550C data sheet (Texas Instruments,
 * SLLS177). The table at the end lists every bit of every register: what the model does with it, or
 * that it is reserved.
 */

import type { LineFormat } from '../serial-wire.ts';

export const RBR = 0; // receiver buffer, read
export const THR = 0; // transmitter holding, write
export const IER = 1; // interrupt enable
export const IIR = 2; // interrupt identification, read
export const FCR = 2; // FIFO control, write
export const LCR = 3; // line control
export const MCR = 4; // modem control
export const LSR = 5; // line status
export const MSR = 6; // modem status
export const SCR = 7; // scratch
export const DLL = 0; // divisor latch, low, with LCR_DLAB
export const DLM = 1; // divisor latch, high, with LCR_DLAB

export const IER_ERBFI = 1; // received data available
export const IER_ETBEI = 2; // transmitter holding register empty
export const IER_ELSI = 4; // receiver line status
export const IER_EDSSI = 8; // modem status

export const IIR_NONE = 0x01;
export const IIR_MS = 0x00;
export const IIR_THRE = 0x02;
export const IIR_RDA = 0x04;
export const IIR_RLS = 0x06;
export const IIR_CTI = 0x0c;
export const IIR_FIFO = 0xc0;

export const FCR_ENABLE = 0x01;
export const FCR_RX_RESET = 0x02;
export const FCR_TX_RESET = 0x04;
export const FCR_DMA_MODE = 0x08;
export const FCR_TRIGGER_SHIFT = 6;
/** Characters in the receive FIFO at which data is available, by the two trigger bits. */
export const FCR_TRIGGERS = [1, 4, 8, 14] as const;

export const LCR_WLS = 0x03;
export const LCR_STB = 0x04;
export const LCR_PEN = 0x08;
export const LCR_EPS = 0x10;
export const LCR_STICK = 0x20;
export const LCR_BREAK = 0x40;
export const LCR_DLAB = 0x80;

export const MCR_DTR = 0x01;
export const MCR_RTS = 0x02;
export const MCR_OUT1 = 0x04;
export const MCR_OUT2 = 0x08;
export const MCR_LOOP = 0x10;
export const MCR_AFE = 0x20; // TL16C550C: automatic flow control

export const LSR_DR = 0x01;
export const LSR_OE = 0x02;
export const LSR_PE = 0x04;
export const LSR_FE = 0x08;
export const LSR_BI = 0x10;
export const LSR_THRE = 0x20;
export const LSR_TEMT = 0x40;
export const LSR_FIFO_ERROR = 0x80;

export const FIFO_DEPTH = 16;

/** One bit (or run of bits) of a register. */
export interface RegisterBits {
  readonly register: string;
  readonly bits: string;
  readonly name: string;
  readonly state: 'implemented' | 'reserved' | 'stored';
  readonly note?: string;
}

const row = (
  register: string,
  bits: string,
  name: string,
  state: RegisterBits['state'] = 'implemented',
  note = '',
): RegisterBits => ({ register, bits, name, state, note });

export const NS16550A_BITS: readonly RegisterBits[] = [
  row('RBR', '7:0', 'received character'),
  row('THR', '7:0', 'character to send'),
  row('DLL', '7:0', 'divisor, low byte'),
  row('DLM', '7:0', 'divisor, high byte'),
  row('IER', '0', 'ERBFI'),
  row('IER', '1', 'ETBEI'),
  row('IER', '2', 'ELSI'),
  row('IER', '3', 'EDSSI'),
  row('IER', '7:4', 'always 0', 'reserved'),
  row('IIR', '0', 'no interrupt pending'),
  row('IIR', '3:1', 'interrupt identification'),
  row('IIR', '5:4', 'always 0', 'reserved'),
  row('IIR', '7:6', 'FIFOs enabled'),
  row('FCR', '0', 'FIFO enable'),
  row('FCR', '1', 'receive FIFO reset'),
  row('FCR', '2', 'transmit FIFO reset'),
  row(
    'FCR',
    '3',
    'DMA mode select',
    'stored',
    'no DMA controller on this board: no RXRDY, TXRDY pins',
  ),
  row('FCR', '5:4', 'ignored', 'reserved'),
  row('FCR', '7:6', 'receive trigger'),
  row('LCR', '1:0', 'WLS: word length'),
  row('LCR', '2', 'STB: stop bits'),
  row('LCR', '3', 'PEN'),
  row('LCR', '4', 'EPS'),
  row('LCR', '5', 'stick parity'),
  row('LCR', '6', 'set break'),
  row('LCR', '7', 'DLAB'),
  row('MCR', '0', 'DTR'),
  row('MCR', '1', 'RTS'),
  row('MCR', '2', 'OUT1'),
  row('MCR', '3', 'OUT2', 'implemented', 'a pin only: does not gate the interrupt, as on a SoC'),
  row('MCR', '4', 'LOOP'),
  row('MCR', '5', 'AFE', 'implemented', 'of the TL16C550C; reserved in the PC16550D'),
  row('MCR', '7:6', 'always 0', 'reserved'),
  row('LSR', '0', 'DR'),
  row('LSR', '1', 'OE'),
  row('LSR', '2', 'PE'),
  row('LSR', '3', 'FE'),
  row('LSR', '4', 'BI'),
  row('LSR', '5', 'THRE'),
  row('LSR', '6', 'TEMT'),
  row('LSR', '7', 'error in receive FIFO'),
  row('MSR', '0', 'DCTS'),
  row('MSR', '1', 'DDSR'),
  row('MSR', '2', 'TERI'),
  row('MSR', '3', 'DDCD'),
  row('MSR', '4', 'CTS'),
  row('MSR', '5', 'DSR'),
  row('MSR', '6', 'RI'),
  row('MSR', '7', 'DCD'),
  row('SCR', '7:0', 'scratch'),
];

/** @returns the format that a value of LCR stands for */
export function lcrFormat(lcr: number, baud: number): LineFormat {
  const dataBits = (5 + (lcr & LCR_WLS)) as LineFormat['dataBits'];
  const stopBits = (lcr & LCR_STB) === 0 ? 1 : dataBits === 5 ? 1.5 : 2;
  return { baud, dataBits, parity: lcrParity(lcr), stopBits };
}

function lcrParity(lcr: number): LineFormat['parity'] {
  if ((lcr & LCR_PEN) === 0) return 'none';
  if ((lcr & LCR_STICK) !== 0) return (lcr & LCR_EPS) !== 0 ? 'space' : 'mark';
  return (lcr & LCR_EPS) !== 0 ? 'even' : 'odd';
}

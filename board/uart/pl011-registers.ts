/**
 * PL011: register offsets and bits, as in Arm's technical reference manual (DDI 0183G), chapter 3.
 * The table at the end lists every bit of every register: what the model does with it, or that it
 * is reserved.
 */

import { INPUT_CTS, INPUT_DCD, INPUT_DSR, INPUT_RI } from '../serial-wire.ts';
import type { LineFormat } from '../serial-wire.ts';
import type { RegisterBits } from './ns16550a-registers.ts';

export const UARTDR = 0x000;
export const UARTRSR = 0x004; // read; UARTECR when written
export const UARTFR = 0x018;
export const UARTILPR = 0x020;
export const UARTIBRD = 0x024;
export const UARTFBRD = 0x028;
export const UARTLCR_H = 0x02c;
export const UARTCR = 0x030;
export const UARTIFLS = 0x034;
export const UARTIMSC = 0x038;
export const UARTRIS = 0x03c;
export const UARTMIS = 0x040;
export const UARTICR = 0x044;
export const UARTDMACR = 0x048;
export const UARTPERIPHID0 = 0xfe0;

/** UARTPeriphID0..3 and UARTPCellID0..3 of revision r1p5, whose FIFOs hold 32 characters. */
export const IDENTIFICATION = [0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1] as const;
export const FIFO_DEPTH = 32;

export const DR_FE = 0x100;
export const DR_PE = 0x200;
export const DR_BE = 0x400;
export const DR_OE = 0x800;

export const RSR_FE = 1;
export const RSR_PE = 2;
export const RSR_BE = 4;
export const RSR_OE = 8;

export const FR_CTS = 0x001;
export const FR_DSR = 0x002;
export const FR_DCD = 0x004;
export const FR_BUSY = 0x008;
export const FR_RXFE = 0x010;
export const FR_TXFF = 0x020;
export const FR_RXFF = 0x040;
export const FR_TXFE = 0x080;
export const FR_RI = 0x100;

export const LCR_H_BRK = 0x01;
export const LCR_H_PEN = 0x02;
export const LCR_H_EPS = 0x04;
export const LCR_H_STP2 = 0x08;
export const LCR_H_FEN = 0x10;
export const LCR_H_WLEN_SHIFT = 5;
export const LCR_H_SPS = 0x80;

export const CR_UARTEN = 0x0001;
export const CR_LBE = 0x0080;
export const CR_TXE = 0x0100;
export const CR_RXE = 0x0200;
export const CR_DTR = 0x0400;
export const CR_RTS = 0x0800;
export const CR_OUT1 = 0x1000;
export const CR_OUT2 = 0x2000;
export const CR_RTSEN = 0x4000;
export const CR_CTSEN = 0x8000;
export const CR_RESET = 0x0300;
/** Bits 6:3 are reserved. */
export const CR_WRITABLE = 0xff87;

export const IFLS_RESET = 0x12;
/**
 * Eighths of a FIFO, by the three bits of a trigger; the other values are reserved and act as the
 * last.
 */
export const IFLS_EIGHTHS = [1, 2, 4, 6, 7, 7, 7, 7] as const;

export const INT_RI = 0x001;
export const INT_CTS = 0x002;
export const INT_DCD = 0x004;
export const INT_DSR = 0x008;
export const INT_RX = 0x010;
export const INT_TX = 0x020;
export const INT_RT = 0x040;
export const INT_FE = 0x080;
export const INT_PE = 0x100;
export const INT_BE = 0x200;
export const INT_OE = 0x400;
export const INT_ALL = 0x7ff;

const row = (
  register: string,
  bits: string,
  name: string,
  state: RegisterBits['state'] = 'implemented',
  note = '',
): RegisterBits => ({ register, bits, name, state, note });

export const PL011_BITS: readonly RegisterBits[] = [
  row('UARTDR', '7:0', 'DATA'),
  row('UARTDR', '8', 'FE'),
  row('UARTDR', '9', 'PE'),
  row('UARTDR', '10', 'BE'),
  row('UARTDR', '11', 'OE'),
  row('UARTDR', '15:12', 'always 0', 'reserved'),
  row('UARTRSR/UARTECR', '0', 'FE'),
  row('UARTRSR/UARTECR', '1', 'PE'),
  row('UARTRSR/UARTECR', '2', 'BE'),
  row('UARTRSR/UARTECR', '3', 'OE'),
  row('UARTRSR/UARTECR', '7:4', 'always 0', 'reserved'),
  row('UARTFR', '0', 'CTS'),
  row('UARTFR', '1', 'DSR'),
  row('UARTFR', '2', 'DCD'),
  row('UARTFR', '3', 'BUSY'),
  row('UARTFR', '4', 'RXFE'),
  row('UARTFR', '5', 'TXFF'),
  row('UARTFR', '6', 'RXFF'),
  row('UARTFR', '7', 'TXFE'),
  row('UARTFR', '8', 'RI'),
  row('UARTFR', '15:9', 'always 0', 'reserved'),
  row('UARTILPR', '7:0', 'ILPDVSR', 'stored', 'no infrared port on this board'),
  row('UARTIBRD', '15:0', 'BAUD DIVINT'),
  row('UARTFBRD', '5:0', 'BAUD DIVFRAC'),
  row('UARTLCR_H', '0', 'BRK'),
  row('UARTLCR_H', '1', 'PEN'),
  row('UARTLCR_H', '2', 'EPS'),
  row('UARTLCR_H', '3', 'STP2'),
  row('UARTLCR_H', '4', 'FEN'),
  row('UARTLCR_H', '6:5', 'WLEN'),
  row('UARTLCR_H', '7', 'SPS'),
  row('UARTCR', '0', 'UARTEN'),
  row('UARTCR', '1', 'SIREN', 'stored', 'no infrared port on this board'),
  row('UARTCR', '2', 'SIRLP', 'stored', 'no infrared port on this board'),
  row('UARTCR', '6:3', 'always 0', 'reserved'),
  row('UARTCR', '7', 'LBE'),
  row('UARTCR', '8', 'TXE'),
  row('UARTCR', '9', 'RXE'),
  row('UARTCR', '10', 'DTR'),
  row('UARTCR', '11', 'RTS'),
  row('UARTCR', '12', 'Out1'),
  row('UARTCR', '13', 'Out2'),
  row('UARTCR', '14', 'RTSEn'),
  row('UARTCR', '15', 'CTSEn'),
  row('UARTIFLS', '2:0', 'TXIFLSEL'),
  row('UARTIFLS', '5:3', 'RXIFLSEL'),
  row('UARTIFLS', '15:6', 'always 0', 'reserved'),
  ...[
    'RIMIM',
    'CTSMIM',
    'DCDMIM',
    'DSRMIM',
    'RXIM',
    'TXIM',
    'RTIM',
    'FEIM',
    'PEIM',
    'BEIM',
    'OEIM',
  ].map((name, bit) => row('UARTIMSC, UARTRIS, UARTMIS, UARTICR', String(bit), name)),
  row('UARTIMSC, UARTRIS, UARTMIS, UARTICR', '15:11', 'always 0', 'reserved'),
  row('UARTDMACR', '2:0', 'RXDMAE, TXDMAE, DMAONERR', 'stored', 'no DMA controller on this board'),
  row('UARTPeriphID0-3', '7:0', 'r1p5: 11 10 34 00'),
  row('UARTPCellID0-3', '7:0', '0D F0 05 B1'),
  row('0x080-0x08c', '31:0', 'test registers', 'reserved', 'for production test only'),
];

/** @returns the format that a value of UARTLCR_H stands for */
export function lcrHFormat(lcrH: number, baud: number): LineFormat {
  return {
    baud,
    dataBits: (5 + ((lcrH >>> LCR_H_WLEN_SHIFT) & 3)) as LineFormat['dataBits'],
    parity: lcrHParity(lcrH),
    stopBits: (lcrH & LCR_H_STP2) === 0 ? 1 : 2,
  };
}

function lcrHParity(lcrH: number): LineFormat['parity'] {
  if ((lcrH & LCR_H_PEN) === 0) return 'none';
  if ((lcrH & LCR_H_SPS) !== 0) return (lcrH & LCR_H_EPS) !== 0 ? 'space' : 'mark';
  return (lcrH & LCR_H_EPS) !== 0 ? 'even' : 'odd';
}

/**
 * @returns the modem inputs in loopback: RTS, DTR, Out1 and Out2 on CTS, DSR, DCD and RI (§3.3.8)
 */
export function loopedInputs(cr: number): number {
  return (
    ((cr & CR_RTS) !== 0 ? INPUT_CTS : 0) |
    ((cr & CR_DTR) !== 0 ? INPUT_DSR : 0) |
    ((cr & CR_OUT1) !== 0 ? INPUT_DCD : 0) |
    ((cr & CR_OUT2) !== 0 ? INPUT_RI : 0)
  );
}

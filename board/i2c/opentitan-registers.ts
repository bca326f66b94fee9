/**
 * Registers of OpenTitan's I2C controller as hardware revision 1 has them, the one on Cheshire.
 *
 * Source: OpenTitan, hw/ip/i2c/data/i2c.hjson and doc/, as of February 2023.
 */

export const INTR_STATE = 0x00;
export const INTR_ENABLE = 0x04;
export const INTR_TEST = 0x08;
export const ALERT_TEST = 0x0c;
export const CTRL = 0x10;
export const STATUS = 0x14;
export const RDATA = 0x18;
export const FDATA = 0x1c;
export const FIFO_CTRL = 0x20;
export const FIFO_STATUS = 0x24;
export const OVRD = 0x28;
export const VAL = 0x2c;
export const TIMING0 = 0x30;
export const TIMING4 = 0x40;
export const TIMEOUT_CTRL = 0x44;
export const TARGET_ID = 0x48;
export const HOST_TIMEOUT_CTRL = 0x54;

/** Interrupts: bits of INTR_STATE, INTR_ENABLE and INTR_TEST, and numbers of the lines. */
export const INTERRUPTS = [
  'fmt_threshold',
  'rx_threshold',
  'fmt_overflow',
  'rx_overflow',
  'nak',
  'scl_interference',
  'sda_interference',
  'stretch_timeout',
  'sda_unstable',
  'cmd_complete',
  'tx_stretch',
  'tx_overflow',
  'acq_full',
  'unexp_stop',
  'host_timeout',
] as const;
export type Interrupt = (typeof INTERRUPTS)[number];

export const CTRL_ENABLEHOST = 1 << 0;
export const CTRL_ENABLETARGET = 1 << 1;
export const CTRL_LLPBK = 1 << 2;

export const STATUS_FMTFULL = 1 << 0;
export const STATUS_RXFULL = 1 << 1;
export const STATUS_FMTEMPTY = 1 << 2;
export const STATUS_HOSTIDLE = 1 << 3;
/** What a controller without a target's part always says: idle, and its FIFOs empty. */
export const STATUS_NO_TARGET = (1 << 4) | (1 << 8) | (1 << 9);
export const STATUS_RXEMPTY = 1 << 5;

export const FDATA_FBYTE = 0xff;
export const FDATA_START = 1 << 8;
export const FDATA_STOP = 1 << 9;
export const FDATA_READB = 1 << 10;
export const FDATA_RCONT = 1 << 11;
export const FDATA_NAKOK = 1 << 12;

export const FIFO_CTRL_RXRST = 1 << 0;
export const FIFO_CTRL_FMTRST = 1 << 1;
/** The resets read as 0: all that is stored are the two levels. */
export const FIFO_CTRL_LEVELS = 0x7c;
/** RXILVL, bits 2 to 4: an interrupt when the FIFO has this many. */
export const RX_LEVELS = [1, 4, 8, 16, 30] as const;
/** FMTILVL, bits 5 and 6: an interrupt when it has fewer than this many. */
export const FMT_LEVELS = [1, 4, 8, 16] as const;

export const OVRD_TXOVRDEN = 1 << 0;
export const OVRD_SCLVAL = 1 << 1;
export const OVRD_SDAVAL = 1 << 2;
/** VAL: the last 16 samples of SCL in its lower half, of SDA in its upper. */
export const VAL_SCL = 0xffff;
export const VAL_SDA = 0xffff_0000;

export const TIMEOUT_CTRL_EN = 0x8000_0000;

export const FIFO_DEPTH = 64;

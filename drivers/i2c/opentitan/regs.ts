/**
 * Registers of OpenTitan's I2C controller, as its driver uses them. 32-bit accesses only.
 *
 * Source: OpenTitan, hw/ip/i2c/doc/registers.md, hardware revision 1.
 */

/** Writing ones clears them. */
export const INTR_STATE = 0x00;
export const INTR_ENABLE = 0x04;
export const INTR_FMT_THRESHOLD = 1 << 0;
export const INTR_RX_THRESHOLD = 1 << 1;
export const INTR_NAK = 1 << 4;
export const INTR_SDA_INTERFERENCE = 1 << 6;
export const INTR_STRETCH_TIMEOUT = 1 << 7;
export const INTR_CMD_COMPLETE = 1 << 9;
export const INTR_ALL = 0x7fff;

export const CTRL = 0x10;
export const CTRL_ENABLEHOST = 1 << 0;

export const STATUS = 0x14;
export const STATUS_FMTFULL = 1 << 0;
export const STATUS_FMTEMPTY = 1 << 2;
export const STATUS_HOSTIDLE = 1 << 3;
export const STATUS_RXEMPTY = 1 << 5;

export const RDATA = 0x18;

/** A byte for the bus, or with READB how many are read: 0 is 256. */
export const FDATA = 0x1c;
export const FDATA_START = 1 << 8;
export const FDATA_STOP = 1 << 9;
export const FDATA_READB = 1 << 10;
/** The last byte is acknowledged: more will be read. */
export const FDATA_RCONT = 1 << 11;

export const FIFO_CTRL = 0x20;
export const FIFO_CTRL_RXRST = 1 << 0;
export const FIFO_CTRL_FMTRST = 1 << 1;
/** Interrupts when FMT is empty, and when RX has one byte. */
export const FIFO_CTRL_LEVELS_LOWEST = 0;

export const FIFO_STATUS = 0x24;
export const FIFO_STATUS_FMTLVL = 0x7f;

/** The driver drives the wires itself. */
export const OVRD = 0x28;
export const OVRD_TXOVRDEN = 1 << 0;
export const OVRD_SCLVAL = 1 << 1;
export const OVRD_SDAVAL = 1 << 2;

/** The last 16 samples of SDA in the upper half: all ones when it is free. */
export const VAL = 0x2c;
export const VAL_SDA = 0xffff_0000;

/** T_HIGH and T_LOW; t_r and t_f; TSU_STA and THD_STA; TSU_DAT and THD_DAT; TSU_STO and T_BUF. */
export const TIMING0 = 0x30;
export const TIMING1 = 0x34;
export const TIMING2 = 0x38;
export const TIMING3 = 0x3c;
export const TIMING4 = 0x40;

export const TIMEOUT_CTRL = 0x44;
export const TIMEOUT_CTRL_EN = 0x8000_0000;

export const FIFO_DEPTH = 64;

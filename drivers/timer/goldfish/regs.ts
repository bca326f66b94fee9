/**
 * Registers of the Goldfish real-time clock: 64-bit nanoseconds and one alarm. 32-bit accesses
 * only.
 *
 * Source: "Goldfish Virtual Hardware" (Android emulator documentation), section "Goldfish real-time
 * clock".
 */

/** Low half of the time; reading it latches the high half. */
export const TIME_LOW = 0x00;
export const TIME_HIGH = 0x04;
/** Writing the low half arms the alarm, so the high half is written first. */
export const ALARM_LOW = 0x08;
export const ALARM_HIGH = 0x0c;
export const IRQ_ENABLED = 0x10;
export const CLEAR_ALARM = 0x14;
export const ALARM_STATUS = 0x18;
/** Any write lowers the interrupt. */
export const CLEAR_INTERRUPT = 0x1c;

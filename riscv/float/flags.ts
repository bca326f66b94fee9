/**
 * The accrued exceptions of `fcsr`, bits 0 to 4 (the manual, volume I, chapter "F", figure of
 * fcsr).
 */

export const FLAG = {
  inexact: 0x01,
  underflow: 0x02,
  overflow: 0x04,
  divideByZero: 0x08,
  invalid: 0x10,
} as const;

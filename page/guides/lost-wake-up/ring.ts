/** Where things are in the shared page: who writes what stands behind each. */

/** Number of the next sample to take: the reader's. */
export const HEAD = 0;
/** Number of the next sample to put in: the driver's. */
export const TAIL = 4;
/** 1 while the reader wants a signal: both write it. */
export const WANTED = 8;
export const VALUES = 16;
export const CAPACITY = 64;

/** So many samples are taken, then the device is switched off. */
export const SAMPLES = 8;
/** Microseconds between two samples. */
export const PERIOD_US = 1000;

/** The guided examples, a line each: their steps are loaded when one is chosen. */

/** By the name that an address has; in the order of the page's list. */
export const GUIDE_TITLES = {
  echo: 'A packet on its way',
  driver: 'Write a driver',
  'power-cut': 'A disk, and a power cut',
  'slow-line': 'A slow serial line',
  'lost-wake-up': 'A lost wake-up',
  'hostile-client': 'A hostile client',
  revoke: 'Capabilities, and taking one back',
} as const;

export type GuideName = keyof typeof GUIDE_TITLES;

export const GUIDE_NAMES = Object.keys(GUIDE_TITLES) as readonly GuideName[];

/** The guided examples, a line each: their steps are loaded when one is chosen. */

export const GUIDES = [
  { name: 'echo', title: 'A packet on its way' },
  { name: 'driver', title: 'Write a driver' },
  { name: 'power-cut', title: 'A disk, and a power cut' },
  { name: 'slow-line', title: 'A slow serial line' },
  { name: 'lost-wake-up', title: 'A lost wake-up' },
  { name: 'hostile-client', title: 'A hostile client' },
  { name: 'revoke', title: 'Capabilities, and taking one back' },
] as const;

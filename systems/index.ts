/** The ready-made systems, a line each. */

import type { ReadySystem } from './system.ts';

export const systems: readonly ReadySystem[] = [
  {
    name: 'echo',
    summary:
      'two UDP echo clients (10.0.2.15, 10.0.2.16) behind one NIC, through virtualisers and copiers',
    load: async () => (await import('./echo.ts')).echo,
  },
  {
    name: 'blk',
    summary: 'a client that checks a disk, through driver and virtualiser; or an NBD server on it',
    load: async () => (await import('./blk.ts')).blkSystem,
  },
];

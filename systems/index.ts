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
    name: 'vswitch',
    summary: 'four UDP echo clients behind one NIC and a switch, which says who reaches whom',
    load: async () => (await import('./vswitch.ts')).vswitchSystem,
  },
  {
    name: 'router',
    summary: 'a router with an access list between two NICs, 10.0.2.1 and 10.0.3.1',
    load: async () => (await import('./router.ts')).router,
  },
  {
    name: 'blk',
    summary: 'a client that checks a disk, through driver and virtualiser; or an NBD server on it',
    load: async () => (await import('./blk.ts')).blkSystem,
  },
  {
    name: 'fat',
    summary: 'a FAT file system on a disk, with ls, cat, write, rm, mkdir and df on a UART',
    load: async () => (await import('./fat.ts')).fatSystem,
  },
  {
    name: 'hello',
    summary: 'Microkit: one domain that prints a line',
    load: async () => (await import('./microkit-examples/hello.ts')).hello,
  },
  {
    name: 'hierarchy',
    summary: 'Microkit: a parent that restarts its crashing child, then stops it',
    load: async () => (await import('./microkit-examples/hierarchy.ts')).hierarchy,
  },
  {
    name: 'passive_server',
    summary: 'Microkit: a client that calls a server which has no time of its own',
    load: async () => (await import('./microkit-examples/passive-server.ts')).passiveServer,
  },
  {
    name: 'timer',
    summary: 'Microkit: a timer driver in one file, that prints the time every second',
    load: async () => (await import('./microkit-examples/timer.ts')).timer,
  },
  {
    name: 'cap_sharing',
    summary: 'Microkit: a domain that suspends and resumes another by a capability',
    load: async () => (await import('./microkit-examples/cap-sharing.ts')).capSharing,
  },
  {
    name: 'domains',
    summary: 'Microkit: notifications between scheduling domains, which coalesce',
    load: async () => (await import('./microkit-examples/domains.ts')).domains,
  },
  {
    name: 'mr_prefill',
    summary: 'Microkit: a region filled from a file',
    load: async () => (await import('./microkit-examples/mr-prefill.ts')).mrPrefill,
  },
  {
    name: 'setvar',
    summary: 'Microkit: addresses patched into a program',
    load: async () => (await import('./microkit-examples/setvar.ts')).setvar,
  },
  {
    name: 'ethernet_split',
    summary: 'Microkit: two sides and a filter between them',
    load: async () => (await import('./microkit-examples/ethernet-split.ts')).ethernetSplit,
  },
  {
    name: 'serial',
    summary: 'two echo clients and a shell on one UART, through virtualisers',
    load: async () => (await import('./serial.ts')).serialSystem,
  },
  {
    name: 'i2c',
    summary: 'a clock, an EEPROM and a shell (date) on one I2C bus, through a virtualiser',
    load: async () => (await import('./i2c.ts')).i2cSystem,
  },
  {
    name: 'camkes',
    summary: 'a CAmkES assembly: RPC, dataport, event, and a hardware component',
    load: async () => (await import('./camkes.ts')).camkes,
  },
];

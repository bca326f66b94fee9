/** The ready-made systems, by name. */

export interface SystemEntry {
  readonly name: string;
  /** One line for `sddf list`. */
  readonly summary: string;
}

export const systems: readonly SystemEntry[] = [
  {
    name: 'echo',
    summary:
      'two UDP echo clients behind one NIC: driver, virtualisers, copiers (10.0.2.15, 10.0.2.16)',
  },
];

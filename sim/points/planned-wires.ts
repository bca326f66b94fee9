/**
 * What the devices of a run with a plan are plugged into: each wire with what may go wrong on it.
 */

import { SerialLine } from '../../board/uart/serial-line.ts';
import type { WireParts, Wires } from '../../systems/testbed.ts';
import { CuttableDisk } from './cuttable-disk.ts';
import type { PlannedRun } from './planned-run.ts';

/**
 * A disk of a run may be a file, so its power cannot be cut: that moment makes what is under way
 * fail. One that is made for it loses what it has not been told to keep.
 */
export function plannedWires(planned: PlannedRun, wires: Wires, { ram, board }: WireParts): Wires {
  const { clock } = board;
  const { net, serial, blocks } = wires;
  const line =
    serial !== undefined && serial.wire instanceof SerialLine
      ? planned.line(serial.wire, clock)
      : serial?.wire;
  return {
    ...wires,
    ...(net === undefined ? {} : { net: planned.net(net, ram, clock) }),
    ...(serial === undefined || line === undefined ? {} : { serial: { ...serial, wire: line } }),
    ...(blocks === undefined
      ? {}
      : {
          blocks: blocks.map((plug, index) => ({
            ...plug,
            wire: planned.disk(`blk${index}`, plug.wire, {
              ram,
              clock,
              ...(plug.wire instanceof CuttableDisk ? { cuttable: plug.wire } : {}),
            }),
          })),
        }),
  };
}

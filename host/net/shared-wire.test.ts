// Two staged links share a NIC: who receives what, and that a look at the oldest frame stays with
// it until it is taken.

import { describe, expect, it } from 'vitest';
import { StagedLink } from '../../board/links/staged-link.ts';
import { Ram } from '../../memory/ram.ts';
import { SharedWire } from './shared-wire.ts';

const STATION = Uint8Array.of(0x52, 0x54, 0, 0, 0, 1);

interface Rig {
  readonly ram: Ram;
  readonly station: StagedLink;
  readonly others: StagedLink;
  readonly wire: SharedWire;
}

function rig(): Rig {
  const ram = new Ram({ sizeBytes: 65_536, stagingBytes: 8 * 1024 * 1024 });
  const station = new StagedLink({ ram });
  const others = new StagedLink({ ram });
  const wire = new SharedWire({ ram, station, mac: STATION, others });
  return { ram, station, others, wire };
}

describe('a shared wire', () => {
  it('sends frames to the station, to the others, broadcasts to both', () => {
    const { ram, station, others, wire } = rig();
    ram.u8.set(STATION, 0);
    ram.u8.set([0x52, 0x54, 0, 0, 0, 2], 100);
    ram.u8.set([255, 255, 255, 255, 255, 255], 200);
    wire.transmit(0, 60);
    wire.transmit(100, 61);
    wire.transmit(200, 62);

    const lengths = (link: StagedLink): number[] => {
      const seen: number[] = [];
      link.drain({ transmit: (frame) => void seen.push(frame.length) });
      return seen;
    };
    expect(lengths(station)).toEqual([60, 62]);
    expect(lengths(others)).toEqual([61, 62]);
  });

  it('keeps to the frame it has shown, though another one comes', () => {
    const { ram, station, others, wire } = rig();
    station.offer(new Uint8Array(70).fill(7));
    expect(wire.nextLength()).toBe(70);

    others.offer(new Uint8Array(80).fill(8));
    expect(wire.nextLength()).toBe(70);
    wire.copyNext(0, 0, 70);
    expect(ram.u8[0]).toBe(7);
    wire.takeNext();

    expect(wire.nextLength()).toBe(80);
    wire.dropNext('no buffer');
    expect(wire.nextLength()).toBe(0);
  });
});

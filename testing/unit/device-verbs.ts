/** A device register by register, where the test says `registers`. */

import { hex } from '../../memory/hex.ts';
import { Unmet } from '../run/step.ts';
import type { TestRun } from '../run/test-run.ts';
import { type Verb, withinOf } from '../verbs/verb.ts';
import { BENCH_NS, quiet } from './patience.ts';
import type { RegisterWrite, ScriptedDevice } from './scripted-device.ts';

const OFFSET = { min: 0, max: 0xffff };
const VALUE = { min: 0, max: 0xffff_ffff };
const SHOWN = 8;

export const DEVICE_VERBS: readonly Verb[] = [
  {
    name: 'device.set',
    what: 'what a register reads as from now on; registers: says so for the start',
    example: 'device.set: {at: 0x60, value: 1}',
    read: (given) => {
      given.onlyHas(['at', 'value']);
      const at = given.field('at')?.number(OFFSET) ?? 0;
      const value = given.field('value')?.number(VALUE) ?? 0;
      return { run: (run) => deviceOf(run).set(at, value) };
    },
  },
  {
    name: 'device.interrupt',
    what: 'the interrupt line of the device goes up, or down; the unit then runs until it waits',
    example: 'device.interrupt: up',
    read: (given) => {
      const level = given.choice(['up', 'down']);
      return {
        run: (run) => {
          deviceOf(run).interrupt(level);
          run.settle();
        },
      };
    },
  },
  {
    name: 'expect device.write',
    what: 'the unit writes this register; writes before it, of others too, count as seen',
    example: 'expect device.write: {at: 0x70, value: 0}',
    read: (given) => {
      given.onlyHas(['at', 'value', 'within']);
      const at = given.field('at')?.number(OFFSET);
      const value = given.field('value')?.number(VALUE);
      const withinNs = withinOf(given, BENCH_NS);
      return { run: (run) => expectWrite(run, { at, value }, withinNs) };
    },
  },
  {
    name: 'expect no device.write',
    what: 'the unit writes no register that was not seen',
    example: 'expect no device.write',
    read: () => ({
      run: (run) => {
        quiet(run);
        const left = untaken(deviceOf(run));
        if (left.length > 0) throw new Unmet('no write', left.slice(0, SHOWN).map(writeWords));
      },
    }),
  },
  {
    name: 'expect device.read',
    what: 'the unit has read this register',
    example: 'expect device.read: {at: 0x00}',
    read: (given) => {
      given.onlyHas(['at', 'within']);
      const at = given.field('at')?.number(OFFSET) ?? 0;
      const withinNs = withinOf(given, BENCH_NS);
      return {
        run: (run) => {
          if (run.until(() => deviceOf(run).reads.has(at), withinNs)) return;
          throw new Unmet(
            `register ${hex(at)} to be read`,
            [...deviceOf(run).reads.keys()].map(hex),
          );
        },
      };
    },
  },
];

function deviceOf({ device }: TestRun): ScriptedDevice {
  if (device !== undefined) return device;
  throw new Unmet('a scripted device', [
    'registers: {…}, beside the steps, puts one in place of the real one',
  ]);
}

function untaken({ writes }: ScriptedDevice): readonly RegisterWrite[] {
  return writes.filter(({ isTaken }) => !isTaken);
}

interface Wanted {
  readonly at: number | undefined;
  readonly value: number | undefined;
}

function expectWrite(run: TestRun, wanted: Wanted, withinNs: number): void {
  const device = deviceOf(run);
  const found = (): number =>
    device.writes.findIndex(
      ({ at, value, isTaken }) =>
        !isTaken && (wanted.at ?? at) === at && (wanted.value ?? value) === value,
    );
  if (!run.until(() => found() >= 0, withinNs)) {
    const [where, what] = [wanted.at, wanted.value].map((each) =>
      each === undefined ? 'any' : hex(each),
    );
    throw new Unmet(
      `a write of ${what} to ${where}`,
      untaken(device).slice(0, SHOWN).map(writeWords),
    );
  }
  const last = found();
  device.writes.slice(0, last + 1).forEach((write) => {
    write.isTaken = true;
  });
}

function writeWords({ at, value }: RegisterWrite): string {
  return `${hex(value)} to ${hex(at)}`;
}

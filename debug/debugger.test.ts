// Goal: whoever debugs a world changes nothing of it, stops where he has asked to, and comes to
// earlier moments of the same world. Method: two domains in machine code that share a page, under a
// debugger that does as the test says; what they have counted at the end is held against a run
// without one, with each engine.

import { describe, expect, it } from 'vitest';
import type { Front, Resume } from './debugger.ts';
import type { Stop } from './moment.ts';
import { DomainView } from './domains.ts';
import { DATA, TEXT } from '../test/support/machine-system.ts';
import {
  READER_SHARED,
  runDebugged,
  runPlain,
  WRITER_SHARED,
} from '../test/support/debugged-world.ts';

const ENGINES = ['interpreter', 'translator'] as const;
/** Offsets of instructions in their programs. */
const STORE = TEXT + 4 * 4;
const SPIN = TEXT + 6 * 4;
const SC = TEXT + 8 * 4;
const READ = TEXT + 6 * 4;
const PC = 32;
const S1 = 9;

type Script = (stop: Stop, world: Scripted) => Resume;

/** A front that does as a script says, at each stop. */
class Scripted implements Front {
  readonly stops: Stop[] = [];
  readonly #script: Script;
  debugger: ReturnType<typeof runDebugged>['debugger'] | undefined;

  constructor(script: Script) {
    this.#script = script;
  }

  wantsStop(): boolean {
    return false;
  }

  stopped(stop: Stop): Resume {
    this.stops.push(stop);
    return this.#script(stop, this);
  }

  register(pd: string, number: number): number {
    const bytes = this.view(pd).register(number) ?? new Uint8Array(8);
    return Number(new DataView(bytes.buffer).getBigUint64(0, true));
  }

  view(pd: string): DomainView {
    if (this.debugger === undefined) throw new Error('no debugger');
    return new DomainView(pd, this.debugger);
  }
}

function run(script: Script, engine: (typeof ENGINES)[number]) {
  const front = new Scripted(script);
  const result = runDebugged(front, engine, 'held', (made) => (front.debugger = made));
  return { ...result, stops: front.stops };
}

const GO: Resume = { kind: 'continue' };

describe.each(ENGINES)('with the %s, a world under a debugger', (engine) => {
  const plain = runPlain(engine);

  it('is the same world when nothing is set', () => {
    const { counters, stops } = run(() => GO, engine);

    expect(stops.map(({ cause }) => cause.kind)).toEqual(['step', 'end']);
    expect(counters).toEqual(plain);
  });

  it('is the same world with breakpoints, also between a load-reserved and its store', () => {
    let hits = 0;
    const { counters } = run((stop, { debugger: debug }) => {
      if (hits === 0) debug?.conditions.setBreakpoint(['writer'], SC);
      if (stop.cause.kind === 'breakpoint') hits += 1;
      if (hits === 60) debug?.conditions.clearBreakpoint(['writer'], SC);
      return GO;
    }, engine);

    expect(hits).toBe(60);
    expect(counters).toEqual(plain);
  });

  it('stops at an instruction of one domain, and not where another has the same address', () => {
    const { stops } = run((_, { debugger: debug, stops: all }) => {
      if (all.length === 1) debug?.conditions.setBreakpoint(['reader'], READ);
      if (all.length === 4) debug?.conditions.clearBreakpoint(['reader'], READ);
      return GO;
    }, engine);

    const hits = stops.filter(({ cause }) => cause.kind === 'breakpoint');
    expect(hits.map(({ pd }) => pd)).toEqual(['reader', 'reader', 'reader']);
  });

  it('steps one instruction after the other, through system calls', () => {
    const pcs: number[] = [];
    const { counters } = run((_stop, world) => {
      const { length } = world.stops;
      if (length === 1) {
        world.debugger?.conditions.setBreakpoint(['writer'], SPIN);
        return GO;
      }
      if (length === 2) {
        world.debugger?.conditions.clearBreakpoint(['writer'], SPIN);
        return { kind: 'step', pd: 'writer', alone: false };
      }
      if (length < 200) {
        pcs.push((world.register('writer', PC) - TEXT) / 4);
        return { kind: 'step', pd: 'writer', alone: false };
      }
      return GO;
    }, engine);

    expect(pcs.slice(0, 6)).toEqual([7, 8, 9, 10, 6, 7]);
    // Through the loop, then the call that wakes the reader, which runs first.
    expect(pcs.slice(98, 108)).toEqual([10, 11, 12, 13, 14, 15, 2, 3, 4, 5]);
    expect(counters).toEqual(plain);
  });

  it('stops when somebody writes to memory that is watched, at whatever address', () => {
    const seen: unknown[] = [];
    const { counters } = run((stop, world) => {
      const { conditions } = world.debugger ?? {};
      if (stop.cause.kind === 'step') {
        const place = world.view('reader').placeOf(READER_SHARED);
        if (place === undefined || conditions === undefined) throw new Error('not mapped');
        conditions.watch({ kind: 'write', vaddr: READER_SHARED, bytes: 8, place });
      }
      if (stop.cause.kind === 'watch') {
        const value = world.view('reader').read(READER_SHARED, 1)[0];
        seen.push([stop.pd, world.register('writer', PC), world.register('writer', S1), value]);
        if (seen.length === 3)
          conditions?.unwatch({ kind: 'write', vaddr: READER_SHARED, bytes: 8 });
      }
      return GO;
    }, engine);

    expect(seen).toEqual([1, 2, 3].map((n) => ['writer', STORE + 4, n, n]));
    expect(counters).toEqual(plain);
  });

  it('is the same world while memory that is read and written all the time is watched', () => {
    const { counters, stops } = run((stop, world) => {
      const { conditions } = world.debugger ?? {};
      const place = world.view('writer').placeOf(DATA);
      if (stop.cause.kind === 'step' && place !== undefined) {
        conditions?.watch({ kind: 'access', vaddr: DATA, bytes: 8, place });
      }
      if (world.stops.length === 50) {
        conditions?.unwatch({ kind: 'access', vaddr: DATA, bytes: 8 });
      }
      return GO;
    }, engine);

    expect(stops.filter(({ cause }) => cause.kind === 'watch')).toHaveLength(49);
    expect(counters).toEqual(plain);
  });
});

describe('going back', () => {
  it('comes to the step before, again and again, in the same world', () => {
    const pcs: number[] = [];
    const { counters, stops } = run((_, world) => {
      const { length } = world.stops;
      if (length === 1) world.debugger?.conditions.setBreakpoint(['writer'], SPIN + 4);
      if (length === 2) world.debugger?.conditions.clearBreakpoint(['writer'], SPIN + 4);
      if (length > 1 && length < 6) {
        pcs.push((world.register('writer', PC) - TEXT) / 4);
        return { kind: 'back-step', pd: 'writer' };
      }
      return GO;
    }, 'translator');

    expect(pcs).toEqual([7, 6, 5, 4]);
    expect(stops.flatMap(({ warning }) => warning ?? [])).toEqual([]);
    expect(counters).toEqual(runPlain());
  });

  it('finds who wrote a value, before the write', () => {
    const { stops } = run((stop, world) => {
      const { conditions } = world.debugger ?? {};
      if (stop.cause.kind === 'end' && conditions !== undefined) {
        const place = world.view('writer').placeOf(WRITER_SHARED);
        if (place === undefined) throw new Error('not mapped');
        if (world.stops.length > 2) return GO;
        conditions.watch({ kind: 'write', vaddr: WRITER_SHARED, bytes: 8, place });
        return { kind: 'back' };
      }
      if (stop.cause.kind === 'watch') {
        expect(world.register('writer', PC)).toBe(STORE);
        const value = world.view('writer').read(WRITER_SHARED, 2);
        expect(world.register('writer', S1)).toBe((value[0] ?? 0) + 256 * (value[1] ?? 0) + 1);
        if (world.stops.length < 5) return { kind: 'back' };
        conditions?.unwatch({ kind: 'write', vaddr: WRITER_SHARED, bytes: 8 });
      }
      return GO;
    }, 'translator');

    expect(stops.map(({ cause }) => cause.kind)).toEqual([
      'step',
      'end',
      'watch',
      'watch',
      'watch',
      'end',
    ]);
  });

  it('ends where the world begins', () => {
    const { stops } = run((stop, { stops: all }) => {
      return stop.cause.kind === 'step' && all.length === 1 ? { kind: 'back' } : GO;
    }, 'translator');

    expect(stops[1]?.cause).toEqual({ kind: 'begin' });
  });

  it('does not say so of a world that is meant to be another one from a moment on', () => {
    const { stops } = run((_stop, world) => {
      switch (world.stops.length) {
        case 2:
          world.debugger?.conditions.setBreakpoint(['writer'], STORE);
          return { kind: 'back' };
        case 3:
          return { kind: 'here' };
        case 4:
          world.view('writer').write(WRITER_SHARED + 64, Uint8Array.of(1));
          world.debugger?.conditions.clear();
          return GO;
        default:
          return GO;
      }
    }, 'translator');

    const kinds = ['step', 'end', 'breakpoint', 'breakpoint', 'end'];
    expect(stops.map(({ cause }) => cause.kind)).toEqual(kinds);
    expect(stops.flatMap(({ warning }) => warning ?? [])).toEqual([]);
  });

  it('says so when the world is another one the next time', () => {
    let isOther = false;
    const { stops } = run((_stop, world) => {
      if (world.stops.length === 1) {
        world.debugger?.conditions.setBreakpoint(['writer'], STORE);
        return GO;
      }
      if (world.stops.length === 2) return { kind: 'step', pd: 'writer', alone: false };
      if (world.stops.length === 3) return { kind: 'back-step', pd: 'writer' };
      if (!isOther) {
        isOther = true;
        world.view('writer').write(WRITER_SHARED + 64, Uint8Array.of(1));
        return { kind: 'step', pd: 'writer', alone: false };
      }
      world.debugger?.conditions.clear();
      return GO;
    }, 'translator');

    expect(stops.some(({ warning }) => warning?.includes('not the same world') === true)).toBe(
      true,
    );
  });
});

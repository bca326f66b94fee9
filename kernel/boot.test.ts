// Goal: what the initial thread is given is as seL4 gives it. Method: boot on RAM full of rubbish,
// and look at what a retype of a boot untyped leaves of it.

import { expect, it } from 'vitest';
import { Ram } from '../memory/ram.ts';
import {
  INIT_SLOT_CNODE,
  OBJECT_4K_PAGE,
  PAGE_GET_ADDRESS,
  SYS_CALL,
  UNTYPED_RETYPE,
} from './abi.ts';
import { boot } from './boot.ts';
import type { BootInfo } from './boot-info.ts';
import { Census } from './inspect/census.ts';
import { Chance } from '../sim/oracles/kernel/chance.ts';
import { FuzzMachine } from '../sim/oracles/kernel/fuzz-machine.ts';
import { generatorImage } from './generator-context.ts';
import type { UntypedCap } from './objects/objects.ts';
import type { ThreadBody, Word } from './system-call.ts';

const RUBBISH = 0xa5;
const PAGE = 4096;

it('gives untypeds that count as dirty, and clears one before the first object is made of it', () => {
  const ram = new Ram({ sizeBytes: 2 ** 20 });
  ram.fill(0, RUBBISH, ram.sizeBytes);
  const census = new Census();
  let address: Word | undefined;
  const kernel = boot({
    machine: new FuzzMachine(ram, new Chance(1), 1e9),
    onCreate: census.onCreate,
    rootTask: (bootInfo) =>
      generatorImage('root', function* (): ThreadBody {
        const { slot, free } = largest(bootInfo);
        const mrs = [OBJECT_4K_PAGE, 0, 0, 0, free, 1];
        yield {
          kind: 'call',
          sys: SYS_CALL,
          cptr: slot,
          label: UNTYPED_RETYPE,
          mrs,
          caps: [INIT_SLOT_CNODE],
        };
        const answer = yield {
          kind: 'call',
          sys: SYS_CALL,
          cptr: free,
          label: PAGE_GET_ADDRESS,
        };
        address = answer.mrs[0];
      }),
  });
  const before = untypedsOf(census, kernel.state);

  kernel.run(Infinity);

  expect(before.length).toBeGreaterThan(3);
  for (const { freeIndex, sizeBits } of before) expect(freeIndex).toBe(2 ** sizeBits);
  const at = Number(address) - ram.base;
  expect([...ram.u8.subarray(at, at + PAGE)]).toEqual(Array.from({ length: PAGE }, () => 0));
  expect(untypedsOf(census, kernel.state).map(({ freeIndex }) => freeIndex)).toContain(PAGE);
});

function largest(bootInfo: BootInfo): { readonly slot: number; readonly free: number } {
  const [best] = bootInfo.untypedList
    .filter(({ isDevice }) => isDevice === 'no')
    .toSorted((one, other) => other.sizeBits - one.sizeBits);
  if (best === undefined) throw new Error('the machine has no memory');
  return { slot: best.slot, free: bootInfo.empty.start };
}

function untypedsOf(census: Census, k: Parameters<Census['look']>[0]): UntypedCap[] {
  const caps = census.look(k).slots.map(({ slot }) => slot.cap);
  return caps.filter((cap) => cap.kind === 'untyped').map((cap) => ({ ...cap }));
}

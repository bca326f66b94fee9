// Goal: a revocation can be preempted at every preemption point, leaves a consistent state each
// time, and completes. Method: work units set to 1 and an interrupt at every point; invariants
// after every kernel entry.

import { describe, expect, it } from 'vitest';
import { Ram } from '../../memory/ram.ts';
import {
  CNODE_REVOKE,
  INIT_SLOT_CNODE,
  INIT_SLOT_IRQ_CONTROL,
  IRQ_ACK_IRQ,
  IRQ_ISSUE_IRQ_HANDLER,
  OBJECT_CNODE,
  OBJECT_ENDPOINT,
  OBJECT_TCB,
  OBJECT_UNTYPED,
  SYS_CALL,
  UNTYPED_RETYPE,
} from '../abi.ts';
import { boot } from '../boot.ts';
import { Census } from '../inspect/census.ts';
import { Chance } from '../../sim/oracles/kernel/chance.ts';
import { FuzzMachine } from '../../sim/oracles/kernel/fuzz-machine.ts';
import { brokenInvariants } from '../../sim/oracles/kernel/invariants.ts';
import { generatorImage } from '../generator-context.ts';
import type { ThreadStep, Word } from '../system-call.ts';

const RAM_BYTES = 2 ** 21;
const UNTYPED = 40;
const CNODE = 41;
const HANDLER = 50;

/**
 * A machine whose interrupt line is raised at every kernel entry, until the interrupt is claimed.
 */
class StormMachine extends FuzzMachine {
  isArmed = false;
  isStorming = false;
  interrupts = 0;

  /** Every kernel entry begins by charging its cost. */
  override charge(deltaNs: number): void {
    super.charge(deltaNs);
    this.isStorming = this.isArmed;
  }

  override get irqPending(): boolean {
    return this.isStorming;
  }

  override claimIrq(): number {
    this.interrupts += 1;
    this.isStorming = false;
    return 1;
  }
}

function* call(
  cptr: number,
  label: number,
  mrs: readonly Word[],
  caps: readonly number[],
): ThreadStep<Word> {
  const answer = yield { kind: 'call', sys: SYS_CALL, cptr, label, mrs, caps };
  return answer.label;
}

interface Outcome {
  readonly errors: readonly Word[];
  readonly interrupts: number;
  readonly broken: readonly string[];
  readonly slotsLeft: number;
}

/** Fills a CNode with threads, CNodes and endpoints made of one untyped, and revokes that. */
function revokeInStorm(children: number): Outcome {
  const machine = new StormMachine(new Ram({ sizeBytes: RAM_BYTES }), new Chance(1), 1e9);
  const census = new Census();
  const errors: Word[] = [];
  const broken: string[] = [];
  const kernel = boot({
    machine,
    workUnitsMax: 1,
    rootCNodeSizeBits: 7,
    onCreate: census.onCreate,
    rootTask: (bootInfo) => {
      const memory = bootInfo.untypedList.find(({ sizeBits }) => sizeBits === 20)?.slot ?? 0;
      const root = [INIT_SLOT_CNODE];
      return generatorImage('root', function* () {
        errors.push(
          yield* call(memory, UNTYPED_RETYPE, [OBJECT_UNTYPED, 18, 0, 0, UNTYPED, 1], root),
          yield* call(memory, UNTYPED_RETYPE, [OBJECT_CNODE, 8, 0, 0, CNODE, 1], root),
          yield* call(INIT_SLOT_IRQ_CONTROL, IRQ_ISSUE_IRQ_HANDLER, [1, HANDLER, 64], root),
        );
        for (let i = 0; i < children; i += 1) {
          const type = [OBJECT_TCB, OBJECT_CNODE, OBJECT_ENDPOINT][i % 3] as number;
          const words = [type, 3, 0, 0, i, 1];
          errors.push(yield* call(UNTYPED, UNTYPED_RETYPE, words, [CNODE]));
        }
        kernel.state.onExit = () => {
          broken.push(...brokenInvariants(kernel.state, census));
        };
        machine.isArmed = true;
        errors.push(yield* call(INIT_SLOT_CNODE, CNODE_REVOKE, [UNTYPED, 64], root));
        kernel.state.onExit = null;
        machine.isArmed = false;
        errors.push(yield* call(HANDLER, IRQ_ACK_IRQ, [], []));
      });
    },
  });
  kernel.run(Infinity);
  const { slots } = census.look(kernel.state);
  const cnode = census.objects.find((object) => object.kind === 'cnode' && object.radix === 8);
  const slotsLeft = slots.filter(({ holder }) => holder === cnode).length;
  return { errors, interrupts: machine.interrupts, broken, slotsLeft };
}

describe('a revocation under a storm of interrupts', () => {
  it('completes, and is consistent at every preemption point', () => {
    const { errors, interrupts, broken, slotsLeft } = revokeInStorm(30);

    expect(errors.filter((error) => error !== 0)).toEqual([]);
    expect(broken).toEqual([]);
    expect(slotsLeft).toBe(0);
    // Each TCB has 5 slots, each CNode 8, and every child is a step of the revocation itself.
    expect(interrupts).toBeGreaterThan(10 * 5 + 10 * 8 + 30 - 1);
  });

  it('is preempted in proportion to the children', () => {
    const few = revokeInStorm(30).interrupts;
    const many = revokeInStorm(90).interrupts;

    expect(many / few).toBeGreaterThan(2.5);
    expect(many / few).toBeLessThan(3.5);
  });
});

// Goal: every invariant can fail. Method: a kernel with one of everything, whose state is right;
// then one thing in it is changed by hand, as a bug of the kernel would, and the checker has to say
// the number. 32 is in budgets.test.ts.

import { describe, expect, it } from 'vitest';
import { Ram } from '../../../memory/ram.ts';
import { RIGHT_READ, SYS_RECV, SYS_WAIT } from '../../../kernel/abi.ts';
import { boot } from '../../../kernel/boot.ts';
import { generatorImage } from '../../../kernel/generator-context.ts';
import { Endpoint, NULL_CAP } from '../../../kernel/objects/objects.ts';
import type {
  Cap,
  EndpointCap,
  FrameCap,
  KernelObject,
  Slot,
  UntypedCap,
} from '../../../kernel/objects/objects.ts';
import type { KernelState } from '../../../kernel/state.ts';
import type { ThreadBody } from '../../../kernel/system-call.ts';
import { Census } from '../../../kernel/inspect/census.ts';
import { Chance } from './chance.ts';
import { FuzzMachine } from './fuzz-machine.ts';
import { furnish, FUZZ_ENTRY, FUZZ_SLOTS, FUZZ_THREADS } from './fuzz-setup.ts';
import { InvariantChecker } from './invariants.ts';

const S = FUZZ_SLOTS;
const RAM_BYTES = 2 ** 20;

/** A kernel with one of everything: two threads wait at an endpoint, one at a notification. */
class Scene {
  readonly k: KernelState;
  readonly census = new Census();
  readonly checker: InvariantChecker;

  constructor() {
    const machine = new FuzzMachine(new Ram({ sizeBytes: RAM_BYTES }), new Chance(1), 1e9);
    const bodies = [receive, receive, wait];
    const kernel = boot({
      machine,
      rootCNodeSizeBits: 7,
      onCreate: this.census.onCreate,
      rootTask: (bootInfo) =>
        generatorImage('root', function* (): ThreadBody {
          yield* furnish(bootInfo);
          yield { kind: 'call', sys: SYS_WAIT, cptr: S.notification + 1 };
        }),
      images: Array.from({ length: FUZZ_THREADS }, (_, i) => ({
        entry: FUZZ_ENTRY + i * 64,
        image: generatorImage(`thread ${i}`, () => (bodies[i] ?? wait)(i)),
      })),
    });
    kernel.run(Infinity);
    this.k = kernel.state;
    this.checker = new InvariantChecker(this.k, this.census);
  }

  /** The slot of the initial thread's CNode with this index. */
  slot(index: number): Slot {
    return this.objects('cnode')[0]?.slotAt(index) as Slot;
  }

  cap<Kind extends Cap['kind']>(index: number, kind: Kind): Cap & { kind: Kind } {
    const { cap } = this.slot(index);
    if (cap.kind !== kind) throw new Error(`slot ${index} holds ${cap.kind}, not ${kind}`);
    return cap as Cap & { kind: Kind };
  }

  objects<Kind extends KernelObject['kind']>(kind: Kind): (KernelObject & { kind: Kind })[] {
    return this.census.objects.filter((object) => object.kind === kind) as (KernelObject & {
      kind: Kind;
    })[];
  }

  /** Puts a capability where none is, behind another on the list. */
  plant(cap: Cap, index: number, behind: number): void {
    const slot = this.slot(index);
    const source = this.slot(behind);
    slot.cap = cap;
    slot.mdbPrev = source;
    slot.mdbNext = source.mdbNext;
    if (source.mdbNext !== null) source.mdbNext.mdbPrev = slot;
    source.mdbNext = slot;
  }

  /** Puts a page where another one is, in every address space. */
  showInstead(shown: FrameCap, other: FrameCap): void {
    for (const { entries } of this.objects('pageTable')) {
      for (const [index, entry] of entries.entries()) {
        if (entry?.kind !== 'page' || entry.base !== shown.base) continue;
        entries[index] = { ...entry, base: other.base };
      }
    }
  }

  /** Takes a page out of its address space, as the kernel does. @returns its capability */
  unmap(index: number): FrameCap {
    const frame = this.cap(index, 'frame');
    for (const { entries } of this.objects('pageTable')) {
      const at = entries.findIndex((entry) => entry?.kind === 'page' && entry.base === frame.base);
      if (at >= 0) entries[at] = undefined;
    }
    const unmapped = { ...frame, mappedAsid: 0, mappedAddress: 0 };
    this.slot(index).cap = unmapped;
    expect(this.checker.broken('all')).toEqual([]);
    return unmapped;
  }

  endpointCap(changes: Partial<EndpointCap> = {}): EndpointCap {
    return { ...this.cap(S.endpoint, 'endpoint'), ...changes };
  }
}

function* receive(i: number): ThreadBody {
  yield { kind: 'call', sys: SYS_RECV, cptr: S.endpoint, reply: S.reply + i };
}

function* wait(): ThreadBody {
  yield { kind: 'call', sys: SYS_WAIT, cptr: S.notification };
}

type Damage = readonly [invariant: number, what: string, damage: (scene: Scene) => void];

const CAPABILITIES: readonly Damage[] = [
  [1, 'a link back is missing', (s) => void (s.slot(S.endpoint).mdbPrev = null)],
  [2, 'an empty slot is on the list', (s) => void (s.slot(S.endpoint).cap = NULL_CAP)],
  [3, 'a copy lies far from its family', (s) => s.plant(s.endpointCap(), S.free, S.notification)],
  [
    4,
    'an object lies in an untyped that is not its ancestor',
    (s) => {
      const { base } = s.cap(S.untyped, 'untyped');
      const endpoint = new Endpoint(base);
      s.plant(s.endpointCap({ endpoint }), S.free, 2);
    },
  ],
  [
    6,
    'an untyped lies in another that is not its parent',
    (s) => s.plant({ ...s.cap(S.untyped, 'untyped'), sizeBits: 8 }, S.free, 2),
  ],
  [
    7,
    'an object lies above the free index',
    (s) => {
      const { base } = s.cap(S.untyped, 'untyped');
      const endpoint = new Endpoint(base + 4096);
      s.plant(s.endpointCap({ endpoint }), S.free, S.untyped);
      s.slot(S.untyped).revocable = true;
    },
  ],
  [
    7,
    'a frame lies on a thread',
    (s) => {
      const frame = s.cap(S.frame, 'frame');
      const [tcb] = s.objects('tcb');
      s.slot(S.frame).cap = { ...frame, base: tcb?.paddr ?? 0 };
    },
  ],
  [
    8,
    'free memory is not zero',
    (s) => {
      const { base, freeIndex } = s.cap(S.untyped, 'untyped');
      s.k.ram.view.setUint8(base + freeIndex + 77 - s.k.ram.base, 1);
    },
  ],
  [
    9,
    'an untyped is not aligned',
    (s) => void (s.slot(S.untyped + 1).cap = { ...s.cap(S.untyped + 1, 'untyped'), sizeBits: 19 }),
  ],
  [
    10,
    'an object has two originals',
    (s) => {
      s.plant(s.endpointCap(), S.free, S.endpoint);
      s.slot(S.free).revocable = true;
    },
  ],
  [
    11,
    'a derived badge stands alone',
    (s) => s.plant(s.endpointCap({ badgeLow: 5 }), S.free, S.endpoint),
  ],
  [
    12,
    'a copy has more rights than its source',
    (s) => {
      s.slot(S.endpoint).cap = s.endpointCap({ rights: RIGHT_READ });
      s.checker.assert('changed');
      s.plant(s.endpointCap({ rights: 15 }), S.free, S.endpoint);
    },
  ],
  [
    12,
    'a frame becomes writable',
    (s) => {
      const frame = s.cap(S.frame, 'frame');
      s.slot(S.frame).cap = { ...frame, vmRights: 2 };
      s.checker.assert('changed');
      s.slot(S.frame).cap = frame;
    },
  ],
  [
    13,
    'a zombie has too many slots',
    (s) => {
      const { tcb } = s.cap(S.tcb + 3, 'thread');
      s.slot(S.tcb + 3).cap = { kind: 'zombie', object: tcb, count: 6 };
    },
  ],
  [
    14,
    'a thread without a capability waits at an endpoint',
    (s) => {
      const slot = s.slot(S.tcb);
      slot.cap = NULL_CAP;
      if (slot.mdbPrev !== null) slot.mdbPrev.mdbNext = slot.mdbNext;
      if (slot.mdbNext !== null) slot.mdbNext.mdbPrev = slot.mdbPrev;
      slot.mdbPrev = slot.mdbNext = null;
    },
  ],
  [15, 'a free index is odd', (s) => void ((s.slot(S.untyped).cap as UntypedCap).freeIndex = 8)],
  [
    16,
    'a guard is too long',
    (s) => void (s.slot(S.cnode).cap = { ...s.cap(S.cnode, 'cnode'), guardSize: 61 }),
  ],
];

const THREADS: readonly Damage[] = [
  [
    17,
    'an endpoint says idle',
    (s) => void (s.cap(S.endpoint, 'endpoint').endpoint.state = 'idle'),
  ],
  [
    18,
    'a queue is out of order',
    (s) =>
      void (
        (s.cap(S.endpoint, 'endpoint').endpoint.tail?.priority ?? 0) > 0 &&
        Object.assign(s.cap(S.endpoint, 'endpoint').endpoint.tail ?? {}, { priority: 255 })
      ),
  ],
  [
    19,
    'only one side of a binding is left',
    (s) =>
      void (s.cap(S.notification, 'notification').notification.boundTcb = s.cap(
        S.tcb,
        'thread',
      ).tcb),
  ],
  [20, 'a thread is marked as ready', (s) => void (s.cap(S.tcb, 'thread').tcb.isQueued = true)],
  [
    21,
    'a thread that can run is forgotten',
    (s) => {
      const { tcb } = s.cap(S.tcb + 2, 'thread');
      tcb.state = 'running';
      tcb.blockedOn = null;
      const { notification } = s.cap(S.notification, 'notification');
      notification.head = notification.tail = null;
      notification.state = 'idle';
    },
  ],
  [22, 'a bit of the ready queues is wrong', (s) => void (s.k.readyBits[3] = 16)],
  [22, 'a ready queue has no bit', (s) => void (s.k.readyHead[9] = s.cap(S.tcb, 'thread').tcb)],
  [23, 'the scheduler is not done', (s) => void (s.k.action = 'choose')],
  [
    24,
    'an object was made of nothing',
    (s) => {
      s.checker.assert('changed');
      const endpoint = new Endpoint(0x1000);
      s.census.onCreate(endpoint);
      s.k.objectsMade += 1;
      s.plant(s.endpointCap({ endpoint }), S.free, 2);
    },
  ],
  [
    24,
    'an object was made unseen',
    (s) => void (s.checker.assert('changed'), (s.k.objectsMade += 1)),
  ],
  [
    25,
    'a reply object has lost its thread',
    (s) => void (s.cap(S.reply, 'reply').reply.tcb = null),
  ],
  [
    26,
    'a reply object of a receiver is on a call stack',
    (s) => void (s.cap(S.reply, 'reply').reply.prev = s.cap(S.reply + 2, 'reply').reply),
  ],
  [
    27,
    'a scheduling context has lost its thread',
    (s) => void (s.cap(S.schedContext, 'schedContext').schedContext.tcb = null),
  ],
  [
    28,
    'a call stack has no head',
    (s) =>
      void (s.cap(S.schedContext, 'schedContext').schedContext.reply = s.cap(
        S.reply + 2,
        'reply',
      ).reply),
  ],
  [
    29,
    'refills overlap',
    (s) => {
      const sc = s.cap(S.schedContext + 1, 'schedContext').schedContext;
      sc.refillCount = 2;
      sc.refillTime[(sc.refillHead + 1) % sc.refillMax] = 0;
    },
  ],
  [
    30,
    'a thread that is due waits for a refill',
    (s) => {
      const { tcb } = s.cap(S.tcb + 3, 'thread');
      s.k.releaseHead = tcb;
      tcb.isInReleaseQueue = true;
    },
  ],
  [
    31,
    'the current context is another one',
    (s) => {
      const { tcb } = s.cap(S.tcb + 2, 'thread');
      s.k.current = tcb;
      tcb.state = 'running';
    },
  ],
  [33, 'the idle thread is queued', (s) => void (s.k.idleThread.isQueued = true)],
];

const SPACES: readonly Damage[] = [
  [
    34,
    'a page has no capability',
    (s) => {
      const frame = s.cap(S.frame, 'frame');
      s.slot(S.frame).cap = { ...frame, mappedAsid: 0, mappedAddress: 0 };
    },
  ],
  [
    35,
    'a mapping is gone, its capability is not',
    (s) => {
      const frame = s.cap(S.frame, 'frame');
      for (const table of s.objects('pageTable')) {
        const index = table.entries.findIndex(
          (entry) => entry?.kind === 'page' && entry.base === frame.base,
        );
        if (index >= 0) table.entries[index] = undefined;
      }
      // A page table is looked at when a capability has changed: any other does.
      s.plant(s.endpointCap(), S.free, S.endpoint);
    },
  ],
  [
    35,
    'a page has replaced another one, and its capability is mapped elsewhere',
    (s) => {
      const other = { ...s.cap(S.frame + 1, 'frame') };
      s.slot(S.frame + 1).cap = other;
      s.showInstead(s.cap(S.frame, 'frame'), other);
    },
  ],
  [
    35,
    'a page has replaced another one, and its capability was not mapped before',
    (s) => {
      const other = s.unmap(S.frame + 1);
      const { mappedAsid, mappedAddress } = s.cap(S.frame, 'frame');
      s.slot(S.frame + 1).cap = { ...other, mappedAsid, mappedAddress };
      s.showInstead(s.cap(S.frame, 'frame'), other);
    },
  ],
  [
    36,
    'a page shows a page table',
    (s) => {
      const frame = s.cap(S.frame, 'frame');
      const [root] = s.objects('pageTable');
      for (const table of s.objects('pageTable')) {
        table.entries.forEach((entry, index) => {
          if (entry?.kind !== 'page' || entry.base !== frame.base) return;
          table.entries[index] = { ...entry, base: root?.paddr ?? 0 };
        });
      }
    },
  ],
  [
    37,
    'the root of an address space is another table',
    (s) => {
      const [pool] = s.objects('asidPool');
      if (pool !== undefined) pool.roots[1] = s.cap(S.pageTable + 1, 'pageTable').table;
    },
  ],
  [
    38,
    "the kernel's half of an address space is changed",
    (s) => {
      const [root, table] = s.objects('pageTable');
      if (root !== undefined && table !== undefined) root.entries[300] = { kind: 'table', table };
    },
  ],
  [
    39,
    'an IPC buffer is device memory',
    (s) => {
      const { tcb } = s.cap(S.tcb, 'thread');
      tcb.buffer.cap = { ...(tcb.buffer.cap as FrameCap), isDevice: true };
    },
  ],
  [40, 'an interrupt has no handler', (s) => void (s.k.irqState[3] = 1)],
];

describe('the invariants', () => {
  it('hold in a state that is right', () => {
    const scene = new Scene();

    expect(scene.cap(S.endpoint, 'endpoint').endpoint.state).toBe('receive');
    expect(scene.checker.broken('all')).toEqual([]);
  });

  it.each([...CAPABILITIES, ...THREADS, ...SPACES])('%d is broken when %s', (number, _, damage) => {
    const scene = new Scene();
    scene.checker.assert('all');

    damage(scene);

    const numbers = scene.checker.broken('all').map((line) => /^invariant (\d+)/.exec(line)?.[1]);
    expect(numbers).toContain(String(number));
  });

  // As in seL4, see transitions.ts.
  it('35 lets a stale capability be mapped again over what has taken its place', () => {
    const scene = new Scene();
    scene.checker.assert('all');
    const shown = scene.cap(S.frame, 'frame');
    const { mappedAsid, mappedAddress } = shown;
    const stale = { ...scene.unmap(S.frame + 1), mappedAsid, mappedAddress };
    scene.slot(S.frame + 1).cap = stale;
    expect(scene.checker.broken('all')).toEqual([]);

    scene.slot(S.frame + 1).cap = { ...stale };
    scene.showInstead(shown, stale);

    expect(scene.checker.broken('all')).toEqual([]);
  });

  // 5 is 4 as the untyped sees it.
  it('are all tried here, but for the sliding window', () => {
    const tried = new Set([...CAPABILITIES, ...THREADS, ...SPACES].map(([number]) => number));
    const all = Array.from({ length: 40 }, (_, i) => i + 1);

    expect(all.filter((number) => !tried.has(number))).toEqual([5, 32]);
  });
});

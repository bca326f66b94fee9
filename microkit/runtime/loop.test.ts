/**
 * The handler loop against a thread without a kernel: which system calls it makes, in which order,
 * with which registers. Slots, badges and labels are those of Microkit's header, written out here a
 * second time.
 */

import { describe, expect, it } from 'vitest';
import { AssertionFailure } from '../../memory/assert.ts';
import type { FlatPd, PdDescription, SystemDescription } from '../model.ts';
import { type EntryPoints, messageInfo, type ProtectionDomain } from '../pd.ts';
import { FakeThread, IMAGE_DATA_AT } from '../../test/support/fake-thread.ts';
import { PdImage } from './image.ts';

const SEND = -5;
const CALL = -1;
const RECV = -7;
const REPLY_RECV = -2;
const NB_SEND_RECV = -3;
const INPUT = 1;
const REPLY = 4;
const MONITOR = 5;
const IRQ_ACK_LABEL = 27;
const ENDPOINT_BIT = 0x8000_0000;
const FAULT_BIT = 0x4000_0000;

function domain(name: string, more: Partial<PdDescription> = {}): PdDescription {
  return {
    name,
    image: { path: `${name}.ts` },
    priority: 10,
    budgetUs: 1000n,
    periodUs: 1000n,
    passive: false,
    stackBytes: 0x2000,
    cpu: 0,
    fpu: true,
    smc: false,
    maps: [],
    irqs: [],
    ioPorts: [],
    setvars: [],
    children: [],
    cspace: [],
    ...more,
  };
}

/**
 * The domain under test has channel 3 to notify and call, channel 40 that it may do neither on, and
 * interrupt 7.
 */
function started(
  main: (pd: ProtectionDomain<unknown>) => EntryPoints,
  more: Partial<PdDescription> = {},
) {
  const pd = domain('subject', {
    irqs: [{ kind: 'conventional', id: 7, irq: 10, trigger: 'level' }],
    ...more,
  });
  const system: SystemDescription = {
    name: 'test',
    protectionDomains: [pd, domain('peer')],
    regions: [],
    channels: [
      {
        a: { pd: 'subject', id: 3, pp: true, notify: true },
        b: { pd: 'peer', id: 9, pp: false, notify: true },
      },
      {
        a: { pd: 'subject', id: 40, pp: false, notify: false },
        b: { pd: 'peer', id: 10, pp: false, notify: true },
      },
    ],
    ioAddressSpaces: [],
  };
  const lines: string[] = [];
  const exceptions: unknown[] = [];
  const flat: FlatPd = { pd, index: 0, parent: -1 };
  const image = new PdImage({
    system,
    pd: flat,
    program: main,
    observer: {
      log: (_pd, text) => lines.push(text),
      exception: (_pd, error) => exceptions.push(error),
    },
  });
  const thread = new FakeThread();
  const context = image.start(thread);
  return { thread, context, lines, exceptions, counters: image.counters };
}

const idle: EntryPoints = { notified: () => undefined };

describe('start', () => {
  it('runs init, acknowledges each interrupt once, and waits on the input with the reply object', () => {
    const order: string[] = [];
    const { thread, context } = started(() => {
      order.push('init');
      return idle;
    });

    context.resume();

    expect(order).toEqual(['init']);
    expect(thread.calls).toMatchObject([
      { kind: 'trap', number: SEND, cptr: 138 + 7, info: IRQ_ACK_LABEL << 12 },
      { kind: 'trapLast', number: RECV, cptr: INPUT, reply: REPLY },
    ]);
  });

  it('asks the monitor of a passive domain to be made passive, together with its first wait', () => {
    const { thread, context } = started(() => idle, { passive: true });

    context.resume();

    expect(thread.lastCall()).toMatchObject({
      number: NB_SEND_RECV,
      destination: MONITOR,
      info: 0,
      cptr: INPUT,
      reply: REPLY,
    });
  });

  it('reports the signal that a passive domain deferred in init, and that Microkit loses', () => {
    const { thread, context, lines, counters } = started(
      (pd) => {
        pd.deferredNotify(3);
        return idle;
      },
      { passive: true },
    );

    context.resume();

    expect(thread.lastCall()).toMatchObject({ destination: MONITOR });
    expect(counters.deferredLost).toBe(1);
    expect(lines).toEqual(['subject: passive: the signal that init deferred is lost']);
  });
});

describe('signals', () => {
  it('calls notified for each bit of the badge, lowest first, from both halves', () => {
    const seen: number[] = [];
    const { thread, context, counters } = started(() => ({ notified: (ch) => void seen.push(ch) }));
    context.resume();

    thread.deliver(0x8000_0009, 0x2000_0001);
    context.resume();

    expect(seen).toEqual([0, 3, 31, 32, 61]);
    expect(counters).toMatchObject({ wakeUps: 1, notified: 5 });
    expect(thread.lastCall()).toMatchObject({ kind: 'trapLast', number: RECV });
  });

  it('counts a wake-up as wasted when progress stood still', () => {
    let done = 0;
    let work = 0;
    const { thread, context, counters } = started(() => ({
      notified: () => {
        done += work;
      },
      progress: () => done,
    }));
    context.resume();

    thread.deliver(1, 0);
    context.resume();
    work = 1;
    thread.deliver(1, 0);
    context.resume();

    expect(counters).toMatchObject({ wakeUps: 2, wastedWakeUps: 1 });
  });
});

describe('calls to the kernel', () => {
  it('signals a peer at its output slot, and acknowledges an interrupt at its handler slot', () => {
    const { thread, context } = started((pd) => ({
      notified: () => {
        pd.notify(3);
        pd.irqAck(7);
      },
    }));
    context.resume();
    thread.calls.length = 0;

    thread.deliver(1, 0);
    context.resume();

    expect(thread.calls.slice(0, 2)).toMatchObject([
      { kind: 'trap', number: SEND, cptr: 10 + 3, info: 0 },
      { kind: 'trap', number: SEND, cptr: 138 + 7, info: IRQ_ACK_LABEL << 12 },
    ]);
  });

  it('sends a deferred signal together with the wait, once', () => {
    const { thread, context, counters } = started((pd) => ({
      notified: (ch) => {
        if (ch === 0) pd.deferredNotify(3);
      },
    }));
    context.resume();
    thread.calls.length = 0;

    thread.deliver(1, 0);
    context.resume();
    thread.deliver(2, 0);
    context.resume();

    expect(thread.calls).toMatchObject([
      { number: NB_SEND_RECV, destination: 10 + 3, info: 0, cptr: INPUT, reply: REPLY },
      { number: RECV },
    ]);
    expect(counters.deferred).toBe(1);
  });

  it('sends what one event has deferred before the next event of the same wake-up', () => {
    const { thread, context, counters } = started((pd) => ({
      notified: (ch) => (ch === 0 ? pd.deferredNotify(3) : pd.deferredIrqAck(7)),
    }));
    context.resume();
    thread.calls.length = 0;

    thread.deliver(3, 0);
    context.resume();

    expect(thread.calls).toMatchObject([
      { kind: 'trap', number: SEND, cptr: 10 + 3 },
      { number: NB_SEND_RECV, destination: 138 + 7, info: IRQ_ACK_LABEL << 12 },
    ]);
    expect(counters.deferredLost).toBe(0);
  });

  it('keeps only the second of two deferred signals, as Microkit does, and says so', () => {
    const { thread, context, lines, counters } = started((pd) => ({
      notified: () => {
        pd.deferredNotify(3);
        pd.deferredIrqAck(7);
      },
    }));
    context.resume();

    thread.deliver(1, 0);
    context.resume();

    expect(thread.lastCall()).toMatchObject({
      number: NB_SEND_RECV,
      destination: 138 + 7,
      info: IRQ_ACK_LABEL << 12,
    });
    expect(counters.deferredLost).toBe(1);
    expect(lines).toHaveLength(1);
  });

  it('calls a peer and returns its reply with the message registers', () => {
    const got: number[] = [];
    const { thread, context } = started((pd) => ({
      notified: () => {
        pd.setMr(0, 2 ** 40 + 5);
        pd.setMr(4, 77);
        got.push(pd.ppcall(3, messageInfo(6, 5)), pd.mr(0), pd.mr(1));
      },
    }));
    context.resume();
    thread.calls.length = 0;
    thread.answers.push((regs) => {
      expect([regs[36], regs[37]]).toEqual([5, 256]); // a2
      regs[34] = messageInfo(9, 2); // a1
      regs[36] = 1;
      regs[37] = 1;
      regs[38] = 3;
    });

    thread.deliver(1, 0);
    context.resume();

    expect(thread.calls[0]).toMatchObject({
      number: CALL,
      cptr: 74 + 3,
      info: messageInfo(6, 5),
    });
    expect(got).toEqual([messageInfo(9, 2), 2 ** 32 + 1, 3]);
    expect(thread.ram.u32[(0x1000 + 8 * 5) / 4]).toBe(77); // the IPC buffer, word 4 + 1
  });

  it('keeps a count over 120 in the tag as the caller wrote it, and refuses one over 127', () => {
    const { thread, context } = started((pd) => ({
      notified: () => void pd.ppcall(3, messageInfo(6, 127)),
    }));
    context.resume();
    thread.calls.length = 0;
    thread.answers.push((regs) => {
      regs[34] = 0;
    });

    thread.deliver(1, 0);
    context.resume();

    expect(thread.calls[0]).toMatchObject({ number: CALL, info: (6 << 12) | 127 });
    expect(() => messageInfo(6, 128)).toThrow('a message of label 6 and 128 registers');
  });

  it("prints Microkit's line for a channel that the description does not give, and goes on", () => {
    const { thread, context, lines, counters } = started((pd) => ({
      notified: () => {
        pd.notify(40);
        pd.notify(10_000);
        pd.irqAck(3);
        expect(pd.ppcall(0, messageInfo(1, 0))).toBe(0);
        pd.deferredNotify(-1);
      },
    }));
    context.resume();
    const before = thread.calls.length;

    thread.deliver(1, 0);
    context.resume();

    expect(lines).toEqual([
      "subject microkit_notify: invalid channel given '40'",
      "subject microkit_notify: invalid channel given '10000'",
      "subject microkit_irq_ack: invalid channel given '3'",
      "subject microkit_ppcall: invalid channel given '0'",
      "subject microkit_deferred_notify: invalid channel given '-1'",
    ]);
    expect(counters.invalidChannels).toBe(5);
    expect(thread.calls.length).toBe(before + 1); // the wait alone
  });
});

describe('protected calls', () => {
  it('answers with what protected returns, without rights to send capabilities', () => {
    const calls: number[][] = [];
    const { thread, context } = started(() => ({
      notified: () => undefined,
      protected: (channel, message) => {
        calls.push([channel, message]);
        return messageInfo(5, 1) | 0xf80;
      },
    }));
    context.resume();

    thread.deliver(3, ENDPOINT_BIT, messageInfo(2, 4));
    context.resume();

    expect(calls).toEqual([[3, messageInfo(2, 4)]]);
    expect(thread.lastCall()).toMatchObject({
      kind: 'trapLast',
      number: REPLY_RECV,
      cptr: INPUT,
      reply: REPLY,
      info: messageInfo(5, 1),
    });
  });

  it('flushes a deferred signal before the wait that replies', () => {
    const { thread, context } = started((pd) => ({
      notified: () => undefined,
      protected: () => {
        pd.deferredNotify(3);
        return messageInfo(0, 0);
      },
    }));
    context.resume();
    thread.calls.length = 0;

    thread.deliver(3, ENDPOINT_BIT, 0);
    context.resume();

    expect(thread.calls).toMatchObject([
      { kind: 'trap', number: SEND, cptr: 10 + 3, info: 0 },
      { kind: 'trapLast', number: REPLY_RECV, info: 0 },
    ]);
  });

  it('is a fault of the domain that has no such entry point', () => {
    const { thread, context, exceptions } = started(() => idle);
    context.resume();

    thread.deliver(3, ENDPOINT_BIT, 0);

    expect(() => context.resume()).toThrow("subject is missing the 'protected' entry point");
    expect(exceptions).toHaveLength(1);
  });
});

describe('faults', () => {
  it("hands a child's fault to the parent with its words, and replies only to let it go on", () => {
    const seen: unknown[] = [];
    let answer: 'resume' | 'stay' = 'stay';
    const { thread, context } = started(() => ({
      notified: () => undefined,
      fault: (child, fault) => {
        seen.push([child, fault]);
        return answer;
      },
    }));
    context.resume();
    thread.regs[36] = 0x20_0000; // a2: message register 0
    thread.regs[38] = 0x1234;

    thread.deliver(2, FAULT_BIT, messageInfo(6, 2));
    context.resume();
    const first = thread.lastCall();
    answer = 'resume';
    thread.deliver(2, FAULT_BIT, messageInfo(6, 2));
    context.resume();

    expect(seen[0]).toEqual([2, { label: 6, words: [0x20_0000, 0x1234] }]);
    expect(first).toMatchObject({ number: RECV });
    expect(thread.lastCall()).toMatchObject({ number: REPLY_RECV, info: 0 });
  });

  it('runs the entry point again that a fault cut off, when the fault handler lets it', () => {
    const seen: number[] = [];
    let broken = true;
    const { thread, context, counters } = started(() => ({
      notified: (channel) => {
        if (channel === 3 && broken) throw new Error('boom');
        seen.push(channel);
      },
    }));
    context.resume();
    thread.deliver(0b101001, 0);
    expect(() => context.resume()).toThrow('boom');
    broken = false;

    context.resume(); // registers are what they were: the kernel has written nothing

    expect(seen).toEqual([0, 3, 5]);
    expect(counters.exceptions).toBe(1);
    expect(thread.lastCall()).toMatchObject({ number: RECV });
  });

  it('runs init again when init was cut off', () => {
    let runs = 0;
    const { thread, context } = started(() => {
      if (runs++ === 0) throw new Error('boom');
      return idle;
    });
    expect(() => context.resume()).toThrow('boom');

    context.resume();

    expect(runs).toBe(2);
    expect(thread.lastCall()).toMatchObject({ number: RECV });
  });

  it('does not report an assertion of our own as the fault of a program', () => {
    const { context, exceptions } = started(() => {
      throw new AssertionFailure('ours');
    });

    expect(() => context.resume()).toThrow(AssertionFailure);
    expect(exceptions).toEqual([]);
  });
});

describe('message registers', () => {
  it('refuses an index beyond 119 and a value that is no unsigned number', () => {
    const { context } = started((pd) => {
      expect(() => pd.mr(120)).toThrow(RangeError);
      expect(() => pd.setMr(-1, 0)).toThrow(RangeError);
      expect(() => pd.setMr(0, -1)).toThrow(RangeError);
      expect(() => pd.setMr(0, 2 ** 53)).toThrow(RangeError);
      pd.setMr(119, 2 ** 53 - 1);
      expect(pd.mr(119)).toBe(2 ** 53 - 1);
      return idle;
    });

    context.resume();
  });
});

describe('variables', () => {
  it('reads the words that the description sets from the image', () => {
    let vars: Readonly<Record<string, number>> = {};
    const { thread, context } = started(
      (pd) => {
        vars = pd.vars;
        return idle;
      },
      { irqs: [{ kind: 'conventional', id: 7, irq: 10, trigger: 'level', setvarId: 'irq_id' }] },
    );
    expect(IMAGE_DATA_AT % 8).toBe(0);
    expect(thread.calls).toEqual([]);

    context.resume();

    expect(vars).toEqual({ irq_id: 0 }); // nobody has patched this image
    expect(Object.isFrozen(vars)).toBe(true);
  });
});

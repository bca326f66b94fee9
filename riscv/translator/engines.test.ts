/**
 * Goal: translated code stops, goes on and notices changes exactly as the interpreter does. Method:
 * small programs in assembly, each run by both engines, stopped after each of their instructions in
 * turn, while code, mappings or limits change.
 */

import { describe, expect, test } from 'vitest';
import { assemble, encode } from '../../test/support/riscv-assembler.ts';
import {
  DATA,
  DEVICE,
  type Engine,
  RiscvMachine,
  TEXT,
  TEXT_AND_DATA,
} from '../../test/support/riscv-machine.ts';
import { createEngine, type EngineKind } from '../engine.ts';
import { EXIT, HART } from '../hart.ts';
import { Interpreter } from '../interpreter/interpreter.ts';
import { OP_OF } from '../operations.ts';
import { type Laziness, Translator } from './translator.ts';
import { Translations } from './translations.ts';

const ENGINES = ['interpreter', 'translator', 'auto'] as const satisfies readonly EngineKind[];
/** Each function in a unit of its own. */
const PIECEMEAL = { interpretedFirst: 0, hot: 2, stretch: 5, unit: 1 };

interface Shared {
  readonly translations?: Translations;
  readonly laziness?: Laziness;
}

function machine(
  engine: EngineKind,
  program: string,
  { translations = new Translations(), laziness }: Shared = {},
): RiscvMachine {
  const made = new RiscvMachine(TEXT_AND_DATA, ({ ram, hart, space }): Engine =>
    createEngine({
      engine,
      ram,
      at: hart,
      space,
      translations,
      few: 0,
      ...(laziness && { laziness }),
    }),
  );
  made.load(TEXT, assemble(program));
  return made;
}

/** Everything of a hart but the record of branches, and its data. */
function stateOf(made: RiscvMachine): string {
  const at = made.hart;
  const { u8 } = made.ram;
  return [
    Buffer.from(u8.subarray(at, at + HART.branchCount)).toString('hex'),
    Buffer.from(u8.subarray(at + HART.floats, at + HART.zero)).toString('hex'),
    Buffer.from(u8.subarray(0x8000, 0x8000 + 0x4000)).toString('base64'),
  ].join('\n');
}

/**
 * Sums of squares in a loop in a loop, by a function with a loop of its own, kept on a stack. It is
 * too long to be translated together with the first one.
 */
const CALLS = `
        li   s0, 0
        li   s1, 5
outer:  mv   a0, s1
        jal  ra, square
        add  s0, s0, a0
        addi s1, s1, -1
        bne  s1, zero, outer
        ecall
        j    outer
square: addi sp, sp, -16
        sd   ra, 8(sp)
        sd   s1, 0(sp)
        mv   a1, a0
        li   a2, 0
again:  add  a2, a2, a0
        addi a1, a1, -1
        bne  a1, zero, again
        mv   a0, a2
        ld   s1, 0(sp)
        ld   ra, 8(sp)
        addi sp, sp, 16
        bne  zero, zero, never
        ret
never:
${'        nop\n'.repeat(1001)}
        bne  zero, zero, never
        ret
`;

describe('limits', () => {
  test('both engines stop at each instruction in the same state', () => {
    const reference = machine('interpreter', CALLS);
    const translations = new Translations();

    for (let limit = 1; limit <= 250; limit += 1) {
      const translated = machine('translator', CALLS, { translations });
      const exits: number[] = [];
      for (let left = limit; left > 0; left = translated.word(HART.remaining)) {
        exits.push(translated.run(left));
      }
      if (reference.run(1) === EXIT.ecall) reference.run(1);

      expect(stateOf(translated), `after ${limit} instructions`).toBe(stateOf(reference));
    }
  });

  test('a loop that shares its first block with a loop around it is counted exactly', () => {
    const counts = ENGINES.map((engine) => {
      const made = machine(
        engine,
        `head: sd   a1, 0(a0)
               addi a0, a0, 8
               addi a2, a2, -1
               bne  a2, zero, head
               addi a2, a2, 40
               addi a3, a3, -1
               bne  a3, zero, head
               ecall`,
      );
      for (const [x, value] of [DATA, 0, 40, 5].entries()) made.setX(10 + x, BigInt(value));
      return [made.run(), made.trapPc, made.double(HART.retired)];
    });

    expect(counts).toEqual(ENGINES.map(() => [EXIT.ecall, TEXT + 28, 815n]));
  });

  /**
   * Reads counters in a function, in a loop that walks through memory, in a branch that is taken
   * seldom, and nowhere.
   */
  const COUNTERS = `
        li    s1, 4
outer:  csrr  s2, cycle
        jal   ra, deeper
        mv    a1, a0
        li    a2, 7
walk:   csrr  s3, instret
        sd    s3, 0(a1)
        addi  a1, a1, 8
        addi  a2, a2, -1
        bne   a2, zero, walk
        csrrci zero, cycle, 0
        csrr  s8, time
        addi  s1, s1, -1
        bne   s1, zero, outer
        ecall
deeper: andi  t0, s1, 1
        beq   t0, zero, even
        csrrc s4, instret, zero
        addi  t1, t1, 3
        csrrsi s5, cycle, 0
even:   csrr  s6, instret
        csrr  s7, cycle
        ret
`;

  test.each([
    [0, 1],
    [2 ** 32 - 20, 37],
    [0, -1],
  ])(
    'counters are read alike, with %i retired before and %i ns for an instruction',
    (before, step) => {
      const most = 190;
      const translations = new Translations();
      /** A hart whose time, as far as it is asked, is that of its instructions too. */
      const made = (engine: EngineKind): RiscvMachine => {
        const one = machine(engine, COUNTERS, { translations });
        one.setX(10, BigInt(DATA));
        one.setWord(HART.retired, before);
        one.setWord(HART.clockStep, step);
        return one;
      };
      const run = (one: RiscvMachine, from: number, count: number): void => {
        one.setDouble(HART.clock, BigInt((from + count) * step));
        Object.defineProperty(one, 'nowNs', {
          configurable: true,
          get: () => 5 * (from + count - one.word(HART.remaining)),
        });
        for (let left = count; left > 0; left = one.word(HART.remaining)) one.run(left);
        // What is over says nothing.
        one.setDouble(HART.clock, 0n);
      };
      const reference = made('interpreter');

      for (let limit = 1; limit <= most; limit += 1) {
        const translated = made('translator');
        run(translated, 1e6, limit);
        run(reference, 1e6 + limit - 1, 1);

        expect(stateOf(translated), `after ${limit} instructions`).toBe(stateOf(reference));
      }
      expect(reference.asked.length > 0).toBe(step < 0);
    },
  );

  test('functions that call each other across units stop in the same states', () => {
    const reference = machine('interpreter', CALLS);
    const translations = new Translations();

    for (let limit = 1; limit <= 250; limit += 1) {
      // What one of them has had translated, the next one finds.
      const translated = machine('translator', CALLS, { translations, laziness: PIECEMEAL });
      translated.run(limit);
      if (translated.word(HART.remaining) > 0) translated.run(translated.word(HART.remaining));
      if (reference.run(1) === EXIT.ecall) reference.run(1);

      expect(stateOf(translated), `after ${limit} instructions`).toBe(stateOf(reference));
    }

    expect(translations.texts.map(({ units }) => units.length)).toEqual([2]);
  });

  test('a device that lowers what is left stops the hart behind the access', () => {
    for (const engine of ENGINES) {
      const made = machine(
        engine,
        `li   a0, ${DEVICE >> 12}
         slli a0, a0, 12
         lw   a1, 0(a0)
         addi a2, a2, 1
         j    -4`,
      );
      made.onDevice = () => made.setWord(HART.remaining, 0);

      expect([made.run(), made.pc, made.x(12)]).toEqual([EXIT.limit, TEXT + 12, 0n]);
      expect(made.double(HART.retired)).toBe(3n);
    }
  });
});

describe('entry points', () => {
  test('have places of their own again in memory that was cleared', () => {
    const translations = new Translations();
    const places: number[] = [];
    const of = (ram: RiscvMachine['ram'], program: string): number => {
      const words = assemble(program);
      const bytes = new Uint8Array(Int32Array.from(words).buffer);
      const compiled = translations.of(
        { vaddr: TEXT, sizeBytes: bytes.length, bytes } as never,
        [],
      );
      if (compiled === undefined) throw new Error('it is small');
      return translations.tableIn(ram, compiled) ?? -1;
    };
    const { ram } = machine('interpreter', 'ecall');
    const before = of(ram, 'ecall');
    ram.clear();
    // What lies below it now is as long as what lay below it then.
    ram.takeStaging(before - ram.sizeBytes);

    places.push(of(ram, 'ebreak'), of(ram, 'ecall'));

    expect(before).toBeGreaterThan(0);
    expect(new Set(places).size).toBe(2);
  });
});

describe('a switch', () => {
  /** Rounds that each go to one of four cases by its address, as a table has it. */
  const SWITCH = `
        jal  ra, run
        ecall
run:    mv   a1, zero
again:  andi a2, a1, 3
        slli a2, a2, 3
        auipc a3, 0
        add  a3, a3, a2
        jalr zero, 12(a3)
        addi a0, a0, 1
        j    next
        addi a0, a0, 10
        j    next
        xor  a0, a0, a1
        j    next
        slli a0, a0, 1
next:   addi a1, a1, 1
        bne  a1, a4, again
        ret
  `;

  test('ends in the same state as interpreted, after any number of instructions', () => {
    const reference = machine('interpreter', SWITCH);
    const translations = new Translations();
    reference.setX(14, 12n);
    for (let limit = 1; limit <= 107; limit += 1) {
      const translated = machine('translator', SWITCH, { translations });
      translated.setX(14, 12n);
      for (let left = limit; left > 0; left = translated.word(HART.remaining)) translated.run(left);
      reference.run(1);

      expect(stateOf(translated), `after ${limit} instructions`).toBe(stateOf(reference));
    }
  });

  test('is executed by translated code, but for a few instructions at first', () => {
    let interpreted = 0;
    const made = new RiscvMachine(TEXT_AND_DATA, ({ ram, hart, space }): Engine => {
      const interpreter = new Interpreter({ ram, at: hart, space });
      const retired = (): number => ram.view.getUint32(hart + HART.retired, true);
      const run = (most?: number): number => {
        const before = retired();
        const exit = interpreter.run(most);
        interpreted += retired() - before;
        return exit;
      };
      return new Translator({
        ...{ ram, at: hart, space, translations: new Translations() },
        interpreter: { run, accessDevice: () => false },
        laziness: { interpretedFirst: 0, hot: 1, stretch: 1, unit: 1500 },
      });
    });
    made.load(TEXT, assemble(SWITCH));
    made.setX(14, 10_000n);

    expect(made.run()).toBe(EXIT.ecall);
    expect(made.double(HART.retired)).toBe(87_503n);
    expect(interpreted).toBeLessThan(100);
  });
});

describe('the record of branches', () => {
  test('has every jump that is interpreted, and of translated code calls of functions that call', () => {
    const program = `
        jal  ra, outer
        ecall
outer:  mv   s0, ra
        jal  ra, inner
        jalr zero, 0(s0)
inner:  ret
    `;
    const recorded = (['interpreter', 'translator'] as const).map((engine) => {
      const made = machine(engine, program);
      made.run();
      const count = made.word(HART.branchCount);
      return Array.from({ length: count }, (_, i) => made.word(HART.branches + 8 * i) - TEXT);
    });

    // The engine itself calls what it enters.
    expect(recorded).toEqual([
      [8, 20, 16, 4],
      [0 + 1, 8 + 1],
    ]);
  });
});

describe('what changes', () => {
  const LOOP = `
again:  addi a0, a0, 1
        addi a1, a1, -1
        bne  a1, zero, again
        ecall
        fence.i
        j    again
  `;

  test('code that others write is seen after fence.i', () => {
    for (const engine of ENGINES) {
      const made = machine(engine, LOOP);
      made.setX(11, 100n);
      made.run();
      made.load(TEXT, assemble('addi a0, a0, 2'));
      made.setX(11, 100n);
      made.pc = TEXT;

      expect([made.run(), made.x(10)]).toEqual([EXIT.ecall, 200n]);

      made.setX(11, 100n);

      expect([made.run(), made.x(10)]).toEqual([EXIT.ecall, 400n]);
    }
  });

  test('data that lies elsewhere is found by who comes into the middle of a loop', () => {
    // Accesses by s0 and sp are checked before the loop, and hold for all of its blocks.
    const program = `
        li   s1, 6
        sd   zero, 0(s0)
        sd   zero, -8(sp)
again:  ld   t0, 0(s0)
        andi t1, s1, 1
        beq  t1, zero, even
        addi t0, t0, 3
        sd   t0, -8(sp)
        j    joined
even:   ld   t2, -8(sp)
        add  t0, t0, t2
        sd   t0, 8(s0)
joined: ld   t3, -16(sp)
        add  t0, t0, t3
        sd   t0, 0(s0)
        addi s1, s1, -1
        bne  s1, zero, again
        ecall
    `;
    const moved = TEXT_AND_DATA.map((each) =>
      each.vaddr === DATA ? { ...each, at: each.at + each.sizeBytes } : each,
    );
    const translations = new Translations();
    for (let limit = 1; limit <= 90; limit += 1) {
      const [interpreted, translated] = (['interpreter', 'translator'] as const).map((engine) => {
        const made = machine(engine, program, { translations });
        made.setX(8, BigInt(DATA + 0x100));
        for (let at = 0x8000; at < 0x1_0000; at += 1) made.ram.u8[at] = (at >>> 5) & 0x7f;
        made.run(limit);
        made.map(moved);
        made.run();
        return [stateOf(made), Buffer.from(made.ram.u8.subarray(0xc000, 0x1_0000)).toString('hex')];
      });

      expect(translated, `moved after ${limit} instructions`).toEqual(interpreted);
    }
  });

  test('a mapping that is taken away faults at the next access', () => {
    for (const engine of ENGINES) {
      const made = machine(
        engine,
        `ld   a1, 0(a0)
         addi a2, a2, 1
         j    -8`,
      );
      made.setX(10, BigInt(DATA));

      expect(made.run(1000)).toBe(EXIT.limit);

      made.map(TEXT_AND_DATA.slice(0, 1));

      expect([made.run(1000), made.trapPc]).toEqual([EXIT.loadPage, TEXT]);
    }
  });

  test('a page that becomes read-only faults at the next store, and others go on', () => {
    for (const engine of ENGINES) {
      const made = machine(engine, 'sd a1, 0(a0)\n ld a2, 8(a0)\n j -8');
      made.setX(10, BigInt(DATA));
      made.run(1000);
      made.map(TEXT_AND_DATA.map((each) => ({ ...each, rights: each.rights.replace('w', '') })));

      expect([made.run(1000), made.trapPc]).toEqual([EXIT.storePage, TEXT]);
    }
  });
});

describe('code in memory that may be written', () => {
  /** Text and data in one run, code up to `END`. */
  const END = TEXT + 0x40;
  const MAPPINGS = [{ vaddr: TEXT, sizeBytes: 0x4000, rights: 'rwx', at: 0x1000 }];
  const writable = (engine: EngineKind, program: string, translations = new Translations()) => {
    const made = new RiscvMachine(
      MAPPINGS,
      ({ ram, hart, space }) =>
        createEngine({ engine, ram, at: hart, space, translations, few: 0 }),
      0x10_0000,
      () => ({ start: TEXT, end: END }),
    );
    made.load(TEXT, assemble(program));
    return made;
  };
  const LONG = `
again:  ld   a1, 0(s0)
        addi a1, a1, 1
        sd   a1, 0(s0)
        addi a2, a2, -1
        bne  a2, zero, again
        ecall
  `;

  test('is translated, and its data is written by translated code, right behind it, too', () => {
    for (const [data, expected] of [
      [END, 1],
      [TEXT + 0x2000, 1],
    ] as const) {
      const translations = new Translations();
      const [interpreted, translated] = (['interpreter', 'translator'] as const).map((engine) => {
        const made = writable(engine, LONG, translations);
        made.setX(8, BigInt(data));
        made.setX(12, 1000n);
        return [made.run(), made.x(11), made.double(HART.retired)];
      });

      expect(translations.texts.length).toBe(expected);
      expect(translated).toEqual(interpreted);
      expect(translated).toEqual([EXIT.ecall, 1000n, 5000n]);
    }
  });

  test('what it writes over itself, it executes at once', () => {
    const [add] = assemble('addi a0, a0, 2');
    for (const engine of ENGINES) {
      const made = writable(
        engine,
        `
again:  sw   a3, 12(s0)
        addi a2, a2, -1
        nop
        addi a0, a0, 1
        bne  a2, zero, again
        ecall
        `,
      );
      made.setX(8, BigInt(TEXT));
      made.setX(12, 3n);
      made.setX(13, BigInt(add ?? 0));

      expect([made.run(), made.x(10)]).toEqual([EXIT.ecall, 6n]);
    }
  });

  test('code that changes again and again is executed as it is', () => {
    const expected = ENGINES.map((engine) => {
      const made = writable(
        engine,
        `
again:  lw   a3, 16(s0)
        add  a3, a3, a4
        sw   a3, 16(s0)
        addi a2, a2, -1
        addi a0, a0, 1
        bne  a2, zero, again
        ecall
        `,
      );
      made.setX(8, BigInt(TEXT));
      made.setX(12, 60n);
      made.setX(14, 1n << 20n);
      return [made.run(), made.x(10), made.double(HART.retired)];
    });

    // 2 + 3 + … + 61: each round adds one more.
    expect(expected).toEqual(ENGINES.map(() => [EXIT.ecall, 1890n, 360n]));
  });

  test('what others write there is seen after fence.i', () => {
    for (const engine of ENGINES) {
      const made = writable(engine, 'addi a0, a0, 1\n ecall\n fence.i\n j -12');
      made.run();
      made.load(TEXT, assemble('addi a0, a0, 5'));

      expect([made.run(), made.x(10)]).toEqual([EXIT.ecall, 6n]);
    }
  });
});

describe('code that nobody wrote', () => {
  test('a jump to what is no instruction and nothing leads to traps there', () => {
    for (const engine of ENGINES) {
      const made = machine(engine, 'jalr zero, 0(a0)');
      made.setX(10, BigInt(TEXT + 0x100));

      expect([made.run(), made.trapPc]).toEqual([EXIT.illegal, TEXT + 0x100]);
    }
  });

  test('a text without any instruction traps at once', () => {
    for (const engine of ENGINES) {
      expect(machine(engine, '').run()).toBe(EXIT.illegal);
    }
  });

  test('the second half of a far jump goes by its register when the first half was skipped', () => {
    for (const engine of ENGINES) {
      const made = machine(
        engine,
        `beq   zero, zero, half
         auipc a0, 0
half:    jalr  zero, 0(a0)
         ecall
        `,
      );
      made.setX(10, BigInt(TEXT + 12));

      expect([made.run(), made.trapPc]).toEqual([EXIT.ecall, TEXT + 12]);
    }
  });
});

describe('bounds', () => {
  test('a large text is translated by pieces, and only those that are executed for long', () => {
    const translations = new Translations();
    const text = { vaddr: TEXT, sizeBytes: 0x80_0000, rights: 'rx', at: 0x1_0000 };
    const made = new RiscvMachine(
      [text],
      ({ ram, hart, space }) =>
        createEngine({ engine: 'translator', ram, at: hart, space, translations }),
      0x81_0000,
    );
    made.load(TEXT, assemble('jal ra, 8\n jal zero, -4\n addi a0, a0, 1\n jalr zero, 0(ra)'));
    made.run(40_000);

    expect(translations.texts).toEqual([]);

    made.run(100_000);

    expect(translations.texts.map(({ translation }) => translation.text.sizeBytes)).toEqual([
      0x4_0000,
    ]);
    expect([made.run(60_000), made.x(10)]).toEqual([EXIT.limit, 50_000n]);
  });

  test('loops that are entwined beyond measure are left to the interpreter, and counted', () => {
    const words = Array.from({ length: 256 }, (_, index) =>
      encode(OP_OF.beq, { rs1: 10, rs2: 11, imm: index % 2 === 0 ? -8 : 8 }),
    );
    const made = machine('translator', 'nop');
    const translations = new Translations();
    const text = made.space.codeAt(TEXT);
    if (text === undefined) throw new Error('the text is mapped');
    made.load(TEXT, words);
    const compiled = translations.of({ ...text, bytes: made.ram.u8.slice(0x1000, 0x5000) }, []);

    compiled?.translation.translateRest();

    expect(compiled?.translation.functionsGivenUp).toBeGreaterThan(0);
  });

  test('no more text is translated than there is memory for', () => {
    const translations = new Translations();
    const sizeBytes = 0x8_0000;
    const bytes = new Uint8Array(sizeBytes);
    const made = Array.from({ length: 12 }, (_, index) =>
      translations.of({ vaddr: TEXT + index * sizeBytes, sizeBytes, bytes }, []),
    );

    expect(made.map((each) => each !== undefined)).toEqual(made.map((_, index) => index < 8));
    expect(translations.refused).toBe(4);
  });
});

describe('translations', () => {
  test('are shared by harts with the same text, and not by others', () => {
    const translations = new Translations();
    const sizes = ['addi a0, a0, 1\n j -4', 'addi a0, a0, 1\n j -4', 'addi a0, a0, 2\n j -4'].map(
      (program) => {
        machine('translator', program, { translations }).run(100);
        return translations.texts.length;
      },
    );

    expect(sizes).toEqual([1, 1, 2]);
  });

  test('deep recursion does not end on the stack of the host', () => {
    // Each call takes no memory of the program's, so nothing but the limit ends it.
    for (const engine of ENGINES) {
      const made = machine(engine, 'addi a0, a0, 1\n jal ra, -4\n j 0');

      expect([made.run(1_000_001), made.x(10)]).toEqual([EXIT.limit, 500_001n]);
    }
  });
});

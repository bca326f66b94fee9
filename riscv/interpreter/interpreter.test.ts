/**
 * What a program may do that is no arithmetic: stops at a limit, traps, memory of all kinds, code
 * of all kinds, CSRs, reservations. Each trap's cause, pc, `stval` and count are those of the
 * privileged specification.
 */

import { describe, expect, it } from 'vitest';

import { assemble } from '../../test/support/riscv-assembler.ts';
import {
  DATA,
  DEVICE,
  RiscvMachine,
  TEXT,
  TEXT_AND_DATA,
} from '../../test/support/riscv-machine.ts';
import { EXIT, HART } from '../hart.ts';

const A0 = 10;
const A1 = 11;
const A2 = 12;

function machineWith(text: string): RiscvMachine {
  const machine = new RiscvMachine();
  machine.load(TEXT, assemble(text));
  machine.setX(A1, BigInt(DATA));
  return machine;
}

/**
 * Cause, offset of the trapped instruction in the text, `stval`, and how many instructions were
 * retired before it.
 */
function trap(machine: RiscvMachine, exit: number): (number | bigint)[] {
  return [
    exit,
    machine.trapPc - TEXT,
    machine.double(HART.trapValue),
    machine.double(HART.retired),
  ];
}

describe('counting', () => {
  const LOOP = `
    li a0,100
    loop: addi a0,a0,-1
    sd a0,0(a1)
    bnez a0,loop
    ecall`;

  it('counts what is retired, and the system call is not', () => {
    const machine = machineWith(LOOP);

    expect(trap(machine, machine.run())).toEqual([EXIT.ecall, 16, 0n, 301n]);
    expect(machine.pc).toBe(TEXT + 20);
  });

  it('stops at any limit, and ends in the same state however it is sliced', () => {
    const whole = machineWith(LOOP);
    whole.run();
    for (let slice = 1; slice < 40; slice += 1) {
      const machine = machineWith(LOOP);
      let exit: number = EXIT.limit;
      for (let count = 0; exit === EXIT.limit; count += 1) {
        expect(machine.double(HART.retired)).toBe(BigInt(count * slice));
        exit = machine.run(slice);
      }
      expect(trap(machine, exit)).toEqual(trap(whole, EXIT.ecall));
      expect(machine.x(A0)).toBe(0n);
    }
  });

  it('names the next instruction when the limit is reached, and executes none with no limit left', () => {
    const machine = machineWith(LOOP);

    expect(machine.run(2)).toBe(EXIT.limit);
    expect([machine.pc, machine.trapPc, machine.word(HART.remaining)]).toEqual([
      TEXT + 8,
      TEXT + 8,
      0,
    ]);
    expect(machine.run(0)).toBe(EXIT.limit);
    expect(machine.double(HART.retired)).toBe(2n);
  });

  it('carries the count into its upper half', () => {
    const machine = machineWith(LOOP);
    machine.setDouble(HART.retired, 0xffff_fffen);
    machine.run();

    expect(machine.double(HART.retired)).toBe(0xffff_fffen + 301n);
  });

  it('remembers where jumps went, the newest at the place of the count', () => {
    const machine = machineWith(`
      j one
      nop
      one: beqz zero,two
      nop
      two: auipc t0,0
      jalr ra,12(t0)
      nop
      ecall`);
    machine.run();
    const entry = (index: number): bigint => machine.double(HART.branches + 8 * index);

    expect(machine.word(HART.branchCount)).toBe(3);
    expect([entry(0), entry(1), entry(2)]).toEqual([8n, 16n, 28n].map((at) => BigInt(TEXT) + at));
    expect(machine.x(1)).toBe(BigInt(TEXT + 24));
  });
});

describe('traps', () => {
  it.each([
    ['ebreak', EXIT.breakpoint, 0n],
    ['.word 0xffffffff', EXIT.illegal, 0xffff_ffffn],
    ['.word 0x00000000', EXIT.illegal, 0n],
    ['.word 0x10500073', EXIT.illegal, 0x1050_0073n], // wfi
    ['.word 0x10200073', EXIT.illegal, 0x1020_0073n], // sret
    ['csrr a0,0x300', EXIT.illegal, 0x3000_2573n],
    ['csrw cycle,a0', EXIT.illegal, 0xc005_1073n],
    ['ld a0,0(zero)', EXIT.loadPage, 0n],
    ['sd a0,-8(zero)', EXIT.storePage, 0xffff_ffff_ffff_fff8n],
    ['sd a0,0(s0)', EXIT.storePage, BigInt(TEXT)],
    ['lb a0,-1(a1)', EXIT.loadPage, BigInt(DATA - 1)],
    ['lr.w a0,(zero)', EXIT.loadPage, 0n],
    ['amoadd.d a0,a0,(zero)', EXIT.storePage, 0n],
    ['amoadd.d a0,a0,(s0)', EXIT.storePage, BigInt(TEXT)],
  ])('%s: cause %i', (line, cause, value) => {
    const machine = machineWith(`nop\nnop\n${line}\necall`);
    machine.setX(8, BigInt(TEXT));
    machine.setX(A0, 0x1234n);

    expect(trap(machine, machine.run())).toEqual([cause, 8, value, 2n]);
    expect(machine.pc).toBe(TEXT + 8);
    expect(machine.x(A0)).toBe(0x1234n);
  });

  it.each([
    ['lr.w a0,(t0)', 2n, EXIT.loadMisaligned],
    ['lr.d a0,(t0)', 4n, EXIT.loadMisaligned],
    ['sc.w a0,a0,(t0)', 2n, EXIT.storeMisaligned],
    ['amoswap.d a0,a0,(t0)', 4n, EXIT.storeMisaligned],
    ['amoor.w a0,a0,(t0)', 1n, EXIT.storeMisaligned],
  ])('%s, %i off: cause %i', (line, offset, cause) => {
    const machine = machineWith(`${line}\necall`);
    machine.setX(5, BigInt(DATA) + offset);

    expect(trap(machine, machine.run())).toEqual([cause, 0, BigInt(DATA) + offset, 0n]);
  });

  it.each([
    [BigInt(DATA), EXIT.fetchPage], // mapped, without the right
    [0n, EXIT.fetchPage],
    [0x1234_5678_9abc_def0n, EXIT.fetchPage],
    [BigInt(DEVICE), EXIT.fetchAccess],
  ])('a jump to %i retires, and the fetch there traps: cause %i', (target, cause) => {
    const machine = machineWith('nop\njr t0');
    machine.setX(5, target + 1n); // jalr clears the lowest bit

    expect(machine.run()).toBe(cause);
    expect(machine.double(HART.nextPc)).toBe(target);
    expect(machine.double(HART.registers)).toBe(target);
    expect(machine.double(HART.trapValue)).toBe(target);
    expect(machine.double(HART.retired)).toBe(2n);
    expect(machine.double(HART.branches)).toBe(target);
  });

  it('an odd pc from outside loses its lowest bit, as sepc does', () => {
    const machine = machineWith('li a0,1\necall');
    machine.pc = TEXT + 1;

    expect(machine.run()).toBe(EXIT.ecall);
    expect(machine.x(A0)).toBe(1n);
  });

  it('running off the end of the text is a fetch fault there', () => {
    const machine = machineWith('');
    machine.load(TEXT + 0x3ffc, assemble('li a0,1'));
    machine.pc = TEXT + 0x3ffc;

    expect(machine.run()).toBe(EXIT.fetchPage);
    expect([machine.trapPc, machine.x(A0)]).toEqual([TEXT + 0x4000, 1n]);
  });
});

describe('fetching', () => {
  it('reports the half that is missing of an instruction that crosses the end', () => {
    const machine = machineWith('');
    machine.load(TEXT + 0x3ffc, [0x0513_0001]); // nop, then the lower half of li a0,…
    machine.pc = TEXT + 0x3ffc;

    expect(machine.run()).toBe(EXIT.fetchPage);
    expect([machine.trapPc, machine.double(HART.trapValue)]).toEqual([
      TEXT + 0x3ffe,
      BigInt(TEXT + 0x4000),
    ]);
    expect(machine.double(HART.retired)).toBe(1n);
  });

  it('joins the halves of an instruction from two runs', () => {
    const machine = new RiscvMachine([
      { vaddr: TEXT, sizeBytes: 0x1000, rights: 'rx', at: 0x1000 },
      { vaddr: TEXT + 0x1000, sizeBytes: 0x1000, rights: 'rwx', at: 0x9000 },
    ]);
    machine.load(TEXT + 0xffc, [0x0513_0001]);
    machine.load(TEXT + 0x1000, [0x0073_02a0, 0]); // upper half of li a0,42; ecall's lower half
    machine.pc = TEXT + 0xffc;

    expect(machine.run()).toBe(EXIT.ecall);
    expect([machine.x(A0), machine.trapPc]).toEqual([42n, TEXT + 0x1002]);
  });

  it('decodes from the middle of an instruction what stands there', () => {
    const machine = machineWith('lui a0,0x90020\necall'); // its upper half is c.ebreak
    machine.pc = TEXT + 2;

    expect(trap(machine, machine.run())).toEqual([EXIT.breakpoint, 2, 0n, 0n]);
  });

  const CHANGES_ITSELF = `
    la: lw t0,16(s0)
    sw t0,12(s0)
    fence.i
    li a0,1
    li a0,2
    ecall`;

  it('code in writable memory is executed as it is', () => {
    const machine = new RiscvMachine([
      { vaddr: TEXT, sizeBytes: 0x1000, rights: 'rwx', at: 0x1000 },
    ]);
    machine.load(TEXT, assemble(CHANGES_ITSELF.replace('fence.i', 'nop')));
    machine.load(TEXT + 16, assemble('li a0,7\necall'));
    machine.setX(8, BigInt(TEXT));
    machine.run();

    expect(machine.x(A0)).toBe(7n);
    expect(machine.ram.view.getUint32(0x100c, true)).toBe(assemble('li a0,7')[0]);
  });

  it('code that may not be written changes with fence.i, or with the mappings, not before', () => {
    const machine = machineWith(`
      first: li a0,1
      bnez a2,fenced
      ecall
      fenced: fence.i
      li a2,0
      j first`);
    const change = (value: number): void => machine.load(TEXT, assemble(`li a0,${value}`));
    const result = (fence: bigint): bigint => {
      machine.setX(A2, fence);
      machine.pc = TEXT;
      expect(machine.run()).toBe(EXIT.ecall);
      return machine.x(A0);
    };

    expect(result(0n)).toBe(1n);
    change(2);
    expect(result(0n)).toBe(1n);
    expect(result(1n)).toBe(2n);
    change(3);
    machine.map(TEXT_AND_DATA);
    expect(result(0n)).toBe(3n);
  });

  it('crosses from one window of code to the next, and jumps between them', () => {
    const size = 0x20_0000;
    const machine = new RiscvMachine(
      [{ vaddr: TEXT, sizeBytes: size, rights: 'rx', at: 0x1000 }],
      undefined,
      size + 0x1_0000,
    );
    machine.load(TEXT, assemble('li a0,1\nlui t0,0x300\njalr ra,-4(t0)\nebreak'));
    machine.load(TEXT + 0x10_0000 - 4, assemble('addi a0,a0,2\naddi a0,a0,4\nret'));

    expect(machine.run()).toBe(EXIT.breakpoint);
    expect(machine.x(A0)).toBe(7n);
    expect(machine.double(HART.retired)).toBe(6n);
  });
});

describe('memory', () => {
  it.each([
    ['lb', 0xffff_ffff_ffff_ff81n],
    ['lbu', 0x81n],
    ['lh', 0xffff_ffff_ffff_8281n],
    ['lhu', 0x8281n],
    ['lw', 0xffff_ffff_8483_8281n],
    ['lwu', 0x8483_8281n],
    ['ld', 0x8887_8685_8483_8281n],
  ])('%s extends what it reads, aligned, misaligned and over the end of a page', (name, value) => {
    const machine = machineWith(`${name} a0,0(a1)\necall`);
    for (const at of [0x100, 0x101, 0x106, 0xffe, 0xfff, 0x1001]) {
      const bytes = [0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88];
      machine.ram.u8.set(bytes, machine.place(DATA + at));
      machine.setX(A1, BigInt(DATA + at));
      machine.pc = TEXT;
      expect([at, machine.run(), machine.x(A0)]).toEqual([at, EXIT.ecall, value]);
    }
  });

  it('stores what it should and no byte more, over the end of a run into another place of RAM', () => {
    const machine = new RiscvMachine([
      { vaddr: TEXT, sizeBytes: 0x1000, rights: 'rx', at: 0x1000 },
      { vaddr: DATA, sizeBytes: 0x1000, rights: 'rw', at: 0x9000 },
      { vaddr: DATA + 0x1000, sizeBytes: 0x1000, rights: 'rw', at: 0x4000 },
    ]);
    machine.load(TEXT, assemble('sd a0,-3(a1)\nld a2,-3(a1)\necall'));
    machine.setX(A0, 0x8877_6655_4433_2211n);
    machine.setX(A1, BigInt(DATA + 0x1000));
    machine.run();

    expect(machine.x(A2)).toBe(0x8877_6655_4433_2211n);
    expect([...machine.ram.u8.slice(0x9ffc, 0xa001)]).toEqual([0, 0x11, 0x22, 0x33, 0]);
    expect([...machine.ram.u8.slice(0x4000, 0x4006)]).toEqual([0x44, 0x55, 0x66, 0x77, 0x88, 0]);
  });

  it('does nothing of a store that ends where it may not, and names the page', () => {
    const machine = machineWith('sd a0,0(a1)\necall');
    machine.setX(A0, -1n);
    machine.setX(A1, BigInt(DATA + 0x3ffc));

    expect(trap(machine, machine.run())).toEqual([EXIT.storePage, 0, BigInt(DATA + 0x4000), 0n]);
    expect(machine.ram.view.getUint32(machine.place(DATA + 0x3ffc), true)).toBe(0);
  });

  it('sees a mapping that has changed, also one that it has used', () => {
    const machine = machineWith('ld a0,0(a1)\necall');
    const run = (): number => {
      machine.pc = TEXT;
      return machine.run();
    };
    expect(run()).toBe(EXIT.ecall);
    machine.map(TEXT_AND_DATA.slice(0, 1));
    expect(run()).toBe(EXIT.loadPage);
    machine.map([...TEXT_AND_DATA.slice(0, 1), { ...TEXT_AND_DATA[1], at: 0xc000 } as never]);
    machine.ram.view.setBigUint64(0xc000, 99n, true);
    expect(run()).toBe(EXIT.ecall);
    expect(machine.x(A0)).toBe(99n);
  });

  it('keeps apart pages that share an entry of the look-aside buffer', () => {
    const machine = new RiscvMachine([
      { vaddr: TEXT, sizeBytes: 0x1000, rights: 'rx', at: 0x1000 },
      { vaddr: DATA, sizeBytes: 0x1000, rights: 'rw', at: 0x4000 },
      { vaddr: DATA + 0x10_0000, sizeBytes: 0x1000, rights: 'r', at: 0x8000 },
    ]);
    machine.load(TEXT, assemble('sd a1,0(a1)\nld a0,0(a2)\nld a0,0(a1)\nsd a0,0(a2)\necall'));
    machine.setX(A1, BigInt(DATA));
    machine.setX(A2, BigInt(DATA + 0x10_0000));

    expect(trap(machine, machine.run())).toEqual([
      EXIT.storePage,
      12,
      BigInt(DATA + 0x10_0000),
      3n,
    ]);
    expect(machine.x(A0)).toBe(BigInt(DATA));
  });
});

describe('devices', () => {
  it('have accesses of each width, and 8 bytes are two of 4', () => {
    const machine = machineWith(`
      lbu a0,1(s0)
      lh a2,2(s0)
      lw a3,4(s0)
      ld a4,8(s0)
      sb a4,1(s0)
      sh a4,2(s0)
      sd a4,16(s0)
      ecall`);
    machine.setX(8, BigInt(DEVICE));
    machine.run();

    expect([A0, A2, 13, 14].map((x) => machine.x(x))).toEqual([
      0x21n,
      0x4321n,
      0xffff_ffff_8765_4321n,
      0x8765_4321_8765_4321n,
    ]);
    expect(machine.accesses.map(({ kind, offset, width }) => [kind, offset, width])).toEqual([
      ['read', 0x101, 1],
      ['read', 0x102, 2],
      ['read', 0x104, 4],
      ['read', 0x108, 4],
      ['read', 0x10c, 4],
      ['write', 0x101, 1],
      ['write', 0x102, 2],
      ['write', 0x110, 4],
      ['write', 0x114, 4],
    ]);
    expect(machine.accesses.slice(5).map(({ value }) => value)).toEqual([
      0x21, 0x4321, 0x8765_4321, 0x8765_4321,
    ]);
  });

  it('see the instruction counted and its address, and may end the run behind it', () => {
    const machine = machineWith('nop\nlw a0,0(s0)\nnop\necall');
    machine.setX(8, BigInt(DEVICE));
    const seen: (number | bigint)[] = [];
    machine.onDevice = () => {
      seen.push(machine.double(HART.retired), machine.word(HART.remaining), machine.trapPc - TEXT);
      machine.setWord(HART.remaining, 0);
    };

    expect(machine.run(100)).toBe(EXIT.limit);
    expect(seen).toEqual([2n, 98, 4]);
    expect([machine.pc - TEXT, machine.double(HART.retired)]).toEqual([8, 2n]);
  });

  it.each([
    ['lw a0,2(s0)', EXIT.loadMisaligned, 2],
    ['sd a0,4(s0)', EXIT.storeMisaligned, 4],
    ['lr.w a0,(s0)', EXIT.loadAccess, 0],
    ['amoadd.w a0,a0,(s0)', EXIT.storeAccess, 0],
  ])('refuse %s: cause %i', (line, cause, offset) => {
    const machine = machineWith(`${line}\necall`);
    machine.setX(8, BigInt(DEVICE));

    expect(trap(machine, machine.run())).toEqual([cause, 0, BigInt(DEVICE + offset), 0n]);
    expect(machine.accesses).toEqual([]);
  });
});

describe('reservations', () => {
  const PAIR = 'lr.d a0,(a1)\nsc.d a2,a3,(a1)\necall';

  it('hold from lr to sc, once', () => {
    const machine = machineWith('lr.d a0,(a1)\nsc.d a2,a3,(a1)\nsc.d a4,a3,(a1)\necall');
    machine.setX(13, 77n);
    machine.run();

    expect([machine.x(A2), machine.x(14)]).toEqual([0n, 1n]);
    expect(machine.ram.view.getBigUint64(machine.place(DATA), true)).toBe(77n);
  });

  it('survive a stop at a limit, and end with a trap', () => {
    const machine = machineWith(PAIR);
    machine.run(1);
    expect(machine.word(HART.hasReservation)).toBe(1);
    machine.run();
    expect(machine.x(A2)).toBe(0n);

    const trapped = machineWith('lr.d a0,(a1)\necall\nsc.d a2,a3,(a1)\necall');
    trapped.run();
    expect(trapped.word(HART.hasReservation)).toBe(0);
    trapped.run();
    expect(trapped.x(A2)).toBe(1n);
  });

  it('end when the value has changed, or the address is another', () => {
    const machine = machineWith(PAIR);
    machine.run(1);
    machine.ram.view.setBigUint64(machine.place(DATA), 5n, true);
    machine.run();
    expect(machine.x(A2)).toBe(1n);

    const other = machineWith('lr.w a0,(a1)\naddi a1,a1,4\nsc.w a2,a3,(a1)\necall');
    other.run();
    expect(other.x(A2)).toBe(1n);
  });
});

describe('CSRs', () => {
  it('count instructions, and read the time that the clock of the hart says', () => {
    const machine = machineWith('nop\ncsrr a0,instret\ncsrr a2,cycle\ncsrr a3,time\necall');
    machine.setWord(HART.clockStep, 7);
    machine.setDouble(HART.clock, 0x1_2345_6789n);
    machine.run(100);

    // Two instructions before the one that reads, of the hundred.
    const cycle = 0x1_2345_6789n - 98n * 7n;
    expect([A0, A2, 13].map((x) => machine.x(x))).toEqual([1n, cycle, (cycle + 7n) / 100n]);
  });

  it('ask what the time is where the clock of the hart does not say', () => {
    const machine = machineWith('nop\ncsrr a0,instret\ncsrr a2,cycle\ncsrr a3,time\necall');
    machine.setWord(HART.clockStep, -1);
    machine.nowNs = 2 ** 40 + 123;
    machine.run(100);

    expect(machine.asked).toEqual([98, 97]);
    expect([A2, 13].map((x) => machine.x(x))).toEqual([
      BigInt(machine.nowNs),
      BigInt(machine.nowNs) / 100n,
    ]);
  });

  it('split fcsr into flags and mode', () => {
    const machine = machineWith(`
      li a0,0xff
      csrw fcsr,a0
      csrrci a1,fflags,3
      csrrwi a2,frm,1
      csrr a3,fcsr
      csrrs a4,fflags,zero
      ecall`);
    machine.run();

    expect([A1, A2, 13, 14].map((x) => machine.x(x))).toEqual([0x1fn, 7n, 0x3cn, 0x1cn]);
  });
});

describe('floating point', () => {
  it.each(['fadd.d fa0,fa0,fa0', 'fld fa0,0(a1)', 'csrr a0,fcsr', 'fmv.x.d a0,fa0'])(
    'off: %s is illegal',
    (line) => {
      const machine = machineWith(`nop\n${line}\necall`);
      expect(machine.run()).toBe(EXIT.ecall);
      machine.setWord(HART.hasFloatingPoint, 0);
      machine.pc = TEXT;
      machine.setDouble(HART.retired, 0n);

      expect(machine.run()).toBe(EXIT.illegal);
      expect(machine.trapPc).toBe(TEXT + 4);
      machine.setWord(HART.hasFloatingPoint, 1);
      expect(machine.run()).toBe(EXIT.ecall);
    },
  );

  it.each([5, 6, 7])('a dynamic mode that is none, %i, is illegal', (mode) => {
    const machine = machineWith('fadd.d fa0,fa1,fa2\necall');
    machine.setWord(HART.fcsr, mode << 5);

    expect(machine.run()).toBe(EXIT.illegal);
    expect(machine.double(HART.retired)).toBe(0n);
  });

  it('loads and stores singles boxed, misaligned too', () => {
    const machine = machineWith('flw fa0,1(a1)\nfsw fa0,9(a1)\nfld fa1,1(a1)\necall');
    machine.ram.view.setUint32(machine.place(DATA + 1), 0x4048_f5c3, true);
    machine.run();

    expect(machine.f(10)).toBe(0xffff_ffff_4048_f5c3n);
    expect(machine.ram.view.getUint32(machine.place(DATA + 9), true)).toBe(0x4048_f5c3);
    expect(machine.f(11) & 0xffff_ffffn).toBe(0x4048_f5c3n);
  });
});

/**
 * The documents that GDB reads by `qXfer`: what registers there are, which threads, where memory
 * lies. Source: "Debugging with GDB", appendices "Target Descriptions" and "Memory Map Format".
 */

import { REGISTERS } from '../domains.ts';

const X_NAMES =
  'zero ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6';
const F_NAMES =
  'ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 ' +
  'fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11';
const POINTERS: Readonly<Record<string, string>> = {
  ra: 'code_ptr',
  sp: 'data_ptr',
  gp: 'data_ptr',
  tp: 'data_ptr',
};

/**
 * RV64 with floating point; the order is that of `REGISTERS`. Debian's GDB takes what has no other
 * name for Linux, where it steps by breakpoints of its own, and so lets all others run.
 */
export const TARGET_XML = `<?xml version="1.0"?>
<!DOCTYPE target SYSTEM "gdb-target.dtd">
<target>
<architecture>riscv:rv64</architecture>
<osabi>none</osabi>
<feature name="org.gnu.gdb.riscv.cpu">
${registers(X_NAMES, 0, (name) => POINTERS[name] ?? 'int')}
${register('pc', 64, 'code_ptr', REGISTERS.pc)}
</feature>
<feature name="org.gnu.gdb.riscv.fpu">
${registers(F_NAMES, REGISTERS.f0, () => 'ieee_double')}
${register('fflags', 32, 'int', REGISTERS.fflags)}
${register('frm', 32, 'int', REGISTERS.frm)}
${register('fcsr', 32, 'int', REGISTERS.fcsr)}
</feature>
</target>
`;

export interface ThreadRow {
  /** As in packets: `p1.3`, or `3`. */
  readonly id: string;
  readonly name: string;
  readonly state: string;
}

export function threadsXml(threads: readonly ThreadRow[]): string {
  const rows = threads.map(
    ({ id, name, state }) =>
      `<thread id="${id}" core="0" name="${escaped(name)}">${escaped(state)}</thread>`,
  );
  return `<?xml version="1.0"?>\n<threads>\n${rows.join('\n')}\n</threads>\n`;
}

export interface MemoryStretch {
  readonly start: number;
  readonly sizeBytes: number;
}

/**
 * All of it is RAM to GDB: that there are devices behind some addresses shows when they are read,
 * and code in memory that may not be written takes breakpoints as any other does.
 */
export function memoryMapXml(stretches: readonly MemoryStretch[]): string {
  const rows = stretches.map(
    ({ start, sizeBytes }) =>
      `<memory type="ram" start="0x${start.toString(16)}" length="0x${sizeBytes.toString(16)}"/>`,
  );
  return (
    '<?xml version="1.0"?>\n<!DOCTYPE memory-map PUBLIC "+//IDN gnu.org//DTD GDB Memory Map V1.0//EN"' +
    ` "http://sourceware.org/gdb/gdb-memory-map.dtd">\n<memory-map>\n${rows.join('\n')}\n</memory-map>\n`
  );
}

function registers(names: string, first: number, type: (name: string) => string): string {
  return names
    .split(' ')
    .map((name, index) => register(name, 64, type(name), first + index))
    .join('\n');
}

function register(name: string, bits: number, type: string, number: number): string {
  return `<reg name="${name}" bitsize="${bits}" type="${type}" regnum="${number}"/>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

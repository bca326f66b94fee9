// Goal: beside machine code that never waits, the host gets its turn as often as beside any other,
// and what it brings is worked on. Method: loops under the host clock. How long slices take is
// measured by `sddf bench code`; here, that they are no longer than any machine's millisecond, and
// that a character gets through.

import { expect, it } from 'vitest';
import { makeSerialRig, mirror } from '../../bench/serial-rig.ts';
import { SerialLine } from '../../board/uart/serial-line.ts';
import { HostLine } from '../../host/serial/host-line.ts';
import { LiveLoop } from '../../host/event-loop.ts';
import { system } from '../../microkit/builder.ts';
import { createTestbed } from '../../systems/testbed.ts';
import { addi, assemble, j, R } from '../support/assembler.ts';
import { described } from '../support/echo-testbed.ts';
import { machineProgram } from '../support/machine-system.ts';

const LOOP = machineProgram(assemble(['loop', addi(R.s1, R.s1, 1), j('loop')]));
const SLICES = 60;
/** Fifty to a nanosecond: no machine does that. */
const MOST_IN_A_MILLISECOND = 50_000_000;

it("a slice of a loop ends by the host's clock, not by the one that the board has read last", () => {
  const sys = system({ name: 'loop' });
  sys.pd('loop', { priority: 1 });
  const testbed = createTestbed({
    system: described(sys.build()),
    clock: 'host',
    ramBytes: 2 ** 24,
    images: new Map([['loop', LOOP]]),
  });
  let before = 0;
  let withWork = 0;
  for (let slice = 0; slice < SLICES; slice += 1) {
    expect(testbed.runSlice(1_000_000)).toBe('busy');
    const { executed = 0 } = testbed.hartOf('loop') ?? {};
    expect(executed - before).toBeLessThan(MOST_IN_A_MILLISECOND);
    if (executed > before) withWork += 1;
    before = executed;
  }
  // A slice may be over before the loop is reached: a busy host stood still for that millisecond.
  expect(withWork).toBeGreaterThan(0);
});

it('a character that comes while a loop runs is echoed', { timeout: 60_000 }, async () => {
  let wire: SerialLine | undefined;
  const testbed = makeSerialRig({
    uart: 'ns16550a',
    program: mirror,
    clock: 'host',
    wire: (clock) => (wire = new SerialLine({ clock, rate: 'fast' })),
    loop: LOOP,
  });
  if (wire === undefined) throw new Error('the testbed has asked for its wire');
  const loop = new LiveLoop(testbed);
  const host = new HostLine(wire, () => loop.wake());
  let said = '';
  let turns = 0;
  loop.addPort({
    flush: () => {
      said += Buffer.from(host.read(64) ?? []).toString();
      turns += 1;
      if (turns === 20) host.offer(Buffer.from('x'));
      if (said.includes('x') || turns > 2000) loop.stop();
    },
  });
  await loop.run();

  expect(said).toBe('x');
  expect(testbed.hartOf('loop')?.executed).toBeGreaterThan(0);
});

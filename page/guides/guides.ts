/** All texts of the guided examples, and when each of their steps is done. */

import { frameText } from '../engine/frames.ts';
import { FIRST_SCENARIO } from '../engine/scenario.ts';
import { type Guide, replaced, said, type Seen } from './guide.ts';
import type { GuideName } from './names.ts';
import { hostileSystem, lostWakeUpSystem, revokeSystem, tutorialSystem } from './sources.ts';

const MS = 1e6;

function faultsOf({ view }: Seen, pd: string): number {
  return view?.domains.find(({ name }) => name === pd)?.faults ?? 0;
}

function hasAnswer({ frames }: Seen, from: string): boolean {
  return frames.some(({ bytes }) => frameText(bytes) === `${from}: ping answer`);
}

function strikesOf({ view }: Seen, fault: string): number {
  return view?.strikes.filter((strike) => strike.fault === fault).length ?? 0;
}

/** Names of files that the disk really has, as far as somebody has looked. */
function filesOn({ files }: Seen): readonly string[] | undefined {
  if (files?.listing.kind !== 'directory') return undefined;
  return files.listing.entries.map(({ name }) => name.toLowerCase());
}

function fileHas({ scenario }: Seen, file: string, words: RegExp): boolean {
  return words.test(scenario.own?.files[file] ?? '');
}

const ECHO: Guide = {
  about:
    'Two clients share one network device. Between them and the wire are a [driver|protection domain], two [virtualisers|virtualiser] and a [copier|copier] each, and none trusts the next.',
  scenario: FIRST_SCENARIO,
  steps: [
    {
      say: 'Press ▶ behind “packet”: the run goes on until the network device takes the first frame.',
      shows:
        'The frame is in memory that the driver has lent to the device. Nobody knows of it yet.',
      isDone: ({ view }) => (view?.counts.packet ?? 0) >= 1,
    },
    {
      say: 'Press ▶ behind “entry” until net_virt_rx is in the middle of something: each press is one [kernel entry|kernel entry].',
      shows:
        'The interrupt has woken the driver, and a [notification|notification] from the driver the receive virtualiser: nobody has polled.',
      isDone: ({ view }) => view?.underWay?.pd === 'net_virt_rx',
    },
    {
      say: 'Go to “One packet” further down, and press “Follow it”.',
      shows:
        'Each line is a hop: when it was, what was done with the packet, and how many bytes were copied.',
      isDone: ({ path }) => path?.outcome === 'sent',
    },
    {
      say: 'Press “Play” and let time pass until ten packets have gone all the way (see “Counters”).',
      shows: 'Copies, kernel entries and notifications are for each packet: what isolation costs.',
      isDone: ({ view }) => (view?.packets ?? 0) >= 10,
    },
    {
      say: 'Send a ping to client1 (“Send”: choose client1, press “Ping”), and let time pass.',
      shows: 'client1 has answered, as an ordinary computer on a network would.',
      isDone: (seen) => hasAnswer(seen, '10.0.2.16'),
    },
  ],
};

const DRIVER: Guide = {
  about:
    'The tutorial of docs/writing-a-driver.md: a thermometer, its driver, and a reader that sees the samples in shared memory.',
  scenario: { ...FIRST_SCENARIO, system: 'weather', own: tutorialSystem() },
  steps: [
    {
      say: 'Press “Play”, and let 3.5 ms pass.',
      shows:
        'Each millisecond the device has raised its interrupt, the driver has put the sample into the [memory region|memory region], and the reader has told it (“What programs print”).',
      isDone: (seen) => said(seen, 'reader', 'sample 3: 21.2 degrees'),
    },
    {
      say: 'Under “Write”, choose driver.ts. Where it writes 1000 into PERIOD, write 250; press “Run”, and let time pass.',
      shows:
        'Samples come four times as often: the driver tells the device its period in microseconds.',
      edit: (own) =>
        replaced(own, 'driver.ts', 'device.write32(PERIOD, 1000)', 'device.write32(PERIOD, 250)'),
      isDone: (seen) =>
        fileHas(seen, 'driver.ts', /PERIOD, 250\)/) &&
        seen.log.some(
          ({ pd, line, timeNs }) => pd === 'reader' && line.includes('sample 3') && timeNs < 2 * MS,
        ),
    },
    {
      say: 'Break it: in reader.ts, let the reader map the samples with pd.region instead of pd.readonlyRegion, and run it.',
      shows:
        'The system gave the reader a read-only mapping, so its program cannot have another one: the error stands at its line.',
      edit: (own) =>
        replaced(own, 'reader.ts', "pd.readonlyRegion('samples')", "pd.region('samples')"),
      isDone: (seen) =>
        fileHas(seen, 'reader.ts', /pd\.region\('samples'\)/) && faultsOf(seen, 'reader') > 0,
    },
    {
      say: 'Put it right again, and run it.',
      shows:
        'That is the whole way: change, run, see. The button “Link” gives your version on to somebody.',
      edit: (own) =>
        replaced(own, 'reader.ts', "pd.region('samples')", "pd.readonlyRegion('samples')"),
      isDone: (seen) =>
        fileHas(seen, 'reader.ts', /readonlyRegion/) &&
        faultsOf(seen, 'reader') === 0 &&
        said(seen, 'reader', 'sample 3'),
    },
  ],
};

const POWER_CUT: Guide = {
  about:
    'A FAT file system on a disk with a cache, behind a block [virtualiser|virtualiser]. When the power goes, a disk forgets what it was not told to keep.',
  scenario: { ...FIRST_SCENARIO, system: 'fat' },
  steps: [
    {
      say: 'Set “Speed” to 1/10, press “Play”, and let time pass until the console shows its prompt, fat>.',
      shows: 'The file system has found its disk, and prints what it can do.',
      isDone: ({ console }) => console.includes('bytes free'),
    },
    {
      say: 'Type into the console: write a.txt hello, and Enter; press “Play” again, since time stands still when nothing is left to happen.',
      shows:
        'It has answered when the disk had said that all is durable: it asks for that (a flush) before.',
      isDone: ({ console }) => console.includes('a.txt: 6 bytes'),
    },
    {
      say: 'Under “Break”, choose the place blk0.medium, and press “power-cut”.',
      shows:
        'The disk has lost its power for a moment: of what was not flushed, each sector is now old or new.',
      isDone: (seen) => strikesOf(seen, 'power-cut') >= 1,
    },
    {
      say: 'Under “Disk”, look at the directory /.',
      shows: 'a.txt is there: it was flushed before the file system said so.',
      isDone: (seen) => filesOn(seen)?.includes('a.txt') === true,
    },
    {
      say: 'Now let the disk lie: under “Break”, choose blk0.flush, and press “lie” twice. Then type write b.txt hello, Enter, and press “Play”.',
      shows: 'The disk has answered that all is durable, and it was not. Nobody above can know.',
      isDone: (seen) => strikesOf(seen, 'lie') >= 2 && seen.console.includes('b.txt: 6 bytes'),
    },
    {
      say: 'Cut the power again (blk0.medium, “power-cut”), and look at the directory / again.',
      shows:
        'b.txt is gone, although its writer was told that it was kept. The same run loses the same sectors each time: it can be looked at until it is understood.',
      isDone: (seen) => {
        const files = filesOn(seen);
        return strikesOf(seen, 'power-cut') >= 2 && files?.includes('b.txt') === false;
      },
    },
  ],
};

const SLOW_LINE: Guide = {
  about:
    'Two clients and a shell share one UART. A character takes as long on the line as it would on a wire, and programs do not wait for it.',
  scenario: { ...FIRST_SCENARIO, system: 'serial' },
  steps: [
    {
      say: 'Set “Speed” to 1/10, press “Play”, and let time pass until both clients have greeted.',
      shows:
        'At 115,200 bits per second that took some 17 ms: each client has a queue of its own, and the transmit [virtualiser|virtualiser] has merged them.',
      isDone: ({ console, scenario }) =>
        scenario.choices['baud'] === undefined &&
        console.includes('I am client0') &&
        console.includes('I am client1'),
    },
    {
      say: 'Open the options at the top, choose baud 9600, and let time pass until both have greeted.',
      shows:
        'The same greeting takes twelve times as long, about 200 ms, and yet each program had put its text into its queue at the beginning, and slept.',
      isDone: ({ console, scenario, view }) =>
        scenario.choices['baud'] === '9600' &&
        (view?.timeNs ?? 0) > 150 * MS &&
        console.includes('I am client0') &&
        console.includes('I am client1'),
    },
    {
      say: 'Press Ctrl and \\ in the console, then 0 and Enter: that gives input to client0. Then type ten characters, and press “Play” when time stands still.',
      shows:
        'client0 has got them one by one, from the receive virtualiser, which knows who has the keyboard.',
      isDone: ({ console }) => /received \d+0 characters/.test(console),
    },
    {
      say: 'Under “Break”, choose uart.line.in, press “lose”, type a character, and let time pass.',
      shows:
        'It was lost on the wire: no program has seen it. Protocols on a serial line have to expect that.',
      isDone: (seen) => strikesOf(seen, 'lose') >= 1,
    },
  ],
};

const LOST_WAKE_UP: Guide = {
  about:
    'A driver puts eight samples into a ring, and signals a reader only when it wants to be signalled, as the queues of sDDF do. The reader has a bug that one does not see at first.',
  scenario: { ...FIRST_SCENARIO, system: 'samples', own: lostWakeUpSystem() },
  steps: [
    {
      say: 'Set “Speed” to 1/100, press “Play”, and let time pass until sample 8 is told.',
      shows:
        'All eight are there. With one sample each millisecond, the reader sleeps when the next one comes.',
      isDone: (seen) =>
        fileHas(seen, 'ring.ts', /PERIOD_US = 1000;/) && said(seen, 'reader', 'sample 8'),
    },
    {
      say: 'Now measure faster: in ring.ts, set PERIOD_US to 20, press “Run”, and let time pass until nothing happens any more.',
      shows:
        'The eighth sample is in the ring, and is never told. The device is switched off, so nobody will ever signal again: that wake-up is lost.',
      edit: (own) => replaced(own, 'ring.ts', 'PERIOD_US = 1000', 'PERIOD_US = 20'),
      isDone: (seen) =>
        fileHas(seen, 'ring.ts', /PERIOD_US = 20;/) &&
        seen.view?.isQuiet === true &&
        said(seen, 'reader', 'sample 7') &&
        !said(seen, 'reader', 'sample 8'),
    },
    {
      say: 'Find it: press ◀ behind “entry” until the driver is in the middle of something.',
      shows:
        'The last thing that the driver did. It came while the reader blinked: after the reader had looked, and before it said that it wants a signal. So the driver did not signal.',
      isDone: ({ view }) => view?.underWay?.pd === 'driver',
    },
    {
      say: 'Mend it: in reader.ts, look once more after saying that a signal is wanted. Run it, and let time pass.',
      shows:
        'Ask first, then look again: whichever of the two is later sees the other’s write. queues/signal.ts of the package has this loop, and a test tries it in every order.',
      edit: (own) =>
        replaced(
          own,
          'reader.ts',
          `      takeAll();
      for (let blink = 0; blink < BLINKS; blink += 1) pd.notify(pd.config.lamp);
      ring.write32(WANTED, 1);
`,
          `      do {
        takeAll();
        for (let blink = 0; blink < BLINKS; blink += 1) pd.notify(pd.config.lamp);
        ring.write32(WANTED, 1);
      } while (ring.read32(HEAD) !== ring.read32(TAIL)); // look again
`,
        ),
      isDone: (seen) =>
        fileHas(seen, 'ring.ts', /PERIOD_US = 20;/) && said(seen, 'reader', 'sample 8'),
    },
  ],
};

const HOSTILE: Guide = {
  about:
    'In the echo system, client0 is another program now: it writes random numbers over its own queues, and signals everybody. Who else is harmed?',
  scenario: { ...FIRST_SCENARIO, system: 'echo', own: hostileSystem() },
  steps: [
    {
      say: 'Under “Write”, choose hostile.ts and read what it does. Then press “Play”, and let time pass until ten packets have gone all the way.',
      shows: 'All of them are client1’s: client0 answers none.',
      isDone: ({ view }) => (view?.packets ?? 0) >= 10,
    },
    {
      say: 'Send a ping to client1, and let time pass.',
      shows:
        'client1 answers as if nothing were: the [copier|copier] and the [virtualisers|virtualiser] check each index and each offset that a client writes.',
      isDone: (seen) => hasAnswer(seen, '10.0.2.16'),
    },
    {
      say: 'Click client0 in the picture: what it holds is all that it can do.',
      shows:
        'Its own memory and some notifications. There is no [capability|capability] to the other client’s memory, nor to the device.',
      isDone: ({ capabilities }) => capabilities?.pd === 'client0',
    },
    {
      say: 'Let it try: in hostile.ts, let it map ethernet_driver_rx_data in place of rx.freeQueue. Run it.',
      shows: 'That is a fault of client0, and of nobody else: it is stopped, and says why.',
      edit: (own) => replaced(own, 'hostile.ts', 'rx.freeQueue,', "'ethernet_driver_rx_data',"),
      isDone: (seen) =>
        fileHas(seen, 'hostile.ts', /ethernet_driver_rx_data/) && faultsOf(seen, 'client0') > 0,
    },
    {
      say: 'Let time pass until ten packets have gone all the way again.',
      shows: 'client1 has lost nothing.',
      isDone: (seen) => faultsOf(seen, 'client0') > 0 && (seen.view?.packets ?? 0) >= 10,
    },
  ],
};

const REVOKE: Guide = {
  about:
    'An owner holds a [capability|capability] to the thread of a worker, and with it the right to suspend and resume it. Who has no capability has no right.',
  scenario: { ...FIRST_SCENARIO, system: 'slices', own: revokeSystem() },
  steps: [
    {
      say: 'Click owner in the picture.',
      shows:
        'In slot “root 1” is a TCB: the worker’s thread. The system put it there; no program can make one up.',
      isDone: ({ capabilities }) =>
        capabilities?.pd === 'owner' && capabilities.rows.some(({ type }) => type === 'TCB'),
    },
    {
      say: 'Read under “What programs print” what has happened: the owner has suspended the worker, signalled it, and resumed it.',
      shows:
        'The signal was not lost: the worker ran for the second time when it was resumed, before the owner could say so.',
      isDone: (seen) => said(seen, 'owner', 'suspend the worker: done'),
    },
    {
      say: 'Take the capability back: in slices.ts, remove the line with owner.cap, and run it.',
      shows:
        'The same program, and the kernel refuses: the slot is empty, and names nothing. The worker ran at once, for nobody could hold it.',
      edit: (own) => replaced(own, 'slices.ts', "  owner.cap('tcb', WORKER_TCB, worker);\n", ''),
      isDone: (seen) =>
        !fileHas(seen, 'slices.ts', /owner\.cap\(/) &&
        said(seen, 'owner', 'suspend the worker: refused'),
    },
    {
      say: 'Click owner again.',
      shows:
        'The TCB is gone, and nothing else has changed. Rights are in one place, and can be read there: that is why one can take them away.',
      isDone: (seen) =>
        said(seen, 'owner', 'refused') &&
        seen.capabilities?.pd === 'owner' &&
        seen.capabilities.rows.every(({ type }) => type !== 'TCB'),
    },
  ],
};

/** By the name that an address or the page's list has. */
export const ALL_GUIDES: Readonly<Record<GuideName, Guide>> = {
  echo: ECHO,
  driver: DRIVER,
  'power-cut': POWER_CUT,
  'slow-line': SLOW_LINE,
  'lost-wake-up': LOST_WAKE_UP,
  'hostile-client': HOSTILE,
  revoke: REVOKE,
};

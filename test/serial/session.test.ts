// Whole serial sessions as a user has them: `sddf run serial` in a process of its own, on a
// pseudo-terminal, TCP, telnet, RFC 2217 with pyserial, and files. No test waits for a time.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
} from 'node:fs';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReadStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import { loadPtyCalls } from '../../host/serial/libc.ts';
import { PtyBridge } from '../../host/serial/pty-bridge.ts';
import { SddfProcess } from '../support/sddf-process.ts';
import { sddfInProcess } from '../support/sddf-in-process.ts';
import { SerialPeer } from '../support/serial-peer.ts';
import { sddfCommand } from '../support/sddf-command.ts';

const directory = mkdtempSync(join(tmpdir(), 'serial-'));
/** The user `nobody` of every Linux. */
const NOBODY = 65_534;
const isLinux = process.platform === 'linux';
const hasSerialport = await import('serialport').then(
  () => true,
  () => false,
);

/** Text that comes from somewhere, to be waited for. */
class Conversation {
  text = '';
  readonly #waits: (() => void)[] = [];
  readonly write: (text: string) => void;

  constructor(stream: NodeJS.ReadWriteStream) {
    stream.on('data', (piece: Buffer) => {
      this.text += piece.toString('latin1');
      for (const wait of this.#waits.splice(0)) wait();
    });
    this.write = (text) => void stream.write(Buffer.from(text, 'latin1'));
  }

  async hears(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      await new Promise<void>((resolve) => this.#waits.push(resolve));
    }
  }
}

/** What sDDF's serial example shows, and a look at the shell. */
async function session(talk: Conversation): Promise<void> {
  await talk.hears(/Hello world! I am client0\.\r\nPlease give me character!/);
  await talk.hears(/Hello world! I am client1\.\r\nPlease give me character!/);
  talk.write('1234567890');
  await talk.hears(/client0 has received 10 characters so far!/);
  talk.write('\u001c1\rabcdefghij');
  await talk.hears(/client1 has received 10 characters so far!/);
  talk.write('\u001c2\rpds\r');
  await talk.hears(/serial_driver +200/);
}

describe('a serial session', () => {
  it.runIf(isLinux).each(['ns16550a', 'pl011', 'virtio'])(
    'runs over a pseudo-terminal with the %s, and its link goes with it',
    async (uart) => {
      const link = join(directory, `uart-${uart}`);
      const sddf = new SddfProcess([
        'run',
        'serial',
        '--uart',
        uart,
        '--serial',
        `pty,link=${link}`,
      ]);
      await sddf.says(/serial: pty \/dev\/pts\/\d+/);
      const { O_RDWR, O_NOCTTY, O_NONBLOCK } = constants;
      const descriptor = openSync(link, O_RDWR | O_NOCTTY | O_NONBLOCK);
      const slave = new ReadStream(descriptor);

      await session(new Conversation(slave));
      slave.destroy();
      closeSync(descriptor);

      expect(await sddf.interrupt()).toBe(0);
      expect(existsSync(link)).toBe(false);
    },
  );

  it.each(['tcp', 'telnet'])('runs over %s', async (protocol) => {
    const sddf = new SddfProcess(['run', 'serial', '--serial', `${protocol},listen=127.0.0.1:0`]);
    const [, port] = await sddf.says(/on 127\.0\.0\.1:(\d+)/);
    const socket = connect(Number(port), '127.0.0.1');

    await session(new Conversation(socket));
    socket.destroy();

    expect(await sddf.interrupt()).toBe(0);
  });

  it.runIf(isLinux && hasSerialport)(
    'runs over a serial port, here a pseudo-terminal',
    async () => {
      const far = new SerialPeer();
      const pty = await PtyBridge.open({ host: far.host });
      far.start(pty);
      const sddf = new SddfProcess(['run', 'serial', '--serial', `port,path=${pty.slavePath}`]);
      const hears = (text: string): Promise<void> => far.until(() => far.text().includes(text));
      await sddf.says(/serial: port \/dev\/pts\/\d+, 115200 8N1/);
      await hears('Please give me character!');
      far.sendText('1234567890');
      await hears('client0 has received 10 characters so far!');
      await sddf.says(/cannot do modem lines .*; going on without/);
      const status = await sddf.interrupt();
      await far.stop(pty);

      expect(status).toBe(0);
    },
  );

  it('takes a script from a file under the virtual clock, the same in every process', async () => {
    const script = join(directory, 'script.txt');
    const [one, other] = [join(directory, 'one.log'), join(directory, 'other.log')];
    writeFileSync(script, '1234567890\u001c2\rqueues\r');
    const argsOf = (log: string): string[] => {
      const serial = `file,in=${script},out=${log}`;
      return ['run', 'serial', '--serial', serial, '--clock', 'virtual', '--json'];
    };
    const first = await sddfInProcess(...argsOf(one));
    const command = [sddfCommand(), ...argsOf(other)];
    const second = spawnSync(process.execPath, command, { encoding: 'utf8' });

    for (const { status, stderr } of [first, second]) {
      expect([status, stderr.includes('Error')]).toEqual([0, false]);
    }

    expect(readFileSync(one, 'latin1')).toContain('client0 has received 10 characters so far!');
    expect(readFileSync(one, 'latin1')).toMatch(/client0_serial_virt_tx_tx +0 +65536/);
    expect(readFileSync(other)).toEqual(readFileSync(one));
    expect(second.stdout).toBe(first.stdout);
  });

  it('lasts as long as it is told to, also behind the end of its input', () => {
    const args = [sddfCommand(), 'run', 'serial', '--for', '400ms'];
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', input: '12345' });

    expect(stdout).toMatch(/serial: [\d.]+ s$/m); // and not: then all was quiet
  });

  it('shows a network and a disk beside it', async () => {
    const script = join(directory, 'beside.txt');
    const log = join(directory, 'beside.log');
    writeFileSync(script, '\u001c2\rnet\rblk\rirqs\r');
    const options = `--set beside=all --net loop --rate 1k --serial file,in=${script},out=${log}`;
    const args = `run serial ${options} --clock virtual --for 500ms`.split(' ');
    const ended = await sddfInProcess(...args);
    const shown = readFileSync(log, 'latin1');

    expect(ended.status).toBe(0);
    expect(shown).toMatch(/echo\.udpEchoed +[1-9]/);
    expect(shown).toMatch(/blk_virt\.requests +[1-9]/);
    expect(shown).toMatch(/1 +virtio_net +ethernet_driver +[1-9]/);
  });

  it('says in one line what is wrong with --serial, and ends with 2', async () => {
    const wrong = async (serial: string, ...more: string[]): Promise<string> => {
      const ended = await sddfInProcess('run', 'serial', '--serial', serial, ...more);
      expect(ended).toMatchObject({ status: 2, stderr: expect.stringMatching(/^sddf: .*\n$/) });
      return ended.stderr;
    };

    expect(await wrong('telnett')).toContain("unknown kind 'telnett' (did you mean telnet?)");
    expect(await wrong('tcp')).toContain("'listen' is missing, as in listen=127.0.0.1:4444");
    expect(await wrong('file,in=/nonexistent')).toContain('no such file or directory');
    expect(await wrong('port,path=/dev/nosuchport')).toContain('there is no such port');
    expect(await wrong('port,path=/dev/x,baud=12')).toContain('baud');
    expect(await wrong('stdio', '--uart', 'z80')).toContain(
      "--uart: 'z80' is none of ns16550a, pl011, virtio",
    );
  });
});

/**
 * Root may open any port: the run has to be somebody else's then, who must be able to read the
 * program.
 */
const otherUser = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
const otherUserCanRead =
  spawnSync(process.execPath, [sddfCommand(), '--version'], otherUser).status === 0;

describe.runIf(isLinux && hasSerialport && otherUserCanRead)('a port of somebody else', () => {
  it.each([
    ['dialout', 0o600, 0],
    ['adm', 0o060, 4],
  ])('is refused in one line that names the group %s', async (group, mode, gid) => {
    const calls = await loadPtyCalls();
    const { master, slavePath } = calls.open();
    if ('uid' in otherUser) chownSync(slavePath, 0, gid);
    chmodSync(slavePath, 'uid' in otherUser ? mode : 0);
    const args = [sddfCommand(), 'run', 'serial', '--serial', `port,path=${slavePath}`];
    const ended = spawnSync(process.execPath, args, { encoding: 'utf8', input: '', ...otherUser });
    calls.close(master);

    const named = 'uid' in otherUser ? group : 'dialout';
    expect(ended.stderr).toBe(
      `sddf: --serial port,path=${slavePath}: permission denied; serial ports belong to the group ${named}: ` +
        `sudo usermod -aG ${named} $USER, and log in again\n`,
    );
    expect(ended.status).toBe(2);
  });
});

const PYTHON = ['/usr/bin/python3', 'python3'].find(
  (python) => spawnSync(python, ['-c', 'import serial'], { stdio: 'ignore' }).status === 0,
);

/** pyserial's client: line settings, modem lines, break, and 64 KiB both ways. */
const PYSERIAL = `
import os, sys, threading, serial
port = serial.serial_for_url(sys.argv[1], baudrate=115200, timeout=20)
print('open', port.cts, port.dsr, port.cd)
port.write(b'\\x1c1\\r')
port.write(b'hello')
heard = b''
while b'o\\x1b[0m' not in heard: heard += port.read(1)
print('echo')
port.baudrate = 9600
print('baud', port.baudrate)
port.parity = serial.PARITY_EVEN
port.bytesize = serial.SEVENBITS
port.stopbits = serial.STOPBITS_TWO
port.parity, port.bytesize, port.stopbits = serial.PARITY_NONE, serial.EIGHTBITS, serial.STOPBITS_ONE
port.baudrate = 115200
port.send_break(0.01)
port.dtr = False
port.rts = False
port.rts = True
port.dtr = True
port.reset_input_buffer()
port.reset_output_buffer()
port.write(b'x')
heard = b''
while b'x' not in heard: heard += port.read(1)
print('done')
port.close()
`;

describe.runIf(PYTHON !== undefined)('RFC 2217 with pyserial', () => {
  it('sets the port, drives its lines, and talks', async () => {
    const sddf = new SddfProcess(['run', 'serial', '--serial', 'rfc2217,listen=127.0.0.1:0']);
    const [, port] = await sddf.says(/on 127\.0\.0\.1:(\d+)/);
    const url = `rfc2217://127.0.0.1:${port}`;
    const python = new SddfProcess(['-c', PYSERIAL, url], [PYTHON ?? 'python3']);
    const status = await python.ended;
    await sddf.interrupt();

    expect(python.text).toBe('open True True True\necho\nbaud 9600\ndone\n');
    expect(status).toBe(0);
  });
});

// Option strings: what is read, and the exact message for each way of getting one wrong.

import { describe, expect, it } from 'vitest';
import { UserMistake } from '../host/problem.ts';
import { parseNetOptions } from './net/options.ts';
import { OptionString } from './option-string.ts';
import { parseCounts, parseDuration, parseRate, parseSize } from './quantities.ts';

const kinds = {
  file: { once: ['path', 'overlay'], flags: ['ro'] },
  user: { repeated: ['hostfwd'] },
  mem: {},
};

function message(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof UserMistake) return error.message;
    throw error;
  }
  return 'no error';
}

const parse = (text: string): OptionString => OptionString.parse('--disk', text, kinds);

describe('an option string', () => {
  it('has a kind, values, repeated values and flags', () => {
    const file = parse('file,path=a.img,ro');
    expect([file.kind, file.value('path'), file.value('overlay'), file.has('ro')]).toEqual([
      'file',
      'a.img',
      undefined,
      true,
    ]);
    expect(parse('user,hostfwd=a,hostfwd=b').values('hostfwd')).toEqual(['a', 'b']);
    expect(parse('mem').kind).toBe('mem');
  });

  it('reads a doubled comma as a comma, and leaves = in a value alone', () => {
    expect(parse('file,path=a,,b=c.img').value('path')).toBe('a,b=c.img');
    expect(parse('file,path=,,').value('path')).toBe(',');
  });

  it.each([
    ['disk', "--disk: unknown kind 'disk'; known are file, user, mem"],
    ['fil,path=a', "--disk: unknown kind 'fil' (did you mean file?); known are file, user, mem"],
    ['', "--disk: unknown kind ''; known are file, user, mem"],
    ['constructor', "--disk: unknown kind 'constructor'; known are file, user, mem"],
    [
      'file,pat=a',
      "--disk file: unknown key 'pat' (did you mean path?); known are path, overlay, ro",
    ],
    ['file,', "--disk file: unknown key ''; known are path, overlay, ro"],
    ['file,path', "--disk file: 'path' needs a value, as in path=VALUE"],
    ['file,path=', "--disk file: 'path' needs a value, as in path=VALUE"],
    ['file,path=a,path=b', "--disk file: 'path' is given twice; give it once"],
    ['file,ro=yes', "--disk file: 'ro' takes no value; write just ro"],
    ['mem,size=1', "--disk mem: unknown key 'size'; it takes none"],
  ])('refuses %j', (text, expected) => {
    expect(message(() => parse(text))).toBe(expected);
  });

  it('names a missing key and shows one', () => {
    expect(message(() => parse('file').required('path', 'disk.img'))).toBe(
      "--disk file: 'path' is missing, as in path=disk.img",
    );
  });
});

describe('--net', () => {
  it('reads the examples of the help', () => {
    expect(
      parseNetOptions(
        'user,hostfwd=udp:127.0.0.1:5001-10.0.2.15:1235,hostfwd=udp::5002-10.0.2.16:7',
      ),
    ).toEqual({
      kind: 'user',
      dhcpStart: 0x0a00_020f,
      forwards: [
        {
          protocol: 'udp',
          host: { host: '127.0.0.1', port: 5001 },
          guestIp: 0x0a00_020f,
          guestPort: 1235,
        },
        {
          protocol: 'udp',
          host: { host: '127.0.0.1', port: 5002 },
          guestIp: 0x0a00_0210,
          guestPort: 7,
        },
      ],
    });
    expect(parseNetOptions('user,hostfwd=udp::1-:2')).toMatchObject({
      forwards: [{ guestIp: 0x0a00_020f, guestPort: 2 }],
    });
    expect(parseNetOptions('user,dhcpstart=10.0.2.239')).toEqual({
      kind: 'user',
      dhcpStart: 0x0a00_02ef,
      forwards: [],
    });
    expect(parseNetOptions('stream,server=unix:a.sock')).toEqual({
      kind: 'stream',
      role: 'server',
      address: { kind: 'unix', path: 'a.sock' },
    });
    expect(parseNetOptions('stream,connect=tcp:localhost:9')).toEqual({
      kind: 'stream',
      role: 'client',
      address: { kind: 'tcp', host: '127.0.0.1', port: 9 },
    });
    expect(parseNetOptions('dgram,local=127.0.0.1:1,remote=127.0.0.1:2')).toEqual({
      kind: 'dgram',
      local: { host: '127.0.0.1', port: 1 },
      remote: { host: '127.0.0.1', port: 2 },
    });
    expect(parseNetOptions('pcap,in=a.pcap')).toEqual({ kind: 'pcap', path: 'a.pcap' });
    expect(parseNetOptions('loop')).toEqual({ kind: 'loop' });
  });

  it.each([
    ['user,hostfwd=tcp::1-:2', "cannot forward 'tcp', only udp"],
    ['user,hostfwd=udp:1-2', "'1' is not HOST:PORT"],
    ['user,hostfwd=udp:x:1-:2', "'x' is not an IPv4 address"],
    ['user,hostfwd=udp::1-300.0.0.1:2', "'300.0.0.1' is not an IPv4 address"],
    ['user,hostfwd=udp::70000-:2', "'70000' is not a port from 0 to 65535"],
    ['user,hostfwd=udp::1-:0', 'guest port 0 cannot be reached'],
    [
      'user,dhcpstart=10.0.2.3',
      'has no room for 16 addresses; give one from 10.0.2.4 to 10.0.2.239',
    ],
    ['user,dhcpstart=10.0.2.240', 'has no room for 16 addresses'],
    ['user,dhcpstart=10.0.3.15', 'has no room for 16 addresses'],
    ['user,dhcpstart=ten', 'dhcpstart=ten has no room for 16 addresses'],
    ['stream', 'give either server= or connect='],
    ['stream,server=unix:a,connect=unix:b', 'give either server= or connect='],
    ['stream,server=a.sock', "'a.sock' is neither unix:PATH nor tcp:HOST:PORT"],
    ['stream,server=unix:', 'unix: needs a path'],
    [`stream,server=unix:${'x'.repeat(108)}`, 'at most 107 bytes'],
    ['dgram,local=127.0.0.1:1', "'remote' is missing, as in remote=127.0.0.1:5557"],
    ['dgram,local=1,remote=2', "'1' is not HOST:PORT"],
    ['pcap', "'in' is missing, as in in=in.pcap"],
  ])('refuses %j', (text, expected) => {
    expect(message(() => parseNetOptions(text))).toContain(expected);
  });
});

describe('quantities', () => {
  it('reads durations, sizes, rates and lists', () => {
    expect(
      ['3s', '500ms', '1.5us', '2m', '7ns'].map((text) => parseDuration(text, '--for')),
    ).toEqual([3e9, 5e8, 1500, 120e9, 7]);
    expect(['64M', '1G', '512K', '65536', '1MiB'].map((text) => parseSize(text, '--ram'))).toEqual([
      67_108_864, 1_073_741_824, 524_288, 65_536, 1_048_576,
    ]);
    expect(['100k', '1.5M', '7'].map((text) => parseRate(text, '--rate'))).toEqual([1e5, 1.5e6, 7]);
    expect(parseCounts('64, 1500', '--frame', { min: 1, max: 2000 })).toEqual([64, 1500]);
  });

  it('refuses anything else, with an example', () => {
    for (const text of ['3', 's', '-1s', '0s', '3 s', '1e99s', '3d', '']) {
      expect(message(() => parseDuration(text, '--for'))).toContain('such as 3s');
    }
    for (const text of ['M', '-1M', '0', '1.0000001K', '3T', '']) {
      expect(message(() => parseSize(text, '--ram'))).toContain('such as 512K');
    }
    for (const text of ['fast', '0', '-5', '2G']) {
      expect(message(() => parseRate(text, '--rate'))).toContain('such as 5000');
    }
    expect(message(() => parseCounts('64,x', '--frame', { min: 1, max: 9 }))).toContain("'64'");
  });
});

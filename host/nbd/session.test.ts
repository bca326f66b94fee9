/**
 * Goal: the handshake and the transmission phase answer byte for byte as the protocol's description
 * has it, however the bytes are cut, and nonsense ends the session. Numbers are repeated from the
 * description here.
 */

import { describe, expect, it } from 'vitest';
import { type NbdRequest, NbdSession, type PayloadSink } from './session.ts';

const EXPORT = { name: 'disk', sizeBytes: 0x1_0000_1000, readOnly: false, preferredBytes: 4096 };

/**
 * A session whose peer takes payloads in parts of 200 bytes, and is behind when the test says so.
 */
function session(exported: typeof EXPORT | 'none' = EXPORT) {
  const sent: Buffer[] = [];
  const requests: NbdRequest[] = [];
  const parts: Buffer[] = [];
  const over: string[] = [];
  const peer = { isBehind: false, room: Infinity, ended: 0 };
  const sink: PayloadSink = {
    nextPart: (leftBytes) => {
      if (peer.room === 0) return 'wait';
      peer.room -= 1;
      parts.push(Buffer.alloc(Math.min(leftBytes, 200)));
      return parts.at(-1) as Buffer;
    },
    partFilled: () => undefined,
    ended: () => void (peer.ended += 1),
  };
  const one = new NbdSession(exported === 'none' ? undefined : exported, {
    send: (message) => sent.push(message),
    isBehind: () => peer.isBehind,
    request: (request) => {
      requests.push(request);
      return sink;
    },
    over: (reason) => over.push(reason),
  });
  const take = (): string => Buffer.concat(sent.splice(0)).toString('hex');
  return { one, take, requests, over, parts, peer };
}

const FLAGS = Buffer.from('00000003', 'hex');

function option(number: number, data = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(16);
  header.write('IHAVEOPT', 'latin1');
  header.writeUInt32BE(number, 8);
  header.writeUInt32BE(data.length, 12);
  return Buffer.concat([header, data]);
}

function go(name: string): Buffer {
  const data = Buffer.alloc(6 + name.length);
  data.writeUInt32BE(name.length, 0);
  data.write(name, 4);
  return option(7, data);
}

function request(type: number, offset: number, length: number, payload = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(28);
  header.writeUInt32BE(0x2560_9513, 0);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(type, 6);
  header.write('COOKIE!!', 8, 'latin1');
  header.writeBigUInt64BE(BigInt(offset), 16);
  header.writeUInt32BE(length, 24);
  return Buffer.concat([header, payload]);
}

describe('the handshake', () => {
  it('greets, and answers GO with export, block sizes and ACK', () => {
    const { one, take } = session();
    expect(take()).toBe(`${Buffer.from('NBDMAGICIHAVEOPT').toString('hex')}0003`);

    one.receive(Buffer.concat([FLAGS, go('disk')]));

    const reply = (type: string, data: string): string =>
      `0003e889045565a9${'00000007'}${type}${(data.length / 2).toString(16).padStart(8, '0')}${data}`;
    expect(take()).toBe(
      reply('00000003', '0000' + '0000000100001000' + '016d') +
        reply('00000003', '0003' + '00000001' + '00001000' + '02000000') +
        reply('00000001', ''),
    );
  });

  it('answers EXPORT_NAME without the zeroes that the client does not want', () => {
    const { one, take, requests } = session();
    take();
    one.receive(Buffer.concat([FLAGS, option(1, Buffer.from('disk'))]));
    expect(take()).toBe('0000000100001000016d');

    one.receive(request(0, 4096, 512));
    expect(requests.map(({ type, offset, length }) => [type, offset, length])).toEqual([
      [0, 4096, 512],
    ]);
  });

  it('lists the export, refuses what it does not know, and acknowledges ABORT', () => {
    const { one, take, over } = session();
    one.receive(FLAGS);
    take();

    one.receive(option(3));
    expect(take()).toContain(`00000002${'00000008'}00000004${Buffer.from('disk').toString('hex')}`);
    one.receive(option(9));
    expect(take()).toContain('80000001');
    one.receive(go('other'));
    expect(take()).toContain('80000006');
    one.receive(option(7, Buffer.from('00')));
    expect(take()).toContain('80000003');
    one.receive(option(2));
    expect(take()).toContain('00000001');
    expect(over).toEqual(['aborted by the client']);
  });

  it('exports nothing when there is no device', () => {
    const { one, take } = session('none');
    one.receive(FLAGS);
    take();
    one.receive(option(3));
    expect(take()).not.toContain(Buffer.from('disk').toString('hex'));
  });

  it.each([
    ['unknown flags', Buffer.from('00000080', 'hex')],
    ['no option', Buffer.concat([FLAGS, Buffer.from('GET / HTTP/1.1\r\n\r\n')])],
    ['an endless option', Buffer.concat([FLAGS, option(6).fill(0xff, 12, 16)])],
    ['an unknown export by name', Buffer.concat([FLAGS, option(1, Buffer.from('x'))])],
  ])('ends at %s', (_name, bytes) => {
    const { one, over, take } = session();
    one.receive(bytes);
    one.receive(bytes);
    take();
    expect(over.length).toBe(1);
  });
});

describe('transmission', () => {
  it.each([1, 3, 17, 1000])('takes requests and payloads in pieces of %i bytes', (piece) => {
    const { one, requests, over, parts, peer } = session();
    const payload = Buffer.from('0123456789'.repeat(50));
    const stream = Buffer.concat([
      FLAGS,
      go(''),
      request(1, 0x1_0000_0000, payload.length, payload),
      request(3, 0, 0),
      request(0, 8192, 4096),
      request(2, 0, 0),
    ]);
    for (let at = 0; at < stream.length; at += piece) one.receive(stream.subarray(at, at + piece));

    expect(requests.map(({ type, offset, length }) => [type, offset, length])).toEqual([
      [1, 0x1_0000_0000, 500],
      [3, 0, 0],
      [0, 8192, 4096],
    ]);
    expect(parts.map((part) => part.length)).toEqual([200, 200, 100]);
    expect(Buffer.concat(parts)).toEqual(payload);
    expect(peer.ended).toBe(1);
    expect(requests[0]?.flags).toBe(1);
    expect(over).toEqual(['the client has disconnected']);
  });

  it('parses nothing while its peer is behind, and goes on where it was', () => {
    const { one, requests, peer } = session();
    one.receive(Buffer.concat([FLAGS, go('disk'), request(0, 0, 512)]));
    peer.isBehind = true;
    one.receive(request(0, 512, 512));
    one.receive(request(0, 1024, 512));
    expect(requests.length).toBe(1);

    one.resume();
    expect(requests.length).toBe(1);
    peer.isBehind = false;
    one.resume();
    expect(requests.map(({ offset }) => offset)).toEqual([0, 512, 1024]);
  });

  it('waits amid a payload for which there is no room', () => {
    const { one, parts, peer, requests } = session();
    one.receive(Buffer.concat([FLAGS, go('disk')]));
    const payload = Buffer.from('abcde'.repeat(100));
    peer.room = 1;
    one.receive(Buffer.concat([request(1, 0, 500, payload), request(0, 0, 1)]));
    expect([parts.length, peer.ended, requests.length]).toEqual([1, 0, 1]);

    peer.room = Infinity;
    one.resume();
    expect(Buffer.concat(parts)).toEqual(payload);
    expect([peer.ended, requests.length]).toEqual([1, 2]);
  });

  it('agrees to structured replies once it is asked for them', () => {
    const { one, take } = session();
    one.receive(FLAGS);
    take();
    expect(one.replies).toBe('simple');
    one.receive(option(8, Buffer.from('no data here')));
    expect(take()).toBe('0003e889045565a900000008' + '80000003' + '00000000');
    one.receive(option(8));
    expect(take()).toBe('0003e889045565a900000008' + '00000001' + '00000000');
    expect(one.replies).toBe('structured');
  });

  it.each([
    ['nonsense', Buffer.alloc(28, 0x55)],
    ['a payload that is too long', request(1, 0, 0xffff_ffff)],
  ])('ends at %s', (_name, bytes) => {
    const { one, over, requests } = session();
    one.receive(Buffer.concat([FLAGS, go('disk'), bytes]));
    expect([over.length, requests.length]).toEqual([1, 0]);
  });
});

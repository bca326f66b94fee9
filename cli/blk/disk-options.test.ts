/** Goal: `--disk` and `--nbd` mean what help says, and every mistake is one line that names it. */

import { describe, expect, it } from 'vitest';
import { UserMistake } from '../../host/problem.ts';
import { parseDisk, parseNbd } from './disk-options.ts';

describe('--disk', () => {
  it.each([
    ['mem=64M', { kind: 'memory', sizeBytes: 64 << 20, sectorBytes: 512 }],
    ['mem=1M,sector=4096', { kind: 'memory', sizeBytes: 1 << 20, sectorBytes: 4096 }],
    ['mem=1M,fat', { kind: 'memory', format: 'fat' }],
    ['file=a.img', { kind: 'file', path: 'a.img', overlay: 'discard', access: 'read-write' }],
    ['file=a.img,ro', { kind: 'file', path: 'a.img', access: 'read-only' }],
    ['file=a.img,overlay=none', { overlay: 'none' }],
    ['file=a.img,overlay=b.img,sector=4096', { overlay: { path: 'b.img' }, sectorBytes: 4096 }],
  ])('%s is understood', (text, wanted) => {
    expect(parseDisk(text, 'discard')).toMatchObject(wanted);
  });

  it.each([
    ['', "'' is not one of"],
    ['ro', 'neither file= nor mem='],
    ['file=', 'neither file= nor mem='],
    ['mem=lots', 'not a size'],
    ['mem=1M,ro', "'ro' is not one of mem, fat, sector"],
    ['mem=1M,fat=32', 'fat takes no value'],
    ['file=a,file=b', 'file is given twice'],
    ['file=a,sector=1024', 'sector=1024 is neither 512 nor 4096'],
    ['file=a,ro,overlay=discard', 'a read-only disk has no overlay'],
    ['file=a,overlay=', 'overlay= needs'],
    ['file=a,ro=yes', 'ro takes no value'],
    ['file=a,speed=9', "'speed' is not one of"],
  ])("'%s' is refused", (text, message) => {
    expect(() => parseDisk(text, 'none')).toThrow(message);
    expect(() => parseDisk(text, 'none')).toThrow(UserMistake);
  });
});

describe('--nbd', () => {
  it.each([
    ['unix:d.sock', { address: { kind: 'unix', path: 'd.sock' }, partition: 'whole' }],
    ['tcp:127.0.0.1:10809,client=1', { address: { kind: 'tcp', port: 10_809 }, partition: 1 }],
  ])('%s is understood', (text, wanted) => {
    expect(parseNbd(text)).toMatchObject(wanted);
  });

  it.each([
    ['d.sock', 'neither unix:PATH nor tcp:HOST:PORT'],
    ['unix:d.sock,client=x', 'is not client=N'],
    ['unix:d.sock,client=9', 'client=9 is above 7'],
  ])("'%s' is refused", (text, message) => {
    expect(() => parseNbd(text)).toThrow(message);
  });
});

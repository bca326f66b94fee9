// What two links of a run may not both take of the host, and what they may.

import { describe, expect, it } from 'vitest';
import { sddfInProcess } from '../../test/support/sddf-in-process.ts';
import { checkClaims } from './claims.ts';
import { parseNetOptions } from './options.ts';

function check(...links: readonly string[]): void {
  checkClaims(new Map(links.map((link, nic) => [nic, parseNetOptions(link)])));
}

const FORWARD = 'hostfwd=udp:127.0.0.1:5001-:7';

describe('the links of a run', () => {
  it.each([
    [['tap,name=tap0', 'tap,name=tap0'], 'nic0 and nic1 both take tap0; choose another for one'],
    [['stream,server=unix:a', 'none', 'stream,server=unix:a'], 'nic0 and nic2 both take unix:a;'],
    [[`user,${FORWARD}`, `slirp,${FORWARD}`], 'both take 127.0.0.1:5001/udp'],
    [['dgram,local=127.0.0.1:5001,remote=127.0.0.1:5', `user,${FORWARD}`], 'both take'],
    [
      [`user,${FORWARD},hostfwd=udp::5001-:9`],
      '--net user: 127.0.0.1:5001/udp is given twice; choose another for one',
    ],
  ])('%s are refused', (links, message) => {
    expect(() => check(...links)).toThrow(message);
  });

  it.each([
    [['tap,name=tap0', 'tap,name=tap1']],
    [['stream,server=unix:a', 'stream,connect=unix:a']],
    [['slirp,hostfwd=udp::5001-:7,hostfwd=tcp::5001-:7']],
    [['user,hostfwd=udp::0-:7,hostfwd=udp::0-:9', 'stream,server=tcp:127.0.0.1:0']],
    [['stream,server=tcp:127.0.0.1:0', 'stream,server=tcp:127.0.0.1:0']],
    [['socket,mcast=230.0.0.1:1234', 'socket,mcast=230.0.0.1:1234']],
  ])('%s are taken', (links) => {
    expect(() => check(...links)).not.toThrow();
  });

  it('are looked at before any of them is opened', async () => {
    const path = 'unix:/nowhere/a.sock';
    const nets = ['nic0', 'nic1'].flatMap((nic) => ['--net', `${nic}=stream,server=${path}`]);
    const { stderr, status } = await sddfInProcess('run', 'router', ...nets);

    expect(stderr).toBe(`sddf: --net: nic0 and nic1 both take ${path}; choose another for one\n`);
    expect(status).toBe(2);
  });
});

// The states of a DHCP client, by a clock that the test moves: each edge of figure 5 of RFC 2131
// that it has, and what it does with answers that it did not ask for.

import { describe, expect, it } from 'vitest';
import { DhcpClient } from './dhcp-client.ts';
import type { DhcpReply, DhcpRequest } from './dhcp-message.ts';

const [DISCOVER, OFFER, REQUEST, ACK, NAK] = [1, 2, 3, 5, 6];
const SERVER = 0x0a00_0202;
const IP = 0x0a00_020f;
const S = 1e9;

class Exchange {
  readonly client = new DhcpClient(0x0100_000a);
  nowNs = 0;
  transaction = 0;

  /** Moves the clock to the client's next time. */
  next(): DhcpRequest | undefined {
    this.nowNs = Math.max(this.nowNs, this.client.nextAtNs);
    return this.#sent(this.client.tick(this.nowNs));
  }

  reply(type: number, more: Partial<DhcpReply> = {}): DhcpRequest | undefined {
    const reply = {
      type,
      transaction: this.transaction,
      yourIp: type === NAK ? 0 : IP,
      serverId: SERVER,
      leaseSeconds: type === NAK ? undefined : 3600,
      renewalSeconds: undefined,
      rebindingSeconds: undefined,
      ...more,
    };
    return this.#sent(this.client.receive(reply, this.nowNs));
  }

  #sent(message: DhcpRequest | undefined): DhcpRequest | undefined {
    if (message !== undefined) this.transaction = message.transaction;
    return message;
  }

  bound(more: Partial<DhcpReply> = {}): this {
    this.next();
    this.reply(OFFER);
    this.reply(ACK, more);
    return this;
  }
}

describe('a DHCP client', () => {
  it('discovers, asks for what it was offered, and has it once that is confirmed', () => {
    const x = new Exchange();

    expect(x.next()).toMatchObject({ type: DISCOVER, clientIp: 0 });
    expect(x.client.state).toBe('selecting');
    expect(x.reply(OFFER)).toMatchObject({
      type: REQUEST,
      clientIp: 0,
      requestedIp: IP,
      serverId: SERVER,
    });
    expect(x.client.ip).toBeUndefined();
    expect(x.reply(ACK)).toBeUndefined();
    expect([x.client.state, x.client.ip]).toEqual(['bound', IP]);
    expect(x.client.nextAtNs).toBe(1800 * S);
  });

  it('asks again after 4, 8, 16, 32 and 64 seconds, give or take one', () => {
    const x = new Exchange();
    x.next();
    const waits = Array.from({ length: 6 }, () => {
      const before = x.nowNs;
      x.next();
      return (x.nowNs - before) / S;
    });

    for (const [index, seconds] of [4, 8, 16, 32, 64, 64].entries()) {
      expect(Math.abs((waits[index] as number) - seconds)).toBeLessThanOrEqual(1);
    }
  });

  it('begins again when nobody confirms an offer', () => {
    const x = new Exchange();
    x.next();
    x.reply(OFFER);
    const sent = Array.from({ length: 4 }, () => x.next()?.type);

    expect(sent).toEqual([REQUEST, REQUEST, REQUEST, DISCOVER]);
  });

  it.each(['requesting', 'renewing', 'rebinding'])(
    'begins again when it is refused (%s)',
    (state) => {
      const x = new Exchange();
      if (state === 'requesting') {
        x.next();
        x.reply(OFFER);
      } else {
        x.bound();
        while (x.client.state !== state) x.next();
      }

      expect(x.reply(NAK)).toMatchObject({ type: DISCOVER, clientIp: 0 });
      expect(x.client.ip).toBeUndefined();
    },
  );

  it('renews at half of the lease, with the server alone, and then has all of it', () => {
    const x = new Exchange().bound();

    expect(x.next()).toMatchObject({ type: REQUEST, clientIp: IP });
    expect([x.nowNs, x.client.state, x.client.serverIp]).toEqual([1800 * S, 'renewing', SERVER]);
    expect(x.next()).toMatchObject({ type: REQUEST }); // no answer: half of what is left
    expect(x.nowNs).toBe(2475 * S);
    x.reply(ACK);
    expect([x.client.state, x.client.nextAtNs]).toEqual(['bound', (2475 + 1800) * S]);
  });

  it('asks all from seven eighths on, and gives its address up when the lease is over', () => {
    const x = new Exchange().bound();
    while (x.client.state !== 'rebinding') x.next();

    expect([x.nowNs, x.client.serverIp, x.client.ip]).toEqual([3150 * S, undefined, IP]);
    while (x.client.state === 'rebinding') x.next();
    expect([x.nowNs, x.client.state, x.client.ip]).toEqual([3600 * S, 'selecting', undefined]);
  });

  it('takes the times that a server gives when they are in order, and a lease for ever', () => {
    expect(new Exchange().bound({ renewalSeconds: 10 }).client.nextAtNs).toBe(10 * S);
    expect(new Exchange().bound({ renewalSeconds: 9999 }).client.nextAtNs).toBe(1800 * S);
    expect(new Exchange().bound({ leaseSeconds: 0xffff_ffff }).client.nextAtNs).toBe(Infinity);
    expect(new Exchange().bound({ leaseSeconds: undefined }).client.nextAtNs).toBe(Infinity);
  });

  it('minds no answer of another transaction, no second offer, and none that it did not ask for', () => {
    const x = new Exchange();
    x.next();
    expect(x.reply(OFFER, { transaction: 1 })).toBeUndefined();
    expect(x.reply(ACK)).toBeUndefined();
    expect(x.reply(NAK)).toBeUndefined();
    expect(x.client.state).toBe('selecting');
    x.reply(OFFER);
    expect(x.reply(OFFER, { yourIp: 1 })).toBeUndefined();
    x.reply(ACK);
    expect(x.reply(NAK)).toBeUndefined();
    expect(x.client.ip).toBe(IP);
  });
});

// The report of a small system, whole: every section and every column.

import { describe, expect, it } from 'vitest';
import { system } from './builder.ts';
import { report } from './report.ts';

describe('the report', () => {
  it('shows who there is, who may do what, and where memory goes', () => {
    const sys = system({ name: 'small' });
    sys.domains({
      domains: ['zero', 'one'],
      schedule: [
        { domain: 'zero', duration: '10 us' },
        { domain: 'one', duration: '7 ticks' },
        'end',
      ],
    });
    const server = sys.pd('server', { image: 's.ts', priority: 9, passive: true, domain: 'zero' });
    const client = sys.pd('client', { image: 'c.ts', budget: 5, period: 10, domain: 'one' });
    server.child('kid', { image: 'k.ts', id: 4, domain: 'zero' });
    const shared = sys.region('shared', { prefill: { path: 'f', bytes: new Uint8Array(9000) } });
    client.map(shared, { perms: 'r', setvarPrefillSize: 'length' });
    server.map(shared);
    server.map(sys.region('uart', { size: '4K', physAddr: 0x1000_0000 }), { cached: false });
    server.irq(10, { trigger: 'edge', id: 2 });
    client.setvar('where', shared);
    client.cap('tcb', 5, server);
    sys.channel(client, server, { a: { pp: true } });
    const built = sys.build();

    expect(built.ok && report(built.system)).toMatchSnapshot();
  });
});

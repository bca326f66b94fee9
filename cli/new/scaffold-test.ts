/** `sddf new test NAME`: a scripted test of a ready-made system, to be changed. */

import { unindented } from './scaffold-dialect.ts';

export function testFiles(name: string): ReadonlyMap<string, string> {
  return new Map([[`tests/${name}.yaml`, testText(name)]]);
}

function testText(name: string): string {
  return unindented(`
    # sddf test tests/${name}.yaml          sddf test --verbs lists what a step may be
    #
    # A name of sddf list, ./my-system.ts, or build/my.system with search-path: [build]. For a single
    # driver or virtualiser, these two lines in place of it:
    #   unit: build/network_virt_rx.elf
    #   role: net/virt-rx
    system: echo

    tests:
      - name: a client answers an ARP request
        steps:
          - send: { arp: { to: 10.0.2.15 } }
          - expect frame: { arp: { op: reply, from: 10.0.2.15 }, within: 5ms }
          - at rest

      - name: the answer comes although the first interrupt is lost
        # sddf sim echo --list-faults lists what can go wrong.
        faults:
          - { at: net.irq, fault: lose, when: { nth: 1 } }
        steps:
          - send: { udp: { to: 10.0.2.15:1235, text: hello } }
          - expect frame: { udp: { from: 10.0.2.15:1235, text: hello } }
    `);
}

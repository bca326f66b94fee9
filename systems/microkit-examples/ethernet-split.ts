/**
 * After Microkit's example "ethernet": an outer and an inner side, with a filter between that alone
 * maps both.
 */

import {
  type FilterConfig,
  main as filter,
} from '../../clients/microkit-examples/ethernet-filter.ts';
import { main as side, type SideConfig } from '../../clients/microkit-examples/ethernet-side.ts';
import { type BuildResult, system } from '../../microkit/builder.ts';
import type { SystemModule } from '../system.ts';

const PROGRAMS = 'clients/microkit-examples';

function build(): BuildResult {
  const sys = system({ name: 'ethernet_split' });
  const middle = sys.pd('pass', {
    program: filter,
    image: `${PROGRAMS}/ethernet-filter.ts`,
    priority: 100,
  });
  const connect = (name: string, frames: readonly string[]) => {
    const pd = sys.pd(name, { program: side, image: `${PROGRAMS}/ethernet-side.ts`, priority: 99 });
    const output = sys.region(`${name}_output`, { size: '2M', pageSize: 0x20_0000 });
    const input = sys.region(`${name}_input`, { size: '2M', pageSize: 0x20_0000 });
    for (const region of [output, input]) {
      pd.map(region);
      middle.map(region);
    }
    const channel = sys.channel(pd, middle);
    pd.configure((): SideConfig => ({
      output: output.name,
      input: input.name,
      filter: channel.a.value,
      frames,
    }));
    return () => ({ from: output.name, to: input.name, channel: channel.b.value });
  };
  const outer = connect('eth_outer', ['ping', 'attack at dawn', 'query']);
  const inner = connect('eth_inner', ['answer']);
  middle.configure((): FilterConfig => ({
    outer: outer(),
    inner: inner(),
    refused: 'attack',
  }));
  return sys.build();
}

export const ethernetSplit: SystemModule = {
  summary: 'two sides that cannot name each other, and a filter between them',
  build,
};

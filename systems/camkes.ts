/**
 * An assembly in the manner of CAmkES: a client that calls a server and shares a dataport with it,
 * and a hardware component that drives a timer and emits an event.
 */

import { main as client } from '../clients/camkes-example/client.ts';
import { main as server } from '../clients/camkes-example/server.ts';
import { main as ticker } from '../clients/camkes-example/ticker.ts';
import { type BuildResult, system } from '../microkit/builder.ts';
import {
  seL4HardwareInterrupt,
  seL4HardwareMMIO,
  seL4Notification,
  seL4RPCCall,
  seL4SharedData,
} from '../microkit/camkes.ts';
import { timerDevice } from './devices.ts';
import type { SystemModule } from './system.ts';

const COMPONENTS = 'clients/camkes-example';

function build(): BuildResult {
  const sys = system({ name: 'camkes' });
  const echo = sys.pd('echo', { program: server, image: `${COMPONENTS}/server.ts`, priority: 200 });
  const timer = sys.pd('timer', {
    program: ticker,
    image: `${COMPONENTS}/ticker.ts`,
    priority: 150,
  });
  const user = sys.pd('client', {
    program: client,
    image: `${COMPONENTS}/client.ts`,
    priority: 100,
    config: { greeting: 'hello, world' }, // an attribute
  });
  seL4RPCCall(sys, { name: 'hello', from: [user], to: echo });
  seL4SharedData(sys, { name: 'buffer', between: [{ pd: user }, { pd: echo, access: 'R' }] });
  const { physAddr: paddr, sizeBytes: size, irq } = timerDevice;
  seL4HardwareMMIO(sys, { name: 'regs', pd: timer, paddr, size });
  seL4HardwareInterrupt({ name: 'irq', pd: timer, irq });
  seL4Notification(sys, { name: 'tick', from: [timer], to: user });
  return sys.build();
}

export const camkes: SystemModule = {
  summary: 'a CAmkES assembly: RPC, dataport, event, and a hardware component',
  build,
};

/**
 * Test support: a debugger that walks through whatever is held for it, from a process of its own:
 * on, back, on, and out.
 */

import { spawn } from 'node:child_process';

/** Against a hang: a run that did not come so far has no socket for it. */
const LATE_MS = 120_000;

/** Each packet is sent when the one before has led to a stop. */
const PACKETS = ['$vCont;c#a8', '$bc#c5', '$vCont;c#a8', '$vCont;c#a8'];

/** The stops of a walk through a run that can go back, and that nothing else stops. */
export const WALKED = [
  '$T05',
  '$T05replaylog:end',
  '$T05replaylog:begin',
  '$T05replaylog:end',
] as const;

/**
 * @param socket where somebody will listen for it
 * @returns resolved with the stops that it was told of, when its connection has ended
 */
export function walkByGdb(socket: string): Promise<readonly string[]> {
  const client = spawn(process.execPath, [
    '-e',
    `const packets = ${JSON.stringify(PACKETS)};
     const wait = setInterval(() => {
       if (!require('fs').existsSync('${socket}')) return;
       clearInterval(wait);
       const line = require('net').connect('${socket}');
       line.write('$?#3f');
       line.on('data', (data) => {
         process.stdout.write(data);
         if (/[$]T/.test(data)) line.write(packets.shift() ?? '');
       });
     }, 20);`,
  ]);
  let said = '';
  client.stdout.on('data', (data) => (said += String(data)));
  const late = setTimeout(() => client.kill(), LATE_MS);
  return new Promise((resolve) => {
    client.once('exit', () => {
      clearTimeout(late);
      resolve(Array.from(said.matchAll(/[$]T05(?:replaylog:\w+)?/g), String));
    });
  });
}

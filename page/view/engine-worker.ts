/**
 * Starts an engine. Its script is loaded by a script of the page's own (a blob), and so it is held
 * to the page's policy: a worker that is loaded from a server has the policy that the server sends,
 * which for static files is none. What somebody has written for the engine to run can then reach
 * no other host.
 */

// oxlint-disable-next-line import/default -- the bundler makes an address of it
import engineUrl from '../engine/worker.ts?worker&url';

export function startEngine(): Worker {
  const address = new URL(engineUrl, import.meta.url).href;
  const script = new Blob([`import ${JSON.stringify(address)};`], { type: 'text/javascript' });
  const url = URL.createObjectURL(script);
  const worker = new Worker(url, { type: 'module' });
  const release = (): void => URL.revokeObjectURL(url);
  worker.addEventListener('message', release, { once: true });
  return worker;
}

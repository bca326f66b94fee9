/** The engine's thread in the page, which ends it when it is too long in one request. */

import { after, nowMs } from '../clock.ts';
import { Player } from './player.ts';
import type { Answer, Request } from './protocol.ts';

interface WorkerScope {
  onmessage: ((event: { readonly data: Request }) => void) | null;
  postMessage(answer: Answer): void;
}

const scope = globalThis as unknown as WorkerScope;
const player = new Player((answer) => scope.postMessage(answer), { after, nowMs });
scope.onmessage = ({ data }) => player.ask(data);

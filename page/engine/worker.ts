/** The engine's thread in the page, which ends it when it is too long in one request. */

import { after, nowMs } from '../clock.ts';
import { closeScope } from './own/closed-scope.ts';
import { Player } from './player.ts';
import { ownOrReady } from './own/find-own.ts';
import type { Answer, Request } from './protocol.ts';

interface WorkerScope {
  onmessage: ((event: { readonly data: Request }) => void) | null;
  postMessage(answer: Answer): void;
}

const scope = globalThis as unknown as WorkerScope;
const tell: WorkerScope['postMessage'] = scope.postMessage.bind(scope);
// The engine needs nothing else of what is taken away.
closeScope(globalThis);
const find = ownOrReady({ begins: (what) => tell({ kind: 'begins', what }) });
const player = new Player(tell, { after, nowMs }, find);
scope.onmessage = ({ data }) => player.ask(data);

/**
 * Takes from a worker what reaches out of it, before somebody's modules are loaded: a link may have
 * a stranger's. The page's policy keeps them from other hosts; but to the host of the page they
 * would speak with the person's cookies, and what that host keeps in this browser they would read.
 */

/** Of a worker's globals, whatever a browser has of them. */
const REACHING = [
  ...['fetch', 'XMLHttpRequest', 'EventSource', 'WebSocket', 'WebSocketStream', 'WebTransport'],
  // By these they would speak to the page in the engine's place.
  ...['postMessage', 'close'],
  ...['importScripts', 'Worker', 'SharedWorker', 'BroadcastChannel'],
  ...['indexedDB', 'caches', 'cookieStore', 'navigator', 'WorkerNavigator', 'FontFace', 'fonts'],
  ...['webkitRequestFileSystem', 'webkitRequestFileSystemSync'],
  ...['webkitResolveLocalFileSystemURL', 'webkitResolveLocalFileSystemSyncURL'],
];

/**
 * From now on none of these is there, neither on the scope nor on what it inherits from.
 *
 * @throws TypeError where one cannot be taken away
 */
export function closeScope(scope: object): void {
  for (const name of REACHING) {
    for (let holder: object | null = scope; holder !== null;) {
      if (Object.hasOwn(holder, name)) delete (holder as Record<string, unknown>)[name];
      holder = Object.getPrototypeOf(holder) as object | null;
    }
  }
}

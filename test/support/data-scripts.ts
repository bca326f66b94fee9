/** Test support: scripts of the page's linker where no blob can be imported, as in Node. */

import type { ScriptStore } from '../../page/engine/own/script-store.ts';

export function dataScripts(): ScriptStore {
  let made = 0;
  return {
    add: (code) => {
      made += 1;
      // Two scripts of the same text are two.
      const text = `${code}\n// ${made}`;
      return `data:text/javascript;base64,${Buffer.from(text).toString('base64')}`;
    },
    remove: () => undefined,
  };
}

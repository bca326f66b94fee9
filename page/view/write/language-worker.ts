/** The thread in which TypeScript looks at what is written: it takes its time, and may be late. */

import { thrownText } from '../../../memory/thrown-text.ts';
import { baseName } from '../../engine/own/file-names.ts';
import { declarations } from 'virtual:package-types';
import type { LanguageAnswer, LanguageRequest } from './language-protocol.ts';
import { OwnLanguage } from './language-service.ts';

const LIBRARIES = import.meta.glob<string>(
  ['../../../node_modules/typescript-js/lib/lib.{es,decorators}*.d.ts'],
  { eager: true, query: '?raw', import: 'default' },
);

interface WorkerScope {
  onmessage: ((event: { readonly data: LanguageRequest }) => void) | null;
  postMessage(answer: LanguageAnswer): void;
}

const scope = globalThis as unknown as WorkerScope;
const language = new OwnLanguage({
  declarations,
  libraries: Object.fromEntries(
    Object.entries(LIBRARIES).map(([path, text]) => [baseName(path), text]),
  ),
});

scope.onmessage = ({ data }) => {
  if (data.kind === 'files') language.setFiles(data.files);
  else scope.postMessage(answerTo(data));
};

/** Text that is being written may be anything: TypeScript itself may fail over it. */
function answerTo(request: Exclude<LanguageRequest, { kind: 'files' }>): LanguageAnswer {
  const { kind, id } = request;
  try {
    switch (kind) {
      case 'check':
        return { kind: 'checked', id, problems: language.check() };
      case 'complete':
        return { kind: 'completed', id, completions: language.complete(request.file, request.at) };
      case 'explain':
        return { kind: 'explained', id, text: language.explain(request.file, request.at) };
    }
  } catch (error) {
    return { kind: 'explained', id, text: thrownText(error) };
  }
}

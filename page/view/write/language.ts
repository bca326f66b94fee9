/** The editor's end of TypeScript. Answers come when they come; old ones are left out. */

// oxlint-disable-next-line import/default -- the bundler makes an address of it
import languageUrl from './language-worker.ts?worker&url';
import type {
  Completion,
  LanguageAnswer,
  LanguageRequest,
  TypeProblem,
} from './language-protocol.ts';

type Asked = Exclude<LanguageRequest, { kind: 'files' }>;

export class Language {
  readonly #worker = new Worker(new URL(languageUrl, import.meta.url), { type: 'module' });
  readonly #waiting = new Map<number, (answer: LanguageAnswer) => void>();
  #asked = 0;

  constructor() {
    this.#worker.addEventListener('message', ({ data }: MessageEvent<LanguageAnswer>) => {
      this.#waiting.get(data.id)?.(data);
      this.#waiting.delete(data.id);
    });
  }

  setFiles(files: Readonly<Record<string, string>>): void {
    this.#worker.postMessage({ kind: 'files', files } satisfies LanguageRequest);
  }

  /** @returns undefined when TypeScript has nothing to say, because it has failed */
  async check(): Promise<readonly TypeProblem[] | undefined> {
    const answer = await this.#ask((id) => ({ kind: 'check', id }));
    return answer.kind === 'checked' ? answer.problems : undefined;
  }

  async complete(file: string, at: number): Promise<readonly Completion[]> {
    const answer = await this.#ask((id) => ({ kind: 'complete', id, file, at }));
    return answer.kind === 'completed' ? answer.completions : [];
  }

  async explain(file: string, at: number): Promise<string> {
    const answer = await this.#ask((id) => ({ kind: 'explain', id, file, at }));
    return answer.kind === 'explained' ? answer.text : '';
  }

  close(): void {
    this.#worker.terminate();
  }

  #ask(make: (id: number) => Asked): Promise<LanguageAnswer> {
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#worker.postMessage(make(id));
    });
  }
}

/**
 * Programs and system as text: chosen, changed and run. What is wrong stands at its line and in a
 * list. A file of the package is opened as a copy of one's own.
 */

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { after } from '../../clock.ts';
import type { OwnSystem } from '../../engine/scenario.ts';
import type { PageState } from '../page-state.ts';
import type { Store } from '../store.ts';
import { Editor, type Mark } from './editor.ts';
import { Language } from './language.ts';
import type { TypeProblem } from './language-protocol.ts';
import { filesOfSystem, ownCopy, systemFile, withCopy } from './package-sources.ts';
import { runProblems } from './run-problems.ts';
import './write.css';

/** So long nothing is typed before types are looked at. */
const PAUSE_MS = 250;

interface Props {
  readonly store: Store;
  readonly state: PageState;
}

export function WritePanel({ store, state }: Props): JSX.Element {
  const own = state.draft ?? state.scenario.own;
  const [chosen, choose] = useState('');
  const file = own === undefined || Object.hasOwn(own.files, chosen) ? chosen : own.main;
  const [typeProblems, setTypeProblems] = useState<readonly TypeProblem[] | undefined>(undefined);
  const place = useRef<HTMLDivElement>(null);
  const parts = useParts(place, store);
  const isFixed = state.mode !== 'whole';
  useTypes(parts.current?.language, own, setTypeProblems);
  useEffect(() => {
    const text = own?.files[file];
    const editor = parts.current?.editor;
    if (editor === undefined) return;
    if (text === undefined) editor.open('nothing', '', 'read');
    else if (parts.current?.file !== file || editor.text !== text) {
      editor.open(file, text, isFixed ? 'read' : 'write');
    }
    if (parts.current !== undefined) parts.current.file = text === undefined ? '' : file;
  }, [own, file, isFixed, parts]);
  const problems = runProblems(state);
  const marks = marksOf(file, typeProblems ?? [], problems);
  const marked = JSON.stringify(marks);
  useEffect(
    () => parts.current?.editor.mark(JSON.parse(marked) as readonly Mark[]),
    [marked, file, parts],
  );
  const open = (path: string): void => {
    if (own === undefined || !Object.hasOwn(own.files, path)) choose(copy(store, own, path));
    else choose(path);
  };
  return (
    <>
      <div class="row">
        <FileChoice state={state} own={own} file={file} onChoose={open} />
        <Actions store={store} own={own} isFixed={isFixed} />
      </div>
      <div ref={place} class={own === undefined ? 'editor unused' : 'editor'} id="editor" />
      <Problems
        types={typeProblems}
        run={problems}
        isShown={own !== undefined}
        onGo={(at) => {
          choose(at.file);
          after(0, () => parts.current?.editor.goTo(at.line));
        }}
      />
    </>
  );
}

/** @returns the file's name among one's own, now that it is */
function copy(store: Store, own: OwnSystem | undefined, path: string): string {
  const { system } = store.state.scenario;
  const start = own ?? ownCopy(system);
  if (start === undefined) return '';
  if (path === systemFile(system)) {
    store.edit(start);
    return start.main;
  }
  store.edit(withCopy(start, path));
  return path;
}

interface Parts {
  readonly editor: Editor;
  readonly language: Language;
  /** The one that is open. */
  file: string;
}

/** The editor and its TypeScript, as long as the panel is there. */
function useParts(
  place: { readonly current: HTMLDivElement | null },
  store: Store,
): { current: Parts | undefined } {
  const parts = useRef<Parts | undefined>(undefined);
  const [, setMade] = useState(0);
  useEffect(() => {
    const parent = place.current;
    if (parent === null) return undefined;
    const language = new Language();
    const editor = new Editor({
      parent,
      language,
      changed: (file, text) => {
        const own = store.state.draft ?? store.state.scenario.own;
        if (own !== undefined && Object.hasOwn(own.files, file)) {
          store.edit({ ...own, files: { ...own.files, [file]: text } });
        }
      },
      run: () => store.runOwn(),
    });
    parts.current = { editor, language, file: '' };
    setMade(1);
    return () => {
      editor.close();
      language.close();
      parts.current = undefined;
    };
  }, [place, store]);
  return parts;
}

function useTypes(
  language: Language | undefined,
  own: OwnSystem | undefined,
  found: (problems: readonly TypeProblem[] | undefined) => void,
): void {
  const files = own?.files;
  useEffect(() => {
    if (language === undefined || files === undefined) return undefined;
    let isOld = false;
    const timer = after(PAUSE_MS, () => {
      language.setFiles(files);
      void language.check().then((problems) => {
        if (!isOld) found(problems);
      });
    });
    return () => {
      isOld = true;
      timer.cancel();
    };
  }, [language, files, found]);
}

function marksOf(
  file: string,
  types: readonly TypeProblem[],
  run: readonly { readonly file: string; readonly line: number; readonly text: string }[],
): readonly Mark[] {
  return [
    ...types.map((each) => ({ ...each, source: 'types' as const })),
    ...run.map((each) => ({ ...each, source: 'run' as const })),
  ].filter((each) => each.file === file);
}

function FileChoice(props: {
  readonly state: PageState;
  readonly own: OwnSystem | undefined;
  readonly file: string;
  readonly onChoose: (file: string) => void;
}): JSX.Element {
  const { state, own, file, onChoose } = props;
  const mine = Object.keys(own?.files ?? {});
  const start = systemFile(state.scenario.system);
  const theirs = filesOfSystem(state.scenario.system).filter(
    (path) => !mine.includes(path) && !(own !== undefined && path === start),
  );
  return (
    <label>
      File{' '}
      <select id="file" value={file} onChange={(event) => onChoose(event.currentTarget.value)}>
        {own === undefined ? <option value="">choose one</option> : null}
        {mine.length === 0 ? null : (
          <optgroup label="Yours">
            {mine.map((path) => (
              <option key={path} value={path}>
                {path}
              </option>
            ))}
          </optgroup>
        )}
        {theirs.length === 0 || state.mode !== 'whole' ? null : (
          <optgroup label="The package's: opens a copy">
            {theirs.map((path) => (
              <option key={path} value={path}>
                {path}
              </option>
            ))}
          </optgroup>
        )}
      </select>
    </label>
  );
}

function Actions(props: {
  readonly store: Store;
  readonly own: OwnSystem | undefined;
  readonly isFixed: boolean;
}): JSX.Element {
  const { store, own, isFixed } = props;
  const { draft, scenario } = store.state;
  return (
    <>
      <button
        type="button"
        id="run-own"
        class="main"
        disabled={own === undefined || isFixed}
        title="Ctrl and Enter, in the text"
        onClick={() => store.runOwn()}
      >
        Run
      </button>
      <button
        type="button"
        id="give-up"
        disabled={draft === undefined || isFixed}
        onClick={() => store.edit(undefined)}
      >
        Give up changes
      </button>
      <span class="help">
        {draft === undefined || draft === scenario.own ? '' : 'changed, and not run yet'}
      </span>
    </>
  );
}

function Problems(props: {
  readonly types: readonly TypeProblem[] | undefined;
  readonly run: readonly { readonly file: string; readonly line: number; readonly text: string }[];
  readonly isShown: boolean;
  readonly onGo: (at: { readonly file: string; readonly line: number }) => void;
}): JSX.Element | null {
  const { types, run, isShown, onGo } = props;
  if (!isShown) return null;
  const all = [
    ...run.map((each) => ({ ...each, what: 'run' })),
    ...(types ?? []).map((each) => ({ ...each, what: 'types' })),
  ];
  return (
    <div aria-live="polite">
      {all.length === 0 ? (
        <p class="help" id="no-problems">
          {types === undefined
            ? 'Types are being looked at …'
            : 'No errors of types or of the run.'}
        </p>
      ) : (
        <ul class="problems" id="problems">
          {all.map(({ file, line, text, what }) => (
            <li key={`${what} ${file}:${line} ${text}`}>
              <button type="button" class="place" onClick={() => onGo({ file, line })}>
                {file}:{line}
              </button>{' '}
              <span class="kind">{what}</span> {text}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

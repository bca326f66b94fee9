/** One file in CodeMirror, with what TypeScript and the run say of it. */

import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
} from '@codemirror/autocomplete';
import { javascript } from '@codemirror/lang-javascript';
import { syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { EditorState, type Extension, Prec } from '@codemirror/state';
import { hoverTooltip, keymap, type Tooltip } from '@codemirror/view';
import { classHighlighter } from '@lezer/highlight';
import { basicSetup, EditorView } from 'codemirror';
import type { Language } from './language.ts';

/** What is wrong in the file that is open; a line, or a part of one. */
export interface Mark {
  /** Counted from 1. */
  readonly line: number;
  readonly from?: number;
  readonly to?: number;
  readonly text: string;
  readonly source: 'types' | 'run';
}

export interface EditorParts {
  readonly parent: HTMLElement;
  readonly language: Language;
  readonly changed: (file: string, text: string) => void;
  readonly run: () => void;
}

/** What TypeScript calls things, as CodeMirror has pictures for them. */
const PICTURES: Readonly<Record<string, string>> = {
  method: 'method',
  function: 'function',
  property: 'property',
  getter: 'property',
  const: 'constant',
  let: 'variable',
  var: 'variable',
  parameter: 'variable',
  class: 'class',
  interface: 'interface',
  type: 'type',
  keyword: 'keyword',
  module: 'namespace',
};

export class Editor {
  readonly #parts: EditorParts;
  readonly #view: EditorView;
  #file = '';
  #isFixed = false;

  constructor(parts: EditorParts) {
    this.#parts = parts;
    this.#view = new EditorView({ parent: parts.parent });
    // Text that is wider than its box can be scrolled by the keyboard.
    this.#view.scrollDOM.tabIndex = 0;
  }

  get text(): string {
    return this.#view.state.doc.toString();
  }

  /** @param access 'read': nothing can be changed */
  open(file: string, text: string, access: 'write' | 'read'): void {
    this.#file = file;
    this.#isFixed = access === 'read';
    this.#view.setState(EditorState.create({ doc: text, extensions: this.#extensions(file) }));
    // It may have been out of sight until now, where nothing can be measured.
    requestAnimationFrame(() => this.#view.requestMeasure());
  }

  mark(marks: readonly Mark[]): void {
    const { state } = this.#view;
    const found = marks.map(({ line, from, to, text, source }): Diagnostic => {
      const whole = state.doc.line(Math.min(Math.max(1, line), state.doc.lines));
      const start = Math.min(from ?? whole.from, state.doc.length);
      const end = Math.min(to ?? whole.to, state.doc.length);
      return { from: start, to: end, severity: 'error', message: text, source };
    });
    this.#view.dispatch(setDiagnostics(state, found));
  }

  /** Shows a line, and has the keyboard. */
  goTo(line: number): void {
    const { doc } = this.#view.state;
    const { from } = doc.line(Math.min(Math.max(1, line), doc.lines));
    this.#view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
    this.#view.focus();
  }

  close(): void {
    this.#view.destroy();
  }

  #extensions(file: string): Extension {
    const isModule = file.endsWith('.ts');
    const run = keymap.of([
      {
        key: 'Mod-Enter',
        run: () => {
          this.#parts.run();
          return true;
        },
      },
    ]);
    return [
      Prec.highest(run),
      syntaxHighlighting(classHighlighter),
      basicSetup,
      lintGutter(),
      EditorView.contentAttributes.of({ 'aria-label': `Text of ${file}` }),
      EditorState.readOnly.of(this.#isFixed),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) this.#parts.changed(this.#file, this.text);
      }),
      ...(isModule ? [javascript({ typescript: true }), this.#completions(), this.#types()] : []),
    ];
  }

  #completions(): Extension {
    const source = async (context: CompletionContext): Promise<CompletionResult | null> => {
      const word = context.matchBefore(/[\w$]*/);
      const isAsked = context.explicit || context.matchBefore(/[\w$.]/) !== null;
      if (!isAsked) return null;
      const found = await this.#parts.language.complete(this.#file, context.pos);
      if (context.aborted || found.length === 0) return null;
      return {
        from: word?.from ?? context.pos,
        validFor: /^[\w$]*$/,
        options: found.map(({ label, type }) => {
          const picture = PICTURES[type];
          return { label, ...(picture === undefined ? {} : { type: picture }) };
        }),
      };
    };
    return autocompletion({ override: [source] });
  }

  #types(): Extension {
    return hoverTooltip(async (_view, at): Promise<Tooltip | null> => {
      const text = await this.#parts.language.explain(this.#file, at);
      if (text === '') return null;
      return {
        pos: at,
        create: () => {
          const dom = document.createElement('pre');
          dom.className = 'explained';
          dom.textContent = text;
          return { dom };
        },
      };
    });
  }
}

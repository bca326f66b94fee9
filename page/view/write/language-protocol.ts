/** What the editor and its TypeScript, which runs in a thread of its own, say to each other. */

export type LanguageRequest =
  /** All files of the system; those that were there and are not named are gone. */
  | { readonly kind: 'files'; readonly files: Readonly<Record<string, string>> }
  | { readonly kind: 'check'; readonly id: number }
  | { readonly kind: 'complete'; readonly id: number; readonly file: string; readonly at: number }
  | { readonly kind: 'explain'; readonly id: number; readonly file: string; readonly at: number };

/** What is wrong with a file, as far as types go. */
export interface TypeProblem {
  readonly file: string;
  /** Positions in the text. */
  readonly from: number;
  readonly to: number;
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

export interface Completion {
  readonly label: string;
  readonly type: string;
}

export type LanguageAnswer =
  | { readonly kind: 'checked'; readonly id: number; readonly problems: readonly TypeProblem[] }
  | { readonly kind: 'completed'; readonly id: number; readonly completions: readonly Completion[] }
  | { readonly kind: 'explained'; readonly id: number; readonly text: string };

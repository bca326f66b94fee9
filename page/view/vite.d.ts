/** What the bundler gives for an import with a question mark, and for a pattern of files. */

declare module '*?worker&url' {
  const url: string;
  export default url;
}

declare module '*?raw' {
  const text: string;
  export default text;
}

/** Declarations of the package, by specifier and file: see `vite.page.config.ts`. */
declare module 'virtual:package-types' {
  export const declarations: Readonly<Record<string, string>>;
}

interface ImportMeta {
  glob<Value>(
    patterns: readonly string[],
    options: { readonly eager: true; readonly query?: string; readonly import?: string },
  ): Readonly<Record<string, Value>>;
}

/** The files of the tutorial, taken out of the page that has them: docs/writing-a-driver.md. */

/** @returns by name: a name in backquotes on a line of its own, then a TypeScript block */
export function tutorialFiles(markdown: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...markdown.matchAll(/^`([\w-]+\.ts)`\n\n```ts\n(.*?)^```$/gms)].map(
      ([, name = '', text = '']) => [name, text],
    ),
  );
}

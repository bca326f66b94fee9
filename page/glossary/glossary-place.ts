/** Where a word is in the page's glossary. */

/** @returns the fragment of `glossary.html`, such as 'protection-domain' */
export function glossaryPlace(word: string): string {
  return word
    .toLowerCase()
    .replaceAll(/[^a-z\d]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}

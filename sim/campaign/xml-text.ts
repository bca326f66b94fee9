/** Text for XML, as readers of JUnit take it. */

/** @returns the text for an element or an attribute; what no XML may have is shown as '?' */
export function xmlText(text: string): string {
  return Array.from(text, (letter) => (isOfXml(letter) ? letter : '?'))
    .join('')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');
}

/** Control characters and halves of pairs are no XML, whatever they are escaped to. */
function isOfXml(letter: string): boolean {
  const code = letter.codePointAt(0) ?? 0;
  if (code < 0x20) return letter === '\n' || letter === '\t';
  return !(code >= 0xd800 && code <= 0xdfff) && (code & 0xffff) < 0xfffe;
}

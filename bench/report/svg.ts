/** The few elements of SVG that plots are made of, as text. */

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** @param content text that is markup already */
export function element(name: string, attributes: Attributes, content = ''): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${attribute(value as string | number)}"`)
    .join('');
  return `<${name}${written}>${content}</${name}>`;
}

function attribute(value: string | number): string {
  return typeof value === 'number' ? String(Math.round(value * 10) / 10) : escapeMarkup(value);
}

export function text(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escapeMarkup(content));
}

export function line(
  from: readonly [number, number],
  to: readonly [number, number],
  kind: string,
): string {
  return element('line', { x1: from[0], y1: from[1], x2: to[0], y2: to[1], class: kind });
}

/** What a pointer that rests on the element is told. */
export function title(content: string): string {
  return element('title', {}, escapeMarkup(content));
}

/** @param label what a person who cannot see the picture is told */
export function picture(width: number, height: number, label: string, content: string): string {
  const attributes = { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img' };
  return element('svg', { ...attributes, 'aria-label': label }, content);
}

export function escapeMarkup(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

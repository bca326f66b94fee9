/** Numbers as people read them. */

/** `1234567` as `1,234,567`. */
export function groupDigits(value: number): string {
  const [whole = '', fraction] = String(value).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** A duration with the unit that suits it. */
export function duration(ns: number): string {
  if (ns < 1e3) return `${String(Math.round(ns))} ns`;
  if (ns < 1e6) return `${significant(ns / 1e3)} µs`;
  if (ns < 1e9) return `${significant(ns / 1e6)} ms`;
  return seconds(ns);
}

export function seconds(ns: number): string {
  return `${(ns / 1e9).toFixed(3)} s`;
}

/** Three significant digits. */
export function significant(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

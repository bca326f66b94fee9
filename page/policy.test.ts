// What the page may load and run: its policy, and that none of its files makes markup of text.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../test/imports/source-imports.ts';

const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval' blob:",
  "worker-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
];
const MARKUP = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/;

describe('the page', () => {
  it('has the policy that was asked for, and nothing wider', () => {
    const page = readFileSync(join(ROOT, 'page/index.html'), 'utf8');
    const [, policy = ''] = /Content-Security-Policy"\s+content="([^"]*)"/.exec(page) ?? [];

    expect(policy.split('; ')).toEqual(POLICY);
  });

  it('shows text as text', () => {
    const folder = join(ROOT, 'page/view');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.tsx?$/.test(name),
    );

    expect(files.length).toBeGreaterThan(30);
    expect(files).toContain(join('write', 'editor.ts'));
    expect(files.filter((name) => MARKUP.test(readFileSync(join(folder, name), 'utf8')))).toEqual(
      [],
    );
  });
});

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'dist/**', '.artefacts/**'],
    reporters: ['default', ['json', { outputFile: '.artefacts/test-results.json' }]],
    // Limits are for hangs: a busy machine takes twenty times as long as a quiet one.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    maxWorkers: 2,
  },
});

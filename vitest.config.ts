import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'dist/**', '.artefacts/**'],
    reporters: ['default', ['json', { outputFile: '.artefacts/test-results.json' }]],
    // Whole-system tests open sockets and start child processes: generous, because CI has two cores.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
  },
});

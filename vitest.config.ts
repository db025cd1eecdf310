import { defineConfig } from 'vitest/config';

const report = process.env['ONNXPRESS_TEST_REPORT'];

/** Tests run on the sources of every package: no build comes first. */
export default defineConfig({
  resolve: { conditions: ['@onnxpress/source'] },
  ssr: { resolve: { conditions: ['@onnxpress/source'], externalConditions: ['@onnxpress/source'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'docs/**/*.test.ts', 'samples/**/*.test.ts', 'scripts/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', 'docs/.written/**'], // the last are run by the test of the page they come from
    testTimeout: 30_000,
    pool: 'forks',
    ...(report ? { reporters: ['default', 'json'], outputFile: { json: report } } : {}),
  },
});

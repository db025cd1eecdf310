/**
 * Prints "N passed, N failed, N skipped" over vitest's JSON reports, and ends with 1 where anything failed.
 * Usage: node scripts/count-tests.mjs FAILED_STAGES REPORT…
 */
import { readFileSync } from 'node:fs';

const [stages = '0', ...files] = process.argv.slice(2);
let [passed, failed, skipped] = [0, Number(stages), 0];
for (const file of files) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests + (report.numTodoTests ?? 0);
}
if (passed === 0) failed = Math.max(failed, 1); // a run that tested nothing has shown nothing
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);

/**
 * A vitest reporter for scripts/test.mjs: writes the counts, and every skipped test with its reason, as JSON to the file that
 * HELIOS_TEST_REPORT names.
 */
import { writeFileSync } from 'node:fs';

// vitest loads the default export of a reporter's module.
export default class {
  onTestRunEnd(modules, unhandledErrors) {
    const report = { passed: 0, failed: 0, skipped: [], brokenFiles: [], unhandledErrors: unhandledErrors.length };
    for (const module of modules) {
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') report.passed++;
        else if (result.state === 'failed') failedHere++;
        else report.skipped.push({ file: module.relativeModuleId, name: test.fullName, reason: result.note ?? null });
      }
      report.failed += failedHere;
      // A file that does not load, or a hook that fails, has no failed test to show for it.
      if (!module.ok() && failedHere === 0) report.brokenFiles.push(module.relativeModuleId);
    }
    writeFileSync(process.env.HELIOS_TEST_REPORT, JSON.stringify(report));
  }
}

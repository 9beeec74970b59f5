'use strict';

/** Ends a test run with one plain line that scripts can read: `N passed, N failed`. Written at exit, since jest's own summary comes last otherwise. */
class ClosingLineReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    process.once('exit', () => {
      process.stdout.write(`${results.numPassedTests} passed, ${failed} failed\n`);
    });
  }
}

module.exports = ClosingLineReporter;

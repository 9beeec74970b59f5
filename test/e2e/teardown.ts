import { rmSync } from 'node:fs';

/** Removes what setup installed. */
export default function teardown(): void {
  const directory = process.env['CDK_STACK_INSTALLED'];
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
}

import * as fs from 'node:fs';
import * as path from 'node:path';
import { transformSync } from '@swc/core';

/** What ts-node makes of an app. */
export function toJavaScript(source: string): string {
  return transformSync(source, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  }).code;
}

/** The app of a template. */
export function templateApp(name: string): string {
  return fs.readFileSync(path.resolve(__dirname, '../../templates', name, 'bin/app.ts'), 'utf8');
}

'use strict';

// Compiles lib/ to dist/ unless that is newer than every source: npm runs this after `npm ci`, before packing, and again
// when `npx stack` is called inside this repository for the first time.
const { execFileSync } = require('node:child_process');
const { readdirSync, rmSync, statSync, writeFileSync } = require('node:fs');
const path = require('node:path');

const root = path.dirname(__dirname);

function modified(file) {
  return statSync(path.join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

const sources = readdirSync(path.join(root, 'lib'), { recursive: true }).map((file) => path.join('lib', file));
const newest = Math.max(...[...sources, 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map(modified));
const built = path.join('dist', 'built');

if (modified(built) <= newest) {
  rmSync(path.join(root, 'dist'), { recursive: true, force: true });
  execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  writeFileSync(path.join(root, built), '');
}

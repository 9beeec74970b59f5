'use strict';

// The floors of the house, lowest first. A folder may import its own floor's listed friends and anything below.
const below = {
  core: [],
  oci: ['core'],
  pack: ['core', 'oci'],
  store: ['core', 'oci'],
  registry: ['core', 'oci'],
  plan: ['core', 'oci'],
  constructs: ['core', 'oci', 'plan'],
  stack: ['core', 'oci', 'pack', 'store', 'plan'],
  build: ['core', 'oci', 'pack', 'store', 'registry', 'plan', 'stack'],
  toolkit: ['core', 'oci', 'pack', 'store', 'registry', 'plan', 'stack', 'build'],
  cli: ['core', 'oci', 'plan', 'toolkit'],
};

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    ...Object.entries(below).map(([room, allowed]) => ({
      name: `${room}-imports-down-only`,
      severity: 'error',
      from: { path: `^lib/${room}/` },
      to: { path: '^lib/', pathNot: `^lib/(${[room, ...allowed].join('|')})/` },
    })),
    {
      name: 'only-the-face',
      comment: 'Other folders import a folder by its index.ts only.',
      severity: 'error',
      from: { path: '^lib/([^/]+)/' },
      to: { path: '^lib/[^/]+/', pathNot: ['^lib/[^/]+/index\\.ts$', '^lib/$1/'] },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
  },
};

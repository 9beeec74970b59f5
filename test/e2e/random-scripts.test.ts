import * as fs from 'node:fs';
import { addUser, removeUser, ROOT_USER } from './as-root';
import { Project } from './installed';
import { deviations, parseListing, type Listing } from './oracle/listing';
import { runsOf, seedOf } from './oracle/random';
import { endOf, Readers } from './oracle/readers';
import { scriptedApp, SCRIPTS_OF_AN_APP, type Scripted, type ScriptedApp } from './oracle/scripted-app';

const USER = 'cdk-stack-scripts';
const MINUTE = 60_000;
const EPOCH = 315_532_800; // 1980, the epoch of builds
const SEED = seedOf('random scripts');
const APPS = Math.ceil(runsOf(100) / SCRIPTS_OF_AN_APP);

/** What differs, with the scripts that made it. */
function compare({ project, layers }: ScriptedApp, started: number): string[] {
  const readers = new Readers(project);
  try {
    const images = new Map<string, Listing>();
    for (const name of new Set(layers.map(({ from }) => from))) images.set(name, readers.unpacked(name));
    return layers.flatMap((layer) => {
      const { name, from } = layer;
      const left = parseListing(fs.readFileSync(project.path('out', name), 'utf8'));
      expect(left.size).toBeGreaterThan(10);
      const times = { started, epoch: EPOCH, before: images.get(from) ?? new Map<string, never>() };
      const found = {
        umoci: images.get(name) ?? readers.unpacked(name),
        overlayfs: readers.mountedOver(name),
        'stack shell': readers.inShell(name),
      };
      return Object.entries(found).flatMap(([reader, listing]) =>
        deviations(left, listing, times).map((line) => `${name}, ${reader}: ${line}${scriptOf(layer, line)}`),
      );
    });
  } finally {
    readers.end();
  }
}

/** Top images of each base, converted from the other format by an app that only knows them as published. */
const CONVERTED = ['outside-3', 'grown-3', 'imported-2'];

function compareConverted({ project, layers }: ScriptedApp, started: number): string[] {
  const from = (name: string): string => `oci:${project.layout().directory}:${name}`;
  const converting = Project.create(`const { App, Layer } = require('cdk-stack');
const app = new App({ tar: { compression: 'gzip' } });
for (const [name, tar, squashfs] of ${JSON.stringify(CONVERTED.map((name) => [name, from(name), from(`${name}-squashfs`)]))}) {
  new Layer(app, 'tar-' + name, { from: squashfs, formats: ['tar'] });
  new Layer(app, name, { from: tar, formats: ['squashfs'] });
}
`);
  const [before, readers] = [new Readers(project), new Readers(converting)];
  try {
    expect(endOf(converting, [])).toBe('0');
    return CONVERTED.flatMap((name) => {
      const left = parseListing(fs.readFileSync(project.path('out', name), 'utf8'));
      const base = layers.find((layer) => layer.name === name)?.from ?? '';
      const times = { started, epoch: EPOCH, before: before.unpacked(base) };
      const found = { 'as tar': readers.unpacked(`tar-${name}`), 'as squashfs': readers.mountedOver(name) };
      return Object.entries(found).flatMap(([reader, listing]) =>
        deviations(left, listing, times).map((line) => `${name} converted, ${reader}: ${line}`),
      );
    });
  } finally {
    before.end();
    readers.end();
    converting.remove();
  }
}

function scriptOf({ scripts }: Scripted, line: string): string {
  const top = /^(\/t\d)(?=[/:])/.exec(line)?.[1] ?? '';
  return `\n${scripts.get(top) ?? ''}`;
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}

describe('layers of random scripts', () => {
  test(
    'are exactly what the scripts left, for umoci, for overlayfs and in a shell',
    () => {
      for (let at = 0; at < APPS; at += 1) {
        const seed = SEED + at;
        const app = scriptedApp(seed);
        try {
          const started = now();
          expect(endOf(app.project, [])).toBe('0');
          const differences = [...compare(app, started), ...compareConverted(app, started)];
          expect({ seed, differences }).toEqual({ seed, differences: [] });
          if (APPS > 1) process.stderr.write(`random scripts: STACK_SEED=${String(seed)} has no differences\n`);
        } finally {
          app.project.remove();
        }
      }
    },
    APPS * 3 * MINUTE,
  );

  test(
    'are the same for an ordinary user, and whatever runs the scripts',
    () => {
      const apps = [scriptedApp(SEED, false), scriptedApp(SEED, false)];
      const user = addUser(USER);
      try {
        const texts = apps.map(({ project }, at) => {
          if (at === 1) project.handOver(user);
          const sandbox = at === 1 ? 'oci-runtime' : 'unshare';
          expect(endOf(project, ['--sandbox', sandbox], at === 1 ? user : ROOT_USER)).toBe('0');
          return project.layout().indexText;
        });
        expect(texts[1]).toBe(texts[0]);
      } finally {
        removeUser(USER);
        for (const { project } of apps) project.remove();
      }
    },
    6 * MINUTE,
  );
});

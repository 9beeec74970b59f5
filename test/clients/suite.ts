import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { asRoot } from '../e2e/as-root';
import { COMPRESSIONS, type Client, type Compression, type RunningClient } from './client';
import { listTree, namesIn } from './listing';
import { ClientWorld, IMAGES, SAMPLE } from './world';

const MINUTES = 60_000;

/** The cells of all tables of the guide. */
function guideRows(): readonly (readonly string[])[] {
  const guide = fs.readFileSync(path.join(__dirname, '../../docs/guide.md'), 'utf8');
  const lines = guide.split('\n').filter((line) => line.startsWith('| '));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** Checks that clients read our images: every file of them, and every layer once. */
export function describeClients(clients: readonly Client[]): void {
  let world: ClientWorld;
  beforeAll(async () => {
    world = await ClientWorld.start();
  }, 10 * MINUTES);
  afterAll(() => world.end());

  describe.each(clients)('$name', (client) => {
    test('is the version that it is called', () => {
      const [program, ...args] = client.version;
      expect(execFileSync(program, args, { encoding: 'utf8' })).toContain(client.name.split(' ')[1]);
    });

    test('is in the table of the guide as it is', () => {
      const row = guideRows().find(([name]) => name === client.name);
      const isRead = COMPRESSIONS.map((compression) => client.reads.includes(compression));
      const says = [...isRead, client.keepsLayers !== false].map((each) => (each ? 'yes' : 'no'));
      expect(row).toEqual([client.name, ...says]);
    });

    // With state of its own for each: a client that has a layer does not read it again in another compression.
    describe.each(COMPRESSIONS)('with %s', (compression) => {
      let running: RunningClient;
      let directory: string;
      beforeAll(async () => {
        directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-client-'));
        running = await client.start(directory);
      }, MINUTES);
      afterAll(async () => {
        await running.end();
        asRoot('rm', '-rf', directory);
      }, MINUTES);

      if (client.reads.includes(compression)) describeReading(client, () => running, compression);
      else {
        test('refuses what it does not read', () => {
          expect(() => {
            running.pull(world.image(compression, 'added'));
          }).toThrow(/media ?type|gzip|tar header/);
        });
      }
    });
  });

  function describeReading(client: Client, running: () => RunningClient, compression: Compression): void {
    const compared = (lines: readonly string[]): readonly string[] =>
      lines.filter((line) => client.ignores?.test(line) !== true);
    const images = IMAGES.filter((name) => name !== 'index' || client.readsIndexes !== false);
    test.each(images)(
      'reads %s',
      (name) => {
        const image = world.image(compression, name);
        running().pull(image);
        const files = running().files?.(image);
        if (files !== undefined) expect(compared(listTree(files))).toEqual(compared(world.treeOf(name)));
      },
      5 * MINUTES,
    );

    if (client.runs === true) {
      test(
        'runs what it has read',
        () => {
          const image = world.image(compression, 'combined');
          running().pull(image);
          expect(running().run?.(image, ['/bin/cat', '/opt/added/file', '/torture/empty'])).toBe('added\nfile\n');
        },
        5 * MINUTES,
      );
    }

    test(
      'reads the sample, and no layer of its parts again for the stacked image',
      async () => {
        const [combined, ...parts] = SAMPLE.map((name) => world.image(compression, name, 'sample-'));
        for (const part of parts) running().pull(part);
        const before = (await world.registry.requests()).length;
        running().pull(combined!);
        const asked = (await world.registry.requests()).slice(before).filter(({ method }) => method === 'GET');
        const digests = asked.map((request) => request.path.split('/').at(-1) ?? '');
        const layers = combined!.layers();
        expect(layers).toEqual(parts.flatMap((part) => part.layers()));
        if (client.keepsLayers !== false) expect(digests.filter((digest) => layers.includes(digest))).toEqual([]);
        const files = running().files?.(combined!);
        if (files !== undefined) expect(namesIn(files)).toEqual(['kernel', 'ovmf']);
      },
      5 * MINUTES,
    );
  }
}

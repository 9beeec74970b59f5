import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectLayout, expectNothingLeft, expectStore, smallProject } from './care-world';
import type { Project } from './installed';

const KILLS = 50;
/** After so many kills a deploy is let come to its end, and everything is looked at. */
const KILLS_AT_A_TIME = 10;

/** Numbers from 0 to 1 that are the same every time (a linear congruential generator). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Takes something away, so that the next deploy has something to do. */
function undo(project: Project, chance: number): void {
  const remove = (place: string): void => {
    fs.rmSync(place, { recursive: true, force: true });
  };
  if (chance < 0.6) remove(path.join(project.store, 'v1/records/packs'));
  if (chance < 0.5) remove(path.join(project.store, 'v1/records'));
  if (chance < 0.4) remove(project.path('oci'));
  if (chance < 0.3) remove(path.join(project.store, 'v1/blobs'));
  if (chance < 0.2) remove(path.join(project.store, 'v1/trees'));
  if (chance < 0.1) remove(project.store);
}

describe('stack killed at any moment', () => {
  it(`leaves nothing behind that the next deploy minds, ${String(KILLS)} times`, async () => {
    const project = smallProject();
    const random = numbers(20_240_607);
    try {
      const started = Date.now();
      expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
      let duration = Date.now() - started;
      const golden = project.layout().indexText;
      const entries = fs.readdirSync(project.directory).sort();
      let killed = 0;
      for (let turn = 1; turn <= KILLS; turn += 1) {
        undo(project, random());
        const isCollection = random() < 0.2;
        const { child, ended } = project.start(isCollection ? ['gc', '--keep-storage', '0B'] : ['deploy']);
        await sleep(random() * duration * (isCollection ? 0.4 : 1));
        child.kill('SIGKILL');
        const { status, stderr } = await ended;
        expect({ status: String(status), stderr }).toMatchObject({
          status: expect.stringMatching(/^(0|SIGKILL)$/) as string,
        });
        if (status === 'SIGKILL') killed += 1;
        else duration *= 0.9; // it came to its end: aim earlier
        if (turn % KILLS_AT_A_TIME !== 0) continue;
        expect(project.stack(['deploy'])).toMatchObject({ status: 0 });
        expectLayout(project, golden);
        expectStore(project.store);
        await expectNothingLeft(project.home);
        expect(fs.readdirSync(project.directory).sort()).toEqual(entries);
      }
      expect(killed).toBeGreaterThan(KILLS / 2);
    } finally {
      project.remove();
    }
  }, 300_000);
});

import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { DockerRegistry } from './docker-registry';
import { Project } from './installed';
import { makeApp, type AppModel } from './oracle/histories/app';
import { Generator } from './oracle/histories/generator';
import { Random, seedsOf } from './oracle/histories/random';
import { readLayout, readTag } from './oracle/histories/reader';
import { HistoryWorld, type DeployOutcome } from './oracle/histories/world';

/** In CI; many more are run by hand with STACK_RUNS. */
const RUNS = 20;
const MINUTE = 60_000;

/** Codes of faults of our own, and of a store or layout that is not what it should be. */
const OURS = /^STACK(9|7|6004)/;

let registry: DockerRegistry;

beforeAll(async () => {
  registry = await DockerRegistry.start();
});

afterAll(async () => {
  await registry.stop();
});

/** One app that changes between deploys to the same targets with the same store. */
class History {
  private readonly world = new HistoryWorld();
  private readonly random: Random;
  private readonly generator: Generator;
  private readonly past: AppModel[] = [];
  private readonly store = this.world.path('store');
  private readonly layout = this.world.path('oci');
  public deploys = 0;
  public failures = 0;

  public constructor(private readonly seed: number) {
    this.random = new Random(seed);
    this.generator = new Generator(this.random, this.random.chance(0.5));
  }

  public async run(): Promise<void> {
    try {
      let model = this.generator.app();
      for (let left = 3 + this.random.below(3); left > 0; left -= 1) {
        if (await this.deploy(model)) this.past.push(model);
        const last = this.past.at(-1);
        const goesBack = this.past.length > 1 && this.random.chance(0.2);
        model = goesBack ? this.random.one(this.past) : this.generator.changed(last ?? this.generator.app());
      }
      const [first] = this.past;
      if (first === undefined) return;
      await this.inspect();
      if (this.seed % 4 === 0) await this.deployTwoAtOnce(this.past.at(-1) ?? first);
    } finally {
      this.world.remove();
    }
  }

  /** @returns whether there was no error */
  private async deploy(model: AppModel): Promise<boolean> {
    const { random, world, store } = this;
    world.write(model);
    if (random.chance(0.15)) await world.collect(store, random.one([0, 10_000, 100_000, 1_000_000]));
    const prefix = `h${String(this.seed)}`;
    const toRegistry = random.chance(0.3);
    const fresh = random.chance(0.15) ? random.some(model.images, 2).map(({ name }) => name) : [];
    const targets = [`oci:${this.layout}`, ...(toRegistry ? [`docker://${registry.host}/${prefix}`] : [])];
    const used = await world.deploy(model, { store, targets, fresh });
    const afresh = await world.deployAfresh(model);
    expectSame(used, afresh);
    this.deploys += 1;
    if (fs.existsSync(this.layout)) await readLayout(this.layout);
    if (used.errors.length > 0) {
      this.failures += 1;
      return false;
    }
    for (const [key, digest] of toRegistry ? Object.entries(used.digests) : []) {
      const [name = '', format = ''] = key.split(' ');
      const tag = format === 'tar' ? 'latest' : `latest-${format}`;
      await readTag(registry.host, `${prefix}/${name}`, tag, digest);
    }
    return true;
  }

  /** Another reader gets every blob of an image, and checks its digest. */
  private async inspect(): Promise<void> {
    const { manifests } = JSON.parse(fs.readFileSync(path.join(this.layout, 'index.json'), 'utf8')) as {
      manifests: readonly { readonly annotations: Readonly<Record<string, string>> }[];
    };
    const names = manifests.map(({ annotations }) => annotations['org.opencontainers.image.ref.name'] ?? '');
    const tar = names.filter((name) => !name.endsWith('-squashfs'));
    if (tar.length === 0) return;
    const to = this.world.path('copied');
    execFileSync('skopeo', ['copy', '--quiet', `oci:${this.layout}:${this.random.one(tar)}`, `dir:${to}`]);
    await Promise.resolve();
  }

  /** Two processes deploy variants of one project to targets of their own, with one store. */
  private async deployTwoAtOnce(model: AppModel): Promise<void> {
    const variants = [model, this.generator.changed(model, { keepFiles: true })];
    this.world.write(model);
    const expected = [];
    for (const variant of variants) expected.push(await this.world.deployAfresh(variant));
    const project = Project.create(
      `const model = JSON.parse(require('node:fs').readFileSync('model-' + process.env.VARIANT + '.json', 'utf8'));
       (${makeApp.toString()})(require('cdk-stack'), model, {});`,
    );
    try {
      fs.cpSync(this.world.directory, project.directory, { recursive: true });
      for (const [at, variant] of variants.entries()) {
        project.write({ [`model-${String(at)}.json`]: JSON.stringify(variant) });
      }
      const ended = await Promise.all(
        variants.map(async (_, at) => {
          const env = { VARIANT: String(at) };
          return project.start(['deploy', '--json', '--to', `oci:out${String(at)}`], { env }).ended;
        }),
      );
      for (const [at, { status, stdout, stderr }] of ended.entries()) {
        const afresh = expected[at] as DeployOutcome;
        if (afresh.errors.length > 0) {
          expect(status).not.toBe(0);
          continue;
        }
        expect({ status, stderr }).toMatchObject({ status: 0 });
        const { targets } = JSON.parse(stdout) as {
          targets: readonly {
            images: readonly { name: string; format: string; platform: string; index?: string; digest: string }[];
          }[];
        };
        const digests = (targets[0]?.images ?? []).map((each) => {
          return [`${each.name} ${each.format} ${each.platform}`, each.index ?? each.digest];
        });
        expect(Object.fromEntries(digests)).toEqual(afresh.digests);
        if (digests.length > 0) await readLayout(project.path(`out${String(at)}`));
      }
      expect(fs.readdirSync(project.directory).filter((name) => /\.(tmp|old|lock)$/.test(name))).toEqual([]);
    } finally {
      project.remove();
    }
  }
}

/**
 * A used store gives what a fresh one gives. Where images have errors of their own, which of them ends the deploy first is a matter
 * of timing: so codes are not compared, but none is a fault of ours.
 */
function expectSame(used: DeployOutcome, afresh: DeployOutcome): void {
  expect(used.digests).toEqual(afresh.digests);
  expect({ used, afresh, hasFailed: used.errors.length > 0 }).toMatchObject({ hasFailed: afresh.errors.length > 0 });
  for (const outcome of [used, afresh])
    expect({ outcome, ours: outcome.errors.filter(isOurs) }).toMatchObject({ ours: [] });
}

function isOurs(code: string): boolean {
  return OURS.test(code);
}

test(
  `a deploy with a used store publishes what a deploy with a fresh one does, whatever the app was before`,
  async () => {
    const seeds = seedsOf(RUNS);
    let [deploys, failures] = [0, 0];
    for (const seed of seeds) {
      const history = new History(seed);
      try {
        await history.run();
      } catch (error) {
        throw new Error(`STACK_SEED=${String(seed)} STACK_RUNS=1: ${(error as Error).message}`, { cause: error });
      }
      deploys += history.deploys;
      failures += history.failures;
    }
    process.stderr.write(
      `histories: seeds ${String(seeds[0])} to ${String(seeds.at(-1))}, ${String(deploys)} deploys, ${String(failures)} of them errors on both sides\n`,
    );
    expect(failures).toBeLessThan(deploys / 2);
  },
  Number(process.env['STACK_RUNS'] ?? '0') * MINUTE + 10 * MINUTE,
);

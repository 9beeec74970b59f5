import { reopened, Semaphore } from '../core';
import { isDigest } from '../oci';
import { treeDigest, type Tree } from '../pack';
import type { DebianPlan, LockedPackage } from '../plan';
import type { BuildContext } from './context';
import { controlStanza, debDigest, openDataTar, packageTree, type PackageContent } from './debian';
import type { Delta } from './delta';
import { explainMiss, keyOf, rememberInputs, type Input } from './inputs';
import { findSnapshot, takeSnapshot, type Snapshot } from './snapshots';

const DELTAS = 'deltas';
/** Another number forgets which packages gave which trees: the rules of merging packages have changed. */
const PACKAGE_RULES = 2;

/**
 * The delta of an image made of Debian packages: their files, unpacked without running a maintainer script,
 * and a control stanza each below /var/lib/dpkg/status.d.
 * @throws StackError as `DebianSource.provide`, STACK3014 when packages contradict each other, STACK4001 for a broken .deb
 */
export async function debianDelta(context: BuildContext, image: string, plan: DebianPlan): Promise<Delta> {
  const packages = await context.debian.provide(image, plan);
  const createdBy = `debian packages ${packages.map(({ name, version }) => `${name}=${version}`).join(' ')}`;
  const inputs: readonly Input[] = [
    ...packages.map((locked) => ({ name: `package ${locked.name}`, value: locked })),
    { name: 'what is left out', value: plan.exclude },
    { name: 'the epoch', value: context.epoch },
    { name: 'the version of cdk-stack', value: PACKAGE_RULES },
  ];
  const key = keyOf(inputs);
  const open = reopened(() => unpack(context, plan, packages));
  const known = context.isFresh(image) ? undefined : await context.store.readRecord(DELTAS, key);
  if (isDigest(known)) {
    await rememberInputs(context, image, inputs);
    return { contentKey: known, createdBy, tree: open };
  }
  await explainMiss(context, image, inputs);
  const tree = await open();
  const contentKey = treeDigest(tree);
  await context.store.writeRecord(DELTAS, key, contentKey);
  await rememberInputs(context, image, inputs);
  return { contentKey, createdBy, tree: open, atHand: tree };
}

/** Packages unpacked at a time: each keeps dpkg-deb busy on one core, and us on another. */
const UNPACKED_AT_A_TIME = 4;

async function unpack(context: BuildContext, plan: DebianPlan, packages: readonly LockedPackage[]): Promise<Tree> {
  const room = new Semaphore(UNPACKED_AT_A_TIME);
  const contents = await Promise.all(packages.map((each) => room.run(() => contentOf(context, each))));
  return packageTree(contents, { exclude: plan.exclude, epoch: context.epoch });
}

async function contentOf(context: BuildContext, locked: LockedPackage): Promise<PackageContent> {
  const { store, signal } = context;
  const digest = debDigest(locked);
  const file = store.blobPath(digest);
  const name = `the package ${locked.name} ${locked.version}`;
  await store.verifyBlob(digest);
  const make = (): Promise<Snapshot> => {
    const tar = openDataTar(file, name, signal) as AsyncIterable<Buffer>;
    return takeSnapshot(store, () => digest, tar, { name, layer: false });
  };
  const snapshot = await store.findOrMake(
    `unpack ${digest}`,
    { find: () => findSnapshot(store, digest), make },
    signal,
  );
  const control = await controlStanza(file, name, signal);
  return { name: locked.name, entries: await snapshot.tree(), control };
}

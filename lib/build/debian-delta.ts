import { canonicalJson } from '../core';
import { digestOf, isDigest } from '../oci';
import { treeDigest, type Tree } from '../pack';
import type { DebianPlan, LockedPackage } from '../plan';
import type { BuildContext } from './context';
import { controlStanza, debDigest, openDataTar, packageTree } from './debian';
import type { Delta } from './delta';
import { findSnapshot, takeSnapshot } from './snapshots';

const DELTAS = 'deltas';
/** Another number forgets which packages gave which trees: the rules of merging packages have changed. */
const PACKAGE_RULES = 1;

/**
 * The delta of an image made of Debian packages: their files, unpacked without running a maintainer script,
 * and a control stanza each below /var/lib/dpkg/status.d.
 * @throws StackError as `DebianSource.provide`, STACK3014 when packages contradict each other, STACK4001 for a broken .deb
 */
export async function debianDelta(context: BuildContext, image: string, plan: DebianPlan): Promise<Delta> {
  const packages = await context.debian.provide(image, plan);
  const createdBy = `debian packages ${packages.map(({ name, version }) => `${name}=${version}`).join(' ')}`;
  const key = digestOf(canonicalJson({ rules: PACKAGE_RULES, epoch: context.epoch, exclude: plan.exclude, packages }));
  const make = (): Promise<Tree> => unpack(context, plan, packages);
  const known = await context.store.readRecord(DELTAS, key);
  if (isDigest(known)) return { contentKey: known, createdBy, tree: make };
  const tree = await make();
  const contentKey = treeDigest(tree);
  await context.store.writeRecord(DELTAS, key, contentKey);
  return { contentKey, createdBy, tree: () => Promise.resolve(tree) };
}

async function unpack(context: BuildContext, plan: DebianPlan, packages: readonly LockedPackage[]): Promise<Tree> {
  const contents = [];
  for (const each of packages) {
    const file = context.store.blobPath(debDigest(each));
    const name = `the package ${each.name} ${each.version}`;
    const snapshot =
      (await findSnapshot(context.store, debDigest(each))) ??
      (await takeSnapshot(
        context.store,
        () => debDigest(each),
        openDataTar(file, name, context.signal) as AsyncIterable<Buffer>,
        { name, layer: false },
      ));
    contents.push({
      name: each.name,
      entries: await snapshot.tree(),
      control: await controlStanza(file, name, context.signal),
    });
  }
  return packageTree(contents, { exclude: plan.exclude, epoch: context.epoch });
}

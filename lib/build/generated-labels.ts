import { constants, promises as fs } from 'node:fs';
import * as path from 'node:path';
import { errnoOf, messageOf, StackError } from '../core';
import type { RuntimeConfig } from '../oci';
import type { LayerPlan } from '../plan';
import type { BuildContext } from './context';
import type { KnownDelta } from './delta';
import { baseInput, keyOf, type Input } from './inputs';
import type { ImageFiles } from './layer-imports';
import { inRunDirectory, performScript } from './script';
import { scriptEnvironment } from './script-environment';
import { scriptInputs } from './script-inputs';
import { scriptImports } from './script-mounts';

type Labels = Readonly<Record<string, string>>;

const RECORD = 'labels';
/** Where a script leaves them. */
const LABELS = '/stack/oci-labels';
/** Bytes of one label; a config is read whole. */
const MAX_LABEL = 64 * 1024;
const MAX_LABELS = 1000;

/**
 * The labels that a layer's `generateLabels` makes of the finished layer: it runs on a copy that is thrown away, and only when
 * something it depends on has changed by content.
 * @param deltas of the finished layer
 * @throws StackError as `performScript`; STACK4020 for a file that is no label
 */
export async function generatedLabels(
  context: BuildContext,
  image: string,
  plan: LayerPlan,
  config: RuntimeConfig,
  deltas: readonly KnownDelta[],
  files: ImageFiles,
): Promise<Labels> {
  const { generateLabels: script } = plan;
  if (script === undefined) return {};
  const { store, epoch } = context;
  const env = scriptEnvironment(context, plan, config);
  const inputs: readonly Input[] = [
    baseInput(deltas),
    ...(await scriptImports(context, image, plan.imports, files).knownInputs()),
    ...(await scriptInputs(context, image, plan, script, env, files)),
    { name: 'the epoch', value: epoch },
  ];
  const key = keyOf(inputs);
  const find = async (): Promise<Labels | undefined> => {
    const known = context.isFresh(image) ? undefined : await store.readRecord(RECORD, key);
    return isLabels(known) ? known : undefined;
  };
  const make = async (): Promise<Labels> => {
    const labels = await inRunDirectory(context, async (directory) => {
      const source = path.join(directory, 'labels');
      await fs.mkdir(source);
      const mounts = [{ source, target: LABELS, readonly: false }];
      await performScript(context, { image, plan, script, env, base: deltas, files, directory, mounts });
      return readLabels(source);
    });
    await store.writeRecord(RECORD, key, labels);
    return labels;
  };
  return store.findOrMake(`labels ${key}`, { find, make }, context.signal);
}

function isLabels(value: unknown): value is Labels {
  return typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string');
}

async function readLabels(directory: string): Promise<Labels> {
  const names = (await fs.readdir(directory)).sort();
  if (names.length > MAX_LABELS) throw noLabel(LABELS, `holds more than ${String(MAX_LABELS)} files`);
  const labels: Record<string, string> = {};
  for (const name of names) labels[name] = await readLabel(path.join(directory, name), `${LABELS}/${name}`);
  return labels;
}

/** The script may have left anything: what is not a small file is not followed, waited for or read. */
async function readLabel(file: string, name: string): Promise<string> {
  let handle: fs.FileHandle | undefined;
  try {
    handle = await fs.open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await handle.stat();
    if (!stat.isFile()) throw noLabel(name, 'is not a file');
    if (stat.size > MAX_LABEL) throw noLabel(name, `has more than ${String(MAX_LABEL)} bytes`);
    const content = await handle.readFile();
    const text = content.toString();
    if (!Buffer.from(text).equals(content)) throw noLabel(name, 'is not UTF-8 text');
    return text.replace(/\n$/, '');
  } catch (error) {
    throw errnoOf(error) === undefined ? error : noLabel(name, `cannot be read: ${messageOf(error)}`);
  } finally {
    await handle?.close();
  }
}

function noLabel(name: string, why: string): StackError {
  return new StackError('STACK4020', `generateLabels made no label: ${name} ${why}`);
}

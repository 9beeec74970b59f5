import { promises as fs } from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import * as v from 'valibot';
import { messageOf, StackError } from '../core';
import { digestOf } from '../oci';
import type { MergerPlan } from '../plan';
import type { MergeOutcome, MergeRequest } from '../stack';
import type { BuildContext } from './context';
import type { KeyedMerger } from './keyed-merger';

type Merge = (request: MergeRequest) => MergeOutcome | Promise<MergeOutcome>;

/** A path as mergers give it; what a layer tar has another meaning for is not one. */
const pathSchema = v.pipe(
  v.string(),
  v.check((text) => text !== '' && !text.includes('\0') && !/(^|\/)(\.{0,2}|\.wh\.[^/]*)(\/|$)/.test(text)),
);
const strings = v.array(v.string());

/** Types do not bind a module of the user's. */
const outcomeSchema = v.object({
  files: v.map(
    pathSchema,
    v.variant('type', [
      v.object({ type: v.literal('file'), content: v.instance(Uint8Array) }),
      v.object({
        type: v.literal('symlink'),
        target: v.pipe(
          v.string(),
          v.check((text) => text !== '' && !text.includes('\0')),
        ),
      }),
      v.object({ type: v.literal('removed') }),
    ]),
  ),
  problems: v.array(
    v.object({
      code: v.picklist([
        'PKG_VERSION_CONFLICT',
        'DEP_BROKEN',
        'PKG_STATE',
        'ID_COLLISION',
        'MERGE_CONFLICT',
        'NOT_MERGEABLE',
      ]),
      path: pathSchema,
      message: v.string(),
      components: strings,
      files: v.optional(strings),
      fix: v.string(),
    }),
  ),
});

/**
 * A merger of the app's own: its module is read for the key, and loaded only when there is something to merge. It runs in this
 * process, as the app did.
 * @throws StackError STACK5029 when the module cannot be read
 */
export async function openMergerModule({ directory }: BuildContext, plan: MergerPlan): Promise<KeyedMerger> {
  const { module, paths } = plan;
  const file = path.resolve(directory, module);
  const content = await fs.readFile(file).catch((error: unknown) => {
    throw unusable(module, `cannot be read: ${messageOf(error)}`, error);
  });
  return {
    name: module,
    version: 1,
    paths,
    key: { module, paths, content: digestOf(content) },
    merge: (request) => merge(module, load(module, file), request),
  };
}

function load(module: string, file: string): Merge {
  const require = createRequire(file);
  let exported: unknown;
  try {
    Reflect.deleteProperty(require.cache, file); // what a process loaded before may have been another content
    exported = require(file);
  } catch (error) {
    throw unusable(module, `cannot be loaded: ${messageOf(error)}`, error);
  }
  const { merge: named, default: byDefault } = Object(exported) as {
    readonly merge?: unknown;
    readonly default?: unknown;
  };
  const found = [named, byDefault, (Object(byDefault) as { merge?: unknown }).merge, exported].find(
    (each) => typeof each === 'function',
  );
  if (found === undefined) throw unusable(module, "exports no function 'merge', nor one by default");
  return found as Merge;
}

async function merge(module: string, by: Merge, request: MergeRequest): Promise<MergeOutcome> {
  let outcome: unknown;
  try {
    outcome = await by(request);
  } catch (error) {
    if (StackError.is(error)) throw error;
    throw unusable(module, `failed: ${messageOf(error)}`, error);
  }
  const { success, output, issues } = v.safeParse(outcomeSchema, outcome, { lang: 'en' });
  if (success) return output as MergeOutcome;
  const [issue] = issues ?? [];
  const place = issue === undefined ? '' : (v.getDotPath(issue) ?? '');
  throw unusable(module, `gave an outcome that cannot be used: ${place} ${issue?.message ?? ''}`);
}

function unusable(module: string, why: string, cause?: unknown): StackError {
  const hint = 'see docs/stacking.md for what a merger is given and what it gives';
  return new StackError('STACK5029', `the merger '${module}' ${why}`, { hint, cause });
}

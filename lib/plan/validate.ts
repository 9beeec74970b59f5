import * as v from 'valibot';
import { messageOf, StackError } from '../core';
import { invalid, unusable } from './faults';
import { manifestSchema, planSchema, treeSchema, type AssemblyManifest, type Plan, type TreeFile } from './schema';
import { PLAN_SCHEMA_VERSION } from './version';

/** The manifest in the text of a `manifest.json`. @throws STACK1007 */
export function parseManifest(file: string, text: string): AssemblyManifest {
  return parse(file, text, manifestSchema);
}

/** The plan in the text of a `plan.json`. @throws STACK1007 */
export function parsePlan(file: string, text: string): Plan {
  return parse(file, text, planSchema);
}

/** The construct tree in the text of a `tree.json`. @throws STACK1007 */
export function parseTree(file: string, text: string): TreeFile {
  return parse(file, text, treeSchema);
}

function parse<T>(file: string, text: string, schema: v.GenericSchema<unknown, T>): T {
  const value = parseJson(file, text);
  refuseOtherVersion(file, value);
  const result = check(file, value, schema);
  if (result.success) return result.output;
  throw invalid(
    file,
    result.issues.map((issue) => {
      const place = v.getDotPath(issue);
      return place === null ? issue.message : `${place}: ${issue.message}`;
    }),
  );
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unusable(`'${file}' is not JSON: ${messageOf(error)}`, error);
  }
}

/** Told apart from other faults, since the cure is another version of cdk-stack and not another plan. */
function refuseOtherVersion(file: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || !('schemaVersion' in value)) return;
  if (value.schemaVersion === PLAN_SCHEMA_VERSION) return;
  throw new StackError(
    'STACK1007',
    `'${file}' has schema version ${JSON.stringify(value.schemaVersion)}; this cdk-stack reads version ${String(PLAN_SCHEMA_VERSION)}`,
    { hint: "run 'stack synth' with this version of cdk-stack, or deploy with the version that wrote it" },
  );
}

function check<T>(file: string, value: unknown, schema: v.GenericSchema<unknown, T>): v.SafeParseResult<typeof schema> {
  try {
    return v.safeParse(schema, value, { lang: 'en' }); // the setting of the process may be the user's
  } catch (error) {
    if (error instanceof RangeError) throw unusable(`'${file}' is nested too deeply`, error);
    throw error;
  }
}

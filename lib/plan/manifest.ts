import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { dependenciesOf } from './graph';
import type { AssemblyManifest, Plan } from './schema';
import { ASSEMBLY_FILES, PLAN_SCHEMA_VERSION } from './version';

/** Name under which an output directory says who wrote it. */
export const FRAMEWORK = 'cdk-stack';

/**
 * The manifest of an output directory. Images are listed by construct path; the other files by `/NAME`, which no construct path can be.
 */
export function manifestOf(images: Plan['images']): AssemblyManifest {
  return {
    schemaVersion: PLAN_SCHEMA_VERSION,
    framework: { name: FRAMEWORK, version: packageVersion() },
    artifacts: Object.fromEntries([
      [`/${ASSEMBLY_FILES.plan}`, { type: 'stack:plan', file: ASSEMBLY_FILES.plan }],
      [`/${ASSEMBLY_FILES.tree}`, { type: 'stack:tree', file: ASSEMBLY_FILES.tree }],
      ...Object.entries(images).map(([key, image]) => {
        const dependencies = dependenciesOf(image);
        return [key, { type: 'oci:image', ...(dependencies.length === 0 ? {} : { dependencies }) }];
      }),
    ]) as AssemblyManifest['artifacts'],
  };
}

function packageVersion(): string {
  const file = path.join(__dirname, '../../package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

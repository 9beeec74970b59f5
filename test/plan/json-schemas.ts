import * as path from 'node:path';
import * as z from 'zod/mini';
import * as schemas from '../../lib/plan/schema';

/** Where the published JSON Schemas lie. */
export const SCHEMA_DIRECTORY = path.resolve(__dirname, '../../schema');

/** Names of the parts, so that a reader of a schema finds what the field's documentation calls them. */
const PARTS = z.registry<{ id: string }>();
PARTS.add(schemas.layerFormatSchema, { id: 'LayerFormat' });
PARTS.add(schemas.fileRefSchema, { id: 'FileRef' });
PARTS.add(schemas.sourceSchema, { id: 'Source' });
PARTS.add(schemas.importSchema, { id: 'Import' });
PARTS.add(schemas.configSchema, { id: 'Config' });
PARTS.add(schemas.tarOptionsSchema, { id: 'TarOptions' });
PARTS.add(schemas.squashfsOptionsSchema, { id: 'SquashfsOptions' });
PARTS.add(schemas.imageSchema, { id: 'Image' });
PARTS.add(schemas.layerSchema, { id: 'Layer' });
PARTS.add(schemas.debianSchema, { id: 'DebianPackages' });
PARTS.add(schemas.stackedSchema, { id: 'StackedImage' });
PARTS.add(schemas.artifactSchema, { id: 'Artifact' });
PARTS.add(schemas.treeNodeSchema, { id: 'TreeNode' });

/** The published JSON Schemas by file name, made from what the loader validates with. */
export function jsonSchemas(): Record<string, string> {
  return {
    'manifest.schema.json': jsonSchema(
      schemas.manifestSchema,
      'manifest.json of cdk-stack',
      'What is in a synthesized output directory.',
    ),
    'plan.schema.json': jsonSchema(
      schemas.planSchema,
      'plan.json of cdk-stack',
      'The full recipe of every image of an app, by construct path.',
    ),
    'tree.schema.json': jsonSchema(schemas.treeSchema, 'tree.json of cdk-stack', 'The construct tree of an app.'),
  };
}

function jsonSchema(schema: z.ZodMiniType, title: string, description: string): string {
  // The input form, since readers tolerate members they do not know.
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', metadata: PARTS });
  return `${JSON.stringify({ $schema, title, description, ...rest }, null, 2)}\n`;
}

import * as path from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import * as schemas from '../../lib/plan/schema';

/** Where the published JSON Schemas lie. */
export const SCHEMA_DIRECTORY = path.resolve(__dirname, '../../schema');

/** The parts under names, so that a reader of a schema finds what the field's documentation calls them. */
const PARTS = {
  LayerFormat: schemas.layerFormatSchema,
  FileRef: schemas.fileRefSchema,
  Source: schemas.sourceSchema,
  Import: schemas.importSchema,
  Config: schemas.configSchema,
  TarOptions: schemas.tarOptionsSchema,
  SquashfsOptions: schemas.squashfsOptionsSchema,
  Image: schemas.imageSchema,
  Layer: schemas.layerSchema,
  DebianPackages: schemas.debianSchema,
  StackedImage: schemas.stackedSchema,
  Artifact: schemas.artifactSchema,
  TreeNode: schemas.treeNodeSchema,
};

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

function jsonSchema(schema: GenericSchema, title: string, description: string): string {
  const { $schema, ...rest } = toJsonSchema(schema, { definitions: PARTS, target: 'draft-2020-12' });
  return `${JSON.stringify({ $schema, title, description, ...rest }, null, 2)}\n`;
}

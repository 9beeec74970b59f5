/** Version of the plan and of the files around it. It moves when a reader of the older one would misunderstand the newer. */
export const PLAN_SCHEMA_VERSION = 1;

/** The files of a synthesized output directory. */
export const ASSEMBLY_FILES = { manifest: 'manifest.json', plan: 'plan.json', tree: 'tree.json' } as const;

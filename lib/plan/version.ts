/** Version of the plan and of the files around it. It moves when a reader of the older one would misunderstand the newer. */
export const PLAN_SCHEMA_VERSION = 1;

/** The files of a synthesized output directory. */
export const ASSEMBLY_FILES = { manifest: 'manifest.json', plan: 'plan.json', tree: 'tree.json' } as const;

/** Version of the lock file; moves when older versions of cdk-stack could not make sense of it. */
export const LOCK_FILE_VERSION = 1;

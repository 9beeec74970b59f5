import {
  isScriptImport,
  LIMITS,
  pathOfCache,
  type BindPlan,
  type CachePlan,
  type ImportPlan,
  type LayerPlan,
  type SecretPlan,
} from '../../plan';
import type { Bind, Cache, LayerProps, Secret } from '../layer-props';
import {
  anyText,
  flag,
  integer,
  isObject,
  listOf,
  mapOf,
  membersOf,
  nonEmptyText,
  objectOf,
  oneOf,
  show,
  text,
  wrong,
  type Check,
} from './checks';
import { lookAt } from './look-at';
import type { Reporter } from './problems';
import type { Rendering } from './rendering';

/** What of a layer's recipe is about its scripts. */
export type ScriptRecipe = Pick<
  LayerPlan,
  | 'run'
  | 'buildEnv'
  | 'buildEnvPassthrough'
  | 'network'
  | 'binds'
  | 'caches'
  | 'secrets'
  | 'exclude'
  | 'clean'
  | 'idLane'
  | 'generateLabels'
>;

const BIND_MEMBERS = ['source', 'dest', 'readonly', 'cacheKey'] as const satisfies readonly (keyof Bind)[];
const CACHE_MEMBERS = ['path', 'id', 'sharing'] as const satisfies readonly (keyof Cache)[];
const SECRET_MEMBERS = ['id', 'file', 'env', 'dest'] as const satisfies readonly (keyof Secret)[];
const SECRETS = '/run/secrets';
/** What a sandbox has of its own. */
const RESERVED = /^\/(dev|proc|sys|run|stack)?$|^\/(dev|proc|sys)\//;

const script: Check<string> = (report, what, value) => {
  const list = Array.isArray(value) ? listOf(anyText)(report, what, value) : undefined;
  if (list !== undefined && list.length < (value as unknown[]).length) return undefined; // reported
  const lines = list === undefined ? value : list.join('\n');
  return text('a script, or a list of its lines', (each) => each.trim() !== '')(report, what, lines);
};

const variableName = text('the name of a variable, without "="', (name) => name !== '' && !name.includes('='));
const env = mapOf('a variable name without "="', (key) => key !== '' && !key.includes('='));
const pattern = text('a regular expression', isPattern);
const lane = integer(LIMITS.idLane, 'or false, for the ids of the base');
const idLane: Check<number | false> = (report, what, value) => (value === false ? value : lane(report, what, value));
const secretId = text('a name of letters, digits, "_", "." and "-"', (id) => /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(id));

/** A path where a script sees something that is not part of its layer. */
const sandboxPath = text(
  'an absolute path without "." and "..", and not one of the sandbox\'s own such as /dev and /proc',
  isSandboxPath,
);

/** The part of a layer's recipe that is about its scripts. @param imports of the layer */
export function renderScript(rendering: Rendering, props: LayerProps, imports: readonly ImportPlan[]): ScriptRecipe {
  const { report } = rendering;
  const read = membersOf<keyof LayerProps>(report, '', props);
  const recipe = {
    run: read('run', script),
    buildEnv: read('buildEnv', env),
    buildEnvPassthrough: read('buildEnvPassthrough', listOf(pattern)),
    network: read('network', oneOf('host', 'none')),
    binds: read(
      'binds',
      listOf((_, what, value) => renderBind(rendering, what, value)),
    ),
    caches: read('caches', listOf(renderCache)),
    secrets: read(
      'secrets',
      listOf((_, what, value) => renderSecret(report, what, value)),
    ),
    exclude: read('exclude', listOf(nonEmptyText)),
    clean: read('clean', flag),
    idLane: read('idLane', idLane),
    generateLabels: read('generateLabels', script),
  };
  checkPlaces(report, recipe, imports);
  if (recipe.run === undefined) checkUse(report, recipe, imports);
  return recipe;
}

function isPattern(value: string): boolean {
  try {
    return new RegExp(`^(?:${value})$`).source !== '';
  } catch {
    return false; // not one: it is reported
  }
}

function isSandboxPath(path: string): boolean {
  const isNormal = /^(\/[^/\u0000-\u001f\u007f]+)+$/.test(path) && !/\/\.\.?(\/|$)/.test(path);
  return isNormal && !RESERVED.test(path);
}

function renderBind(rendering: Rendering, what: string, value: unknown): BindPlan | undefined {
  const { report } = rendering;
  const given = typeof value === 'string' ? parseBind(value) : value;
  if (!isObject(given))
    return wrong(report, what, value, "a path, 'PATH -> DEST', or an object such as { source: '/a' }");
  const members: Partial<Bind> = objectOf(...BIND_MEMBERS)(report, what, given) ?? {};
  const read = membersOf<keyof Bind>(report, `${what}.`, members);
  const source = nonEmptyText(report, `${what}.source`, members.source);
  if (source === undefined || lookAt(rendering, `${what}.source`, source) === undefined) return undefined;
  const dest = sandboxPath(report, `${what}.dest`, members.dest ?? source.replace(/(?<=.)\/+$/, ''));
  if (dest === undefined) return undefined;
  return { source, dest, readonly: read('readonly', flag) ?? true, cacheKey: read('cacheKey', anyText) };
}

const renderCache: Check<CachePlan> = (report, what, value) => {
  if (typeof value === 'string') return sandboxPath(report, what, value);
  if (!isObject(value)) return wrong(report, what, value, "a path, or an object such as { path: '/a', id: 'a' }");
  const given: Partial<Cache> = objectOf(...CACHE_MEMBERS)(report, what, value) ?? {};
  const read = membersOf<keyof Cache>(report, `${what}.`, given);
  const path = sandboxPath(report, `${what}.path`, given.path);
  const [id, sharing] = [read('id', nonEmptyText), read('sharing', oneOf('shared', 'private', 'locked'))];
  return path === undefined ? undefined : { path, id, sharing };
};

function parseBind(value: string): Bind {
  const [source = '', dest] = value.split(' -> ');
  return { source: source.trim(), dest: dest?.trim() };
}

function renderSecret(report: Reporter, what: string, value: unknown): SecretPlan | undefined {
  if (!isObject(value)) return wrong(report, what, value, "an object such as { id: 'token', env: 'TOKEN' }");
  const given: Partial<Secret> = objectOf(...SECRET_MEMBERS)(report, what, value) ?? {};
  const read = membersOf<keyof Secret>(report, `${what}.`, given);
  const id = secretId(report, `${what}.id`, given.id);
  const file = read('file', nonEmptyText);
  const name = read('env', variableName);
  if ((given.file === undefined) === (given.env === undefined)) {
    report('STACK2006', `${what} needs either file or env, to say where the secret is`);
  }
  const dest = read('dest', secretDest) ?? `${SECRETS}/${id ?? ''}`;
  if (id === undefined) return undefined;
  if (file !== undefined) return { id, source: { type: 'file', path: file }, dest };
  return name === undefined ? undefined : { id, source: { type: 'env', name }, dest };
}

const secretDest = text(
  'an absolute path, or the name of a variable',
  (dest) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(dest) || isSandboxPath(dest),
);

/** Nothing may hide another thing from the script. */
function checkPlaces(report: Reporter, recipe: ScriptRecipe, imports: readonly ImportPlan[]): void {
  const { binds = [], caches = [], secrets = [] } = recipe;
  const seen = new Set<string>();
  const places = [...imports.filter(isScriptImport), ...binds, ...secrets]
    .map(({ dest }) => dest)
    .concat(caches.map(pathOfCache));
  for (const dest of places.filter((each) => !each.endsWith('/'))) {
    if (seen.has(dest))
      report('STACK2006', `${show(dest)} would be two things for the script`, 'give one of them another dest');
    seen.add(dest);
  }
}

/** What only a script can use is a mistake where there is none. */
function checkUse(report: Reporter, recipe: ScriptRecipe, imports: readonly ImportPlan[]): void {
  const forRun = ['exclude', 'clean', 'idLane'] as const;
  const forAny = ['buildEnv', 'buildEnvPassthrough', 'network', 'binds', 'caches', 'secrets'] as const;
  const useless = [...forRun, ...(recipe.generateLabels === undefined ? forAny : [])];
  for (const name of useless.filter((each) => recipe[each] !== undefined)) {
    report('STACK2006', `${name} is for the script of a layer, and this one has none`, 'add run, or remove it');
  }
  if (recipe.generateLabels !== undefined) return;
  for (const [index, { dest }] of imports.entries()) {
    if (!isScriptImport({ dest })) continue;
    const hint = "give it a dest, such as '/', to make it part of the layer";
    report('STACK2008', `imports[${String(index)}] is for the script of the layer, and this one has none`, hint);
  }
}

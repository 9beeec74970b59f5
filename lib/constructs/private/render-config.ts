import type { ConfigPlan } from '../../plan';
import type { Healthcheck, ImageConfig } from '../image-config';
import {
  anyText,
  integer,
  listOf,
  mapOf,
  membersOf,
  nonEmptyText,
  objectOf,
  show,
  text,
  wrong,
  type Check,
} from './checks';
import type { Reporter } from './problems';
import { splitWords } from './words';

const CONFIG_MEMBERS = [
  'env',
  'entrypoint',
  'cmd',
  'fullCommand',
  'user',
  'workingDir',
  'labels',
  'volumes',
  'exposedPorts',
  'stopSignal',
  'healthcheck',
] as const satisfies readonly (keyof ImageConfig)[];

const HEALTHCHECK_MEMBERS = [
  'test',
  'interval',
  'timeout',
  'startPeriod',
  'retries',
] as const satisfies readonly (keyof Healthcheck)[];

const MAX_PORT = 65_535;
const NANOSECONDS = 1_000_000_000;
const DAY = 86_400;

const absolutePath = text('an absolute path', (value) => value.startsWith('/'));
/** image-spec config.md takes names as signal(7) has them, and numbers. */
const signal = text('a signal such as "SIGTERM"', (value) =>
  /^(SIG[A-Z]+[0-9]*([+-][0-9]+)?|[1-9][0-9]?)$/.test(value),
);
const environment = mapOf('a name without "=" that is not empty', (key) => key !== '' && !/[=\0]/.test(key));
const labels = mapOf('a name that is not empty', (key) => key !== '');

const command: Check<string[]> = (report, what, value) => {
  if (Array.isArray(value)) return listOf(anyText)(report, what, value);
  if (typeof value !== 'string' || value.includes('\0'))
    return wrong(report, what, value, 'a string or an array of strings');
  const split = splitWords(value);
  if ('words' in split) return [...split.words];
  report(
    'STACK2006',
    `${what} ${show(value)} cannot be split into words: ${split.fault}`,
    "write an array of words; to run it by a shell, write ['/bin/sh', '-c', '…']",
  );
  return undefined;
};

/** Ports are written with their protocol, since `80` and `80/tcp` are the same one (image-spec, config.md). */
const port: Check<string> = (report, what, value) => {
  const written = typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  const match = /^([0-9]{1,5})(?:\/(tcp|udp|sctp))?$/.exec(written);
  const number = Number(match?.[1]);
  if (match !== null && number >= 1 && number <= MAX_PORT) return `${String(number)}/${match[2] ?? 'tcp'}`;
  return wrong(report, what, value, `a port from 1 to ${String(MAX_PORT)}, such as 80, "80/tcp" or "53/udp"`);
};

const seconds: Check<number> = (report, what, value) => {
  if (typeof value === 'number' && value >= 0 && value <= DAY) return Math.round(value * NANOSECONDS);
  return wrong(report, what, value, `seconds, from 0 to ${String(DAY)}`);
};

const healthTest: Check<string[]> = (report, what, value) => {
  if (typeof value === 'string' && value !== '') return ['CMD-SHELL', value];
  const list = Array.isArray(value) ? (value as unknown[]) : [];
  const isComplete =
    (list[0] === 'NONE' && list.length === 1) ||
    (list[0] === 'CMD' && list.length > 1) ||
    (list[0] === 'CMD-SHELL' && list.length === 2);
  if (isComplete) return listOf(anyText)(report, what, value);
  return wrong(report, what, value, "a command line, ['CMD', 'program', …], ['CMD-SHELL', 'command line'] or ['NONE']");
};

const healthcheck: Check<NonNullable<ConfigPlan['healthcheck']>> = (report, what, value) => {
  const given = objectOf(...HEALTHCHECK_MEMBERS)(report, what, value);
  if (given === undefined) return undefined;
  const read = membersOf<keyof Healthcheck>(report, `${what}.`, given);
  const test = healthTest(report, `${what}.test`, (given as Partial<Healthcheck>).test);
  return {
    test: test ?? [],
    interval: read('interval', seconds),
    timeout: read('timeout', seconds),
    startPeriod: read('startPeriod', seconds),
    retries: read('retries', integer({ min: 1, max: 1000 })),
  };
};

/** The plan of an image's `config`. */
export const config: Check<ConfigPlan> = (report, what, value) => {
  const given = objectOf(...CONFIG_MEMBERS)(report, what, value);
  if (given === undefined) return undefined;
  const read = membersOf<keyof ImageConfig>(report, `${what}.`, given);
  return {
    env: read('env', environment),
    ...commands(report, what, given),
    user: read('user', nonEmptyText),
    workingDir: read('workingDir', absolutePath),
    labels: read('labels', labels),
    volumes: read('volumes', listOf(absolutePath)),
    exposedPorts: read('exposedPorts', listOf(port)),
    stopSignal: read('stopSignal', signal),
    healthcheck: read('healthcheck', healthcheck),
  };
};

function commands(report: Reporter, what: string, given: ImageConfig): Pick<ConfigPlan, 'entrypoint' | 'cmd'> {
  const read = membersOf<keyof ImageConfig>(report, `${what}.`, given);
  const entrypoint = read('entrypoint', command);
  const cmd = read('cmd', command);
  const fullCommand = read('fullCommand', command);
  if (given.fullCommand === undefined) return { entrypoint, cmd };
  if (given.entrypoint !== undefined || given.cmd !== undefined) {
    report(
      'STACK2006',
      `${what}.fullCommand is given together with entrypoint or cmd, which it replaces`,
      'leave out one of them',
    );
  }
  return { entrypoint: fullCommand, cmd: [] };
}

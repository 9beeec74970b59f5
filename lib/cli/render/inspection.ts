import { formatPlatform, type RuntimeConfig } from '../../oci';
import type { InspectResult } from '../../toolkit';
import type { Style } from '../io';
import { cleanLine, formatBytes, table } from './text';

type Fact = readonly [name: string, value: string];

/** Published images with everything a reader of their manifest and config would look for. */
export function inspectionText(images: readonly InspectResult[], style: Style): string {
  return images
    .map((image) =>
      imageLines(image, style)
        .map((line) => `${line}\n`)
        .join(''),
    )
    .join('\n');
}

function imageLines(image: InspectResult, style: Style): string[] {
  const { bold, dim } = style.colors;
  const size = image.manifest.layers.reduce((sum, layer) => sum + layer.size, 0);
  const facts: readonly Fact[] = [
    ['digest', image.digest],
    ['platform', formatPlatform(image.config)],
    ...(image.config.created === undefined ? [] : [['created', image.config.created] as const]),
    ['size', formatBytes(size)],
    ...configFacts(image.config.config ?? {}),
    ...Object.entries(image.manifest.annotations ?? {}).map(
      ([key, value]) => ['annotation', `${key}=${value}`] as const,
    ),
  ];
  const titled = facts.map(([name, value], at) => [name === facts[at - 1]?.[0] ? '' : name, cleanLine(value)]);
  const layers = table(
    image.manifest.layers.map((layer) => ['layer', layer.digest, formatBytes(layer.size)]),
    [2],
  );
  const notes = image.manifest.layers.map((layer) => [layer.mediaType, ...pairs(layer.annotations)]);
  return [
    bold(cleanLine(image.reference)),
    ...table(titled).map(indent),
    ...(layers.length === 0 ? [] : ['']),
    ...layers.flatMap((line, at) => [
      indent(line),
      ...(notes[at] ?? []).map((note) => dim(`         ${cleanLine(note)}`)),
    ]),
  ];
}

/** `key=value` texts. */
function pairs(map: Readonly<Record<string, string>> | undefined): string[] {
  return Object.entries(map ?? {}).map(([key, value]) => `${key}=${value}`);
}

function configFacts(config: RuntimeConfig): readonly Fact[] {
  const words = (list: readonly string[] | undefined): string | undefined =>
    list === undefined ? undefined : JSON.stringify(list);
  const keys = (set: Readonly<Record<string, object>> | undefined): readonly string[] => Object.keys(set ?? {});
  const one = (name: string, value: string | undefined): readonly Fact[] =>
    value === undefined || value === '' ? [] : [[name, value]];
  return [
    ...one('entrypoint', words(config.Entrypoint)),
    ...one('cmd', words(config.Cmd)),
    ...one('user', config.User),
    ...one('workdir', config.WorkingDir),
    ...one('stop', config.StopSignal),
    ...(config.Env ?? []).map((variable) => ['env', variable] as const),
    ...keys(config.ExposedPorts).map((port) => ['port', port] as const),
    ...keys(config.Volumes).map((volume) => ['volume', volume] as const),
    ...pairs(config.Labels).map((text) => ['label', text] as const),
  ];
}

function indent(line: string): string {
  return `  ${line}`;
}

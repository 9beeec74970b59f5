import { isImageName, MAX_NAME_LENGTH } from '../../oci';
import { show } from './checks';
import type { Problems } from './problems';

/** An image that is going to be published. */
export interface NamedImage {
  readonly name: string;
  readonly constructPath: string;
  readonly source: string | undefined;
  readonly formats: readonly string[];
  /** Images of one name for several platforms are published as one; undefined: that of the machine that deploys. */
  readonly platform: string | undefined;
  /** Whether the name is the construct path and not `imageName`. */
  readonly isDefault: boolean;
}

/** Checks the names of images that are published: each must be one a registry accepts, and no two for one platform may meet. */
export function checkNames(images: readonly NamedImage[], problems: Problems): void {
  for (const image of images) checkName(image, problems);
  for (const [name, owners] of meetingImages(images)) {
    const last = owners.at(-1);
    const list = owners.map(
      ({ constructPath, source }) => `"${constructPath}"${source === undefined ? '' : ` (${source})`}`,
    );
    problems.at({ constructPath: last?.constructPath, source: last?.source })(
      'STACK2003',
      `${list.join(' and ')} would be published under the same name ${show(name)}`,
      'give all but one of them another imageName, or another platform',
    );
  }
}

/** A name close to the given one that a registry accepts; undefined when there is nothing to work with. */
export function suggestName(name: string): string | undefined {
  const suggested = name
    .normalize('NFKD')
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^a-z0-9._/-]+/g, '-')
    .split('/')
    .map((part) =>
      part.replace(/[._-]{2,}/g, (run) => (/^(-+|__)$/.test(run) ? run : '-')).replace(/^[._-]+|[._-]+$/g, ''),
    )
    .filter((part) => part !== '')
    .join('/')
    .slice(0, MAX_NAME_LENGTH)
    .replace(/[^a-z0-9]+$/, '');
  return isImageName(suggested) ? suggested : undefined;
}

function checkName({ name, constructPath, source, isDefault }: NamedImage, problems: Problems): void {
  if (isImageName(name)) return;
  const why =
    name.length > MAX_NAME_LENGTH
      ? `it has ${String(name.length)} characters, and ${String(MAX_NAME_LENGTH)} are allowed`
      : 'names are made of lowercase letters and digits, separated by ".", "_", "__", "-" or "/"';
  const suggested = suggestName(name);
  const cure = isDefault ? 'rename the construct or set imageName' : 'set imageName';
  problems.at({ constructPath, source })(
    'STACK2004',
    `${show(name)} cannot be the name of an image: ${why}`,
    suggested === undefined ? cure : `${cure}, for example to "${suggested}"`,
  );
}

/**
 * Images that would have one name, by that name. In an OCI layout the format is part of it (`kernel-squashfs`), so two images
 * can meet though their names differ.
 */
function meetingImages(images: readonly NamedImage[]): [string, readonly NamedImage[]][] {
  const owners = new Map<string, { readonly name: string; readonly group: NamedImage[] }>();
  for (const image of images) {
    for (const format of image.formats) {
      const name = format === 'tar' ? image.name : `${image.name}-${format}`;
      const key = `${name} ${image.platform ?? ''}`;
      const meeting = owners.get(key);
      if (meeting === undefined) owners.set(key, { name, group: [image] });
      else meeting.group.push(image);
    }
  }
  const told = new Set<string>();
  return [...owners.values()].flatMap(({ name, group }): [string, readonly NamedImage[]][] => {
    const members = group.map(({ constructPath }) => constructPath).join('\n');
    const isNew = group.length > 1 && !told.has(members);
    told.add(members);
    return isNew ? [[name, group]] : [];
  });
}

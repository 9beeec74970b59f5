import { redactCredentials } from '../../core';
import { DEBIAN_SYNTAX, type DebianPlan } from '../../plan';
import type { DebianPackagesProps } from '../debian-packages-props';
import { listOf, membersOf, nonEmptyText, oneOf, text, wrong, type Check } from './checks';
import type { Rendering } from './rendering';

/** Stricter than apt, to which `name-`, `name+` and `name/suite` are orders of another kind. */
const packageName = text(
  'a package, as NAME or NAME=VERSION',
  (value) => {
    const [, name = '', version] = /^([^=]*)(?:=(.*))?$/s.exec(value) ?? [];
    return DEBIAN_SYNTAX.name.test(name) && (version === undefined || DEBIAN_SYNTAX.version.test(version));
  },
  'names have lowercase letters, digits and "+", "-", "." (Debian policy 5.6.7)',
);

const packageList: Check<string[]> = (report, what, value) => {
  const isFilled = Array.isArray(value) && value.length > 0;
  return isFilled
    ? listOf(packageName)(report, what, value)
    : wrong(report, what, value, 'an array of at least one package');
};

const suite = text('a suite such as "bookworm"', (value) => /^[A-Za-z0-9][A-Za-z0-9._+/-]*$/.test(value));
const architecture = text('a Debian architecture such as "amd64"', (value) => DEBIAN_SYNTAX.architecture.test(value));
const sourcesText = text(
  'the text of a sources file',
  (value) => /^\s*(#|deb(-src)?\s|[A-Za-z-]+:)/.test(value),
  'give the entries themselves, in the deb822 or the one-line style, and not the name of a file',
);

const sources: Check<string> = (report, what, value) => {
  const entries = sourcesText(report, what, value);
  if (entries === undefined || redactCredentials(entries) === entries) return entries;
  const hint = 'put them into /etc/apt/auth.conf.d of the machine that deploys, see apt_auth.conf(5)';
  report('STACK2006', `${what} has a user or a password in a URL, which would get into the plan`, hint);
  return undefined;
};

/** What the recipe of Debian packages has besides what all images have. */
export function renderDebian(
  { report }: Rendering,
  props: DebianPackagesProps,
): Omit<DebianPlan, 'name' | 'buildOnly'> {
  const read = membersOf<keyof DebianPackagesProps>(report, '', props);
  return {
    type: 'debian-packages',
    packages: packageList(report, 'packages', props.packages) ?? [],
    dependencies: read('dependencies', oneOf('none', 'closure')) ?? 'closure',
    suite: read('suite', suite),
    sources: read('sources', sources),
    architecture: read('architecture', architecture),
    exclude: read('exclude', listOf(nonEmptyText)),
  };
}

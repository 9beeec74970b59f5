/**
 * A status file of packages in short: `NAME[:ARCHITECTURE][/STATE] [VERSION] [FIELD=VALUE …]`, where a backslash stands for a blank
 * in a value. They are `install ok installed`, of version 1.0 and for amd64.
 */
export function status(...packages: readonly string[]): string {
  return packages.map((each) => `${stanza(each)}\n`).join('');
}

function stanza(text: string): string {
  const [first = '', ...words] = text.split(' ');
  const [, name = '', architecture = 'amd64', state = 'installed'] =
    /^([^:/]+)(?::([^/]+))?(?:\/(.*))?$/.exec(first) ?? [];
  const version = words[0] === undefined || words[0].includes('=') ? '1.0' : words.shift();
  const fields = words.map((word) => word.replace('=', ': ').replaceAll('\\', ' '));
  const isOverridden = fields.some((field) => field.startsWith('Status:'));
  return [
    `Package: ${name}`,
    ...(isOverridden ? [] : [`Status: ${state === 'installed' ? 'install' : 'deinstall'} ok ${state}`]),
    `Architecture: ${architecture}`,
    ...(state === 'config-files' ? [`Config-Version: ${version ?? ''}`] : [`Version: ${version ?? ''}`]),
    ...fields,
    '',
  ].join('\n');
}

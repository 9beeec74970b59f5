import Ajv from 'ajv';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { readConfigFile } from '../../lib/cli/config-file';
import { EXIT } from '../../lib/core';
import { expectGenerated, expectGeneratedSection } from '../docs/generated';
import { commandReference, configReference, configSchema } from './reference';

describe('docs/cli.md', () => {
  test('lists the commands and options of the option table', () => {
    expectGeneratedSection('docs/cli.md', 'commands', commandReference());
  });

  test('lists the keys of cdk-stack.json and the variables', () => {
    expectGeneratedSection('docs/cli.md', 'config', configReference());
  });

  test('explains every exit status', () => {
    const text = fs.readFileSync(path.join(__dirname, '../../docs/cli.md'), 'utf8');
    for (const status of [...Object.values(EXIT), 130, 141, 143])
      expect(text).toMatch(new RegExp(`^\\| +${String(status)} \\|`, 'm'));
  });
});

describe('schema/cdk-stack.schema.json', () => {
  test('is what the option table says', () => {
    expectGenerated('schema/cdk-stack.schema.json', `${JSON.stringify(configSchema(), null, 2)}\n`);
  });

  test.each([
    [{ app: 'node app.js', context: { any: ['thing'] }, to: 'oci:./oci', format: ['tar', 'squashfs'], concurrency: 2 }],
    [{ $schema: './x.json', app: 'node app.js', quiet: true, progress: 'plain' }],
    [{ app: 1 }],
    [{ app: '' }],
    [{ aap: 'x' }],
    [{ contextString: { a: 'b' } }],
    [{ format: 'erofs' }],
    [{ format: ['tar', 1] }],
    [{ concurrency: 0 }],
    [{ concurrency: 1.5 }],
    [{ json: 'true' }],
    [{ context: [] }],
  ])('accepts what the command accepts, and refuses what it refuses: %j', (config) => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cdk-stack-test-'));
    try {
      const file = path.join(directory, 'cdk-stack.json');
      fs.writeFileSync(file, JSON.stringify(config));
      const accepted = readConfigFile(file).problems.length === 0;
      expect(new Ajv().validate(configSchema(), config)).toBe(accepted);
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });
});

import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { caCertificates } from '../../lib/stack/mergers/ca-certificates';
import { merged, requestOf, type Image } from '../stack/mergers/images';

const BUNDLE = 'etc/ssl/certs/ca-certificates.crt';
const CONFIGURATION = 'etc/ca-certificates.conf';
let place: string;
/** Certificates by name; `same1` to `same3` have one subject. */
const certificates = new Map<string, string>();

beforeAll(() => {
  place = fs.mkdtempSync(path.join(os.tmpdir(), 'ca-certificates-'));
  for (const name of ['one', 'two', 'three', 'same1', 'same2', 'same3']) {
    const subject = ['-subj', `/CN=${name.replace(/\d/, '')}`];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path.join(place, 'key')];
    const made = execFileSync('openssl', ['req', '-x509', ...key, ...subject], { stdio: ['ignore', 'pipe', 'ignore'] });
    certificates.set(name, made.toString());
  }
});

afterAll(() => {
  fs.rmSync(place, { recursive: true });
});

/** What one layer does: certificates it brings by path, and lines of the configuration. */
interface Step {
  readonly files: Readonly<Record<string, string>>;
  readonly configuration?: readonly string[];
}

const local = (...names: readonly string[]): Step => ({
  files: Object.fromEntries(names.map((name) => [`usr/local/share/ca-certificates/${name}.crt`, name])),
});

/** A root in which update-ca-certificates ran after each step. */
function rootAfter(...steps: readonly Step[]): Image {
  const root = path.join(place, 'root');
  fs.rmSync(root, { recursive: true, force: true });
  for (const directory of ['etc/ssl/certs', 'usr/share/ca-certificates/x', 'usr/local/share/ca-certificates']) {
    fs.mkdirSync(path.join(root, directory), { recursive: true });
  }
  for (const { files, configuration } of steps) {
    for (const [file, name] of Object.entries(files)) fs.writeFileSync(path.join(root, file), certificates.get(name)!);
    if (configuration !== undefined) {
      fs.writeFileSync(path.join(root, CONFIGURATION), configuration.map((line) => `${line}\n`).join(''));
    }
    const options = Object.entries({
      certsconf: CONFIGURATION,
      certsdir: 'usr/share/ca-certificates',
      localcertsdir: 'usr/local/share/ca-certificates',
      etccertsdir: 'etc/ssl/certs',
      hooksdir: 'etc/none',
    }).flatMap(([option, file]) => [`--${option}`, path.join(root, file)]);
    execFileSync('/usr/sbin/update-ca-certificates', options, { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C' } });
  }
  return imageOf(root, '');
}

function imageOf(root: string, directory: string): Image {
  const image: Record<string, Image[string]> = {};
  for (const entry of fs.readdirSync(path.join(root, directory), { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) Object.assign(image, imageOf(root, file));
    else if (entry.isSymbolicLink()) image[file] = `-> ${fs.readlinkSync(path.join(root, file)).replace(root, '')}`;
    else image[file] = fs.readFileSync(path.join(root, file), 'utf8');
  }
  return image;
}

/** What containers see of the components, with what the merger makes. */
async function stack(base: Image, ...sides: readonly Image[]): Promise<Image> {
  const request = requestOf(base, ...sides);
  const { files, problems } = await caCertificates.merge(request);
  expect(problems).toEqual([]);
  const stacked: Record<string, Image[string]> = {};
  for (const entry of request.stacked.under('')) {
    const content = await request.stacked.read(entry.path);
    stacked[entry.path] = entry.type === 'symlink' ? `-> ${entry.target}` : content!.toString();
  }
  for (const [file, made] of files) {
    if (made.type === 'removed') Reflect.deleteProperty(stacked, file);
    else stacked[file] = made.type === 'file' ? made.content.toString() : `-> ${made.target}`;
  }
  return stacked;
}

const BASE: Step = {
  files: { 'usr/share/ca-certificates/x/one.crt': 'one', 'usr/share/ca-certificates/x/two.crt': 'two' },
  configuration: ['# selected', '#', '#', 'x/one.crt', 'x/two.crt'],
};

test('local certificates of all components are trusted, as if they came one after the other', async () => {
  const sides = [local('three'), local('same1')];
  const expected = rootAfter(BASE, ...sides);
  expect(await stack(rootAfter(BASE), ...sides.map((side) => rootAfter(BASE, side)))).toEqual(expected);
});

test('a certificate that one component deselects is not trusted, whatever others add', async () => {
  const a: Step = { files: {}, configuration: ['# selected', '#', '#', 'x/one.crt', '!x/two.crt'] };
  const b: Step = {
    files: { 'usr/share/ca-certificates/x/three.crt': 'three' },
    configuration: ['# selected', '#', '#', 'x/one.crt', 'x/two.crt', 'x/three.crt'],
  };
  const both: Step = { ...b, configuration: [...a.configuration!, 'x/three.crt'] };
  const images = [rootAfter(BASE, a), rootAfter(BASE, b)];
  const expected = rootAfter(BASE, both);
  expect(await stack(rootAfter(BASE), ...images)).toEqual(expected);
  expect(await stack(rootAfter(BASE), ...images.reverse())).toEqual(expected);
  // also where the components share no base, so that nothing says that the one removed it
  const stacked = await stack({}, rootAfter(BASE, b), rootAfter(BASE, a));
  expect(stacked).toEqual(expected);
  expect(stacked[BUNDLE]).not.toContain(certificates.get('two'));
});

test('certificates with one subject get numbers of their own', async () => {
  const [base, a, b] = [local('same1'), local('same2', 'one'), local('same3', 'two')];
  const expected = rootAfter(BASE, base, a, b);
  expect(await stack(rootAfter(BASE, base), rootAfter(BASE, base, a), rootAfter(BASE, base, b))).toEqual(expected);
});

test('a bundle that was made in another way is not merged', async () => {
  const own = { ...rootAfter(BASE, local('three')), [BUNDLE]: 'my own' };
  expect(await merged(caCertificates, rootAfter(BASE), own, rootAfter(BASE, local('same1')))).toEqual([
    `NOT_MERGEABLE ${BUNDLE}: it is not what update-ca-certificates makes of the certificates that are there [a]`,
  ]);
});

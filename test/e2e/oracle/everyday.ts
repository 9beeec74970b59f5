import type { Change } from './pairs';

/** What people install: each is one layer on the base, and part of as many pairs as name it. */
const SETS = {
  'ca-certificates': ['ca-certificates'],
  chrony: ['chrony'],
  cron: ['cron'],
  curl: ['curl'],
  dbus: ['dbus'],
  'dbus, nginx-light': ['dbus', 'nginx-light'],
  docbook: ['docbook'],
  'docbook-xml': ['docbook-xml'],
  dnsmasq: ['dnsmasq'],
  'dnsmasq, bc': ['dnsmasq', 'bc'],
  'fonts-dejavu-core, fontconfig': ['fonts-dejavu-core', 'fontconfig'],
  'fonts-liberation, fontconfig': ['fonts-liberation', 'fontconfig'],
  git: ['git'],
  'info, bc': ['info', 'bc'],
  'info, ed': ['info', 'ed'],
  'libxml-libxml-perl': ['libxml-libxml-perl', 'libxml-sax-expat-perl'],
  'libxml-sax-perl': ['libxml-sax-perl'],
  logrotate: ['logrotate'],
  'mariadb-client': ['mariadb-client'],
  'nginx-light': ['nginx-light'],
  'openssh-server': ['openssh-server'],
  'openssh-server, less': ['openssh-server', 'less'],
  'postgresql-client': ['postgresql-client'],
  python3: ['python3'],
  'redis-server': ['redis-server'],
  rsyslog: ['rsyslog'],
  'ssl-cert': ['ssl-cert'],
  'ssl-cert, bc': ['ssl-cert', 'bc'],
  sudo: ['sudo'],
  systemd: ['systemd'],
  'unattended-upgrades': ['unattended-upgrades'],
  vim: ['vim'],
  'xml-core': ['xml-core'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type SetName = keyof typeof SETS;

/** Two sets of packages, each installed on the base, whose images are combined. */
export interface EverydayPair {
  readonly p: SetName;
  readonly q: SetName;
  /** Whether it is left out unless all are asked for, since it takes long and shows nothing that another one does not. */
  readonly isExtra?: boolean;
  /** A shell command that succeeds in the combined image. */
  readonly check?: string;
  /** What the error says, where they are not combined. */
  readonly refusal?: RegExp;
}

/** The certificate is that of the key. */
const SNAKEOIL = `cd /etc/ssl && openssl x509 -noout -pubkey -in certs/ssl-cert-snakeoil.pem > /tmp/certified &&
  openssl pkey -pubout -in private/ssl-cert-snakeoil.key | cmp - /tmp/certified`;
/** Each public key is that of its key, and the server takes them. */
const HOST_KEYS = `set -e; mkdir -p /run/sshd; for key in /etc/ssh/ssh_host_*_key; do
    ssh-keygen -y -f $key | cut -d' ' -f1,2 > /tmp/derived; cut -d' ' -f1,2 $key.pub | cmp - /tmp/derived; done
  /usr/sbin/sshd -t`;

/** The table in docs/stacking.md says what comes of each, and why. */
const ALL: readonly EverydayPair[] = [
  { p: 'cron', q: 'logrotate' },
  { p: 'dbus', q: 'dbus, nginx-light' },
  { p: 'ssl-cert', q: 'ssl-cert, bc', check: SNAKEOIL },
  { p: 'unattended-upgrades', q: 'openssh-server' },
  { p: 'info, ed', q: 'info, bc' },
  { p: 'xml-core', q: 'docbook-xml' },
  { p: 'libxml-sax-perl', q: 'libxml-libxml-perl' },
  { p: 'openssh-server', q: 'openssh-server, less', check: HOST_KEYS },
  { p: 'rsyslog', q: 'cron' },
  { p: 'chrony', q: 'dbus' },
  { p: 'dnsmasq', q: 'dnsmasq, bc', refusal: /user 'dnsmasq' has the user id \d+ in .* and \d+ in / },
  { p: 'docbook', q: 'docbook-xml', isExtra: true },
  { p: 'curl', q: 'git', isExtra: true },
  { p: 'python3', q: 'vim', isExtra: true },
  { p: 'nginx-light', q: 'redis-server', isExtra: true },
  { p: 'postgresql-client', q: 'mariadb-client', isExtra: true },
  { p: 'sudo', q: 'openssh-server', isExtra: true },
  { p: 'ca-certificates', q: 'curl', isExtra: true },
  { p: 'fonts-dejavu-core, fontconfig', q: 'fonts-liberation, fontconfig', isExtra: true },
  { p: 'systemd', q: 'dbus', isExtra: true },
  { p: 'redis-server', q: 'ssl-cert', isExtra: true },
];

/** Every pair there is. */
export const EVERYDAY = ALL;

/** The pairs to be checked: `STACK_PAIRS=all` is all of them. */
export function chosenPairs(): readonly EverydayPair[] {
  return ALL.filter(({ isExtra }) => isExtra !== true || process.env['STACK_PAIRS'] === 'all');
}

/** What is done for a set. */
export function changeOf(set: SetName): Change {
  return { packages: SETS[set] };
}

/** The lane of a set, wherever it is installed; lanes are for names that no other way is known for. */
export function laneOf(set: SetName): number {
  return 1 + (Object.keys(SETS).indexOf(set) % 31);
}

/** The name of a set's image. */
export function imageOf(set: SetName): string {
  return set.replaceAll(', ', '-and-');
}

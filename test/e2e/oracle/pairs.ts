import type { StackedImageProps } from '../../../lib';

/** Two changes of one Debian base, whose images are combined. */
export interface Pair {
  /** What both do, as a name of images. */
  readonly name: string;
  readonly p: Change;
  readonly q: Change;
  /** Conflict policies of their combinations. */
  readonly conflicts?: StackedImageProps['conflicts'];
}

/** What is done to an image: packages that are installed, then a script. */
export interface Change {
  readonly packages: readonly string[];
  readonly script?: readonly string[];
}

/** Each is about files of the package system that both write. Small packages, of Debian's main section. */
export const PAIRS: readonly Pair[] = [
  {
    // passwd, group and shadow; init scripts and units
    name: 'users',
    p: { packages: ['tcpdump', 'uuid-runtime'] },
    q: {
      packages: ['plocate', 'cron'],
      script: ['adduser --system --home /srv/operator2 operator2', 'gpasswd --add operator2 plocate'],
    },
  },
  {
    // both have an editor and an nc
    name: 'alternatives',
    p: { packages: ['nano', 'netcat-openbsd'] },
    q: { packages: ['vim-tiny', 'netcat-traditional'] },
  },
  {
    // ld.so.cache; both bring libncursesw6 and libtinfo's data
    name: 'libraries',
    p: { packages: ['procps', 'jq'] },
    q: { packages: ['htop', 'mtr-tiny'] },
  },
  {
    // one file of the base that a package owns; and debconf's database
    name: 'conffile',
    p: { packages: ['tzdata'], script: ["sed -i '0,/^#/s//# Changed by P.\\n#/' /etc/bash.bashrc"] },
    q: { packages: ['ucf'], script: ["echo 'umask 027' >> /etc/bash.bashrc"] },
  },
  {
    // one removes packages, and with them a directory that the other one puts a file into
    name: 'removal',
    p: { packages: ['usr-is-merged'], script: ['apt-get purge usrmerge libfile-find-rule-perl'] },
    q: { packages: ['bc', 'libfile-which-perl'] },
    conflicts: { whiteouts: 'repair' },
  },
  {
    // lines of /etc/shells, diversions and statoverride
    name: 'lists',
    p: {
      packages: ['mksh'],
      script: [
        'dpkg-divert --local --rename --add /usr/bin/tac',
        'dpkg-statoverride --update --add root users 0750 /usr/bin/who',
      ],
    },
    q: {
      packages: ['tcsh'],
      script: [
        'dpkg-divert --local --rename --add /usr/bin/nl',
        'dpkg-statoverride --update --add root users 0750 /usr/bin/od',
      ],
    },
  },
];

/** Is installed on top of each combination, and purged again. */
export const ON_TOP = 'less';

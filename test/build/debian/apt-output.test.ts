import {
  parseArchives,
  parseConflicts,
  parsePolicies,
  parseProblems,
  parseProviders,
  parseReleases,
} from '../../../lib/build/debian/apt-output';

// All outputs are what apt 2.6.1 wrote, shortened; those marked so are of apt 3.0.

describe('parseArchives', () => {
  test('reads name, version and architecture out of the file name, where apt quotes colons', () => {
    const stdout = [
      'Reading package lists...',
      'The following NEW packages will be installed:',
      '  gcc-12-base hostname libc6 libgcc-s1',
      "'http://deb.example.org/debian/pool/main/a/attr/libattr1_2.5.1-4_amd64.deb' libattr1_1%3a2.5.1-4_amd64.deb 22164 MD5Sum:52fea1b13209029d52405624225a473e",
      "'http://deb.example.org/debian/pool/main/e/edk2/ovmf_2022.11-6%2bdeb12u2_all.deb' ovmf_2022.11-6+deb12u2_all.deb 7683456 SHA256:e73d3d1a8799f7f6fc16b73501d913edcdd86237556fbff30693e747e6dc262e",
      '',
    ].join('\n');
    expect(parseArchives(stdout)).toEqual([
      {
        uri: 'http://deb.example.org/debian/pool/main/a/attr/libattr1_2.5.1-4_amd64.deb',
        file: 'libattr1_1%3a2.5.1-4_amd64.deb',
        name: 'libattr1',
        version: '1:2.5.1-4',
        architecture: 'amd64',
        size: 22164,
        sha256: undefined,
      },
      {
        uri: 'http://deb.example.org/debian/pool/main/e/edk2/ovmf_2022.11-6%2bdeb12u2_all.deb',
        file: 'ovmf_2022.11-6+deb12u2_all.deb',
        name: 'ovmf',
        version: '2022.11-6+deb12u2',
        architecture: 'all',
        size: 7683456,
        sha256: 'e73d3d1a8799f7f6fc16b73501d913edcdd86237556fbff30693e747e6dc262e',
      },
    ]);
  });

  test('keeps no credentials', () => {
    const [archive] = parseArchives("'https://me:secret@mirror.example/pool/a_1_all.deb' a_1_all.deb 10 MD5Sum:0");
    expect(archive?.uri).toBe('https://***@mirror.example/pool/a_1_all.deb');
  });
});

test('parsePolicies tells versions and candidate, a virtual package from an unknown one', () => {
  const stdout = `ovmf:
  Installed: (none)
  Candidate: 2022.11-6+deb12u2
  Version table:
     2022.11-6+deb12u2 500
        500 http://deb.example.org/debian bookworm/main amd64 Packages
     2022.11-6+deb12u1 500
        500 http://deb.example.org/debian-security bookworm-security/main amd64 Packages
ruled-out:
  Installed: (none)
  Candidate: (none)
  Version table:
     1.0 -1
         -1 http://deb.example.org/debian bookworm/main amd64 Packages
mail-transport-agent:
  Installed: (none)
  Candidate: (none)
  Version table:
`;
  expect([...parsePolicies(stdout)]).toEqual([
    ['ovmf', { candidate: '2022.11-6+deb12u2', versions: ['2022.11-6+deb12u2', '2022.11-6+deb12u1'] }],
    ['ruled-out', { candidate: undefined, versions: ['1.0'] }],
    ['mail-transport-agent', { candidate: undefined, versions: [] }],
  ]);
});

test('parseReleases gives suites and code names, but not the local state of dpkg', () => {
  const stdout = `Package files:
 100 /var/lib/status
     release a=now
 500 http://deb.example.org/debian-security bookworm-security/main amd64 Packages
     release v=12,o=Debian,a=oldstable-security,n=bookworm-security,l=Debian-Security,c=main,b=amd64
     origin deb.example.org
 500 file:/tmp/flat
     release c=
Pinned packages:
`;
  expect(parseReleases(stdout)).toEqual([{ suite: 'oldstable-security', codename: 'bookworm-security' }]);
});

test('parseProviders lists who provides a virtual package', () => {
  const stdout = `Package: awk
Versions: 

Reverse Depends: 
  base-files,awk
Dependencies: 
Provides: 
Reverse Provides: 
original-awk 2022-09-12-1 (= )
mawk 1.3.4.20200120-3.1 (= )
gawk 1:5.2.1-2 (= )
`;
  expect(parseProviders(stdout)).toEqual(['gawk', 'mawk', 'original-awk']);
});

describe('parseProblems', () => {
  test.each([
    [
      'a mirror that is down',
      `W: Failed to fetch http://127.0.0.1:9/debian/dists/bookworm/InRelease  Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)
W: Some index files failed to download. They have been ignored, or old ones used instead.`,
      [
        {
          source: 'http://127.0.0.1:9/debian/dists/bookworm/InRelease',
          cause: 'Could not connect to 127.0.0.1:9 (127.0.0.1). - connect (111: Connection refused)',
        },
      ],
    ],
    [
      'a suite that does not exist',
      "E: The repository 'http://deb.example.org/debian nosuite Release' does not have a Release file.",
      [{ source: 'http://deb.example.org/debian nosuite Release', cause: 'does not have a Release file' }],
    ],
    [
      'a signature of an unknown key, once',
      `W: GPG error: http://deb.example.org/debian bookworm-updates InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 6ED0E7B82643E131
E: The repository 'http://deb.example.org/debian bookworm-updates InRelease' is not signed.`,
      [
        {
          source: 'http://deb.example.org/debian bookworm-updates InRelease',
          cause:
            "The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 6ED0E7B82643E131",
        },
      ],
    ],
    [
      'a signature that has become bad (old lists stay)',
      'W: An error occurred during the signature verification. The repository is not updated and the previous index files will be used. GPG error: http://deb.example.org/debian bookworm InRelease: BADSIG 0E98404D386FA1D9',
      [{ source: 'http://deb.example.org/debian bookworm InRelease', cause: 'BADSIG 0E98404D386FA1D9' }],
    ],
    [
      'a signature, in the words of apt 3.0',
      `W: OpenPGP signature verification failed: http://deb.example.org/debian trixie InRelease: Sub-process /usr/bin/sqv returned an error code (1)
E: The repository 'http://deb.example.org/debian trixie InRelease' is not signed.`,
      [
        {
          source: 'http://deb.example.org/debian trixie InRelease',
          cause: 'Sub-process /usr/bin/sqv returned an error code (1)',
        },
      ],
    ],
    [
      'a repository without any signature',
      "E: The repository 'http://host/flat ./ Release' is not signed.",
      [{ source: 'http://host/flat ./ Release', cause: 'is not signed' }],
    ],
    [
      'an expired release',
      'E: Release file for http://snapshot.example/debian/dists/bookworm-updates/InRelease is expired (invalid since 3d). Updates for this repository will not be applied.',
      [
        {
          source: 'http://snapshot.example/debian/dists/bookworm-updates/InRelease',
          cause: 'is expired (invalid since 3d). Updates for this repository will not be applied.',
        },
      ],
    ],
    [
      'a component that does not exist',
      "W: Skipping acquire of configured file 'nope/binary-amd64/Packages' as repository 'http://deb.example.org/debian bookworm InRelease' doesn't have the component 'nope' (component misspelt in sources.list?)",
      [
        {
          source: 'http://deb.example.org/debian bookworm InRelease',
          cause: "doesn't have the component 'nope' (component misspelt in sources.list?)",
        },
      ],
    ],
    [
      'a sources file that cannot be understood',
      `E: Type 'dob' is not known on line 1 in source list /etc/apt/sources.list
E: The list of sources could not be read.`,
      [
        { source: undefined, cause: "Type 'dob' is not known on line 1 in source list /etc/apt/sources.list" },
        { source: undefined, cause: 'The list of sources could not be read.' },
      ],
    ],
    [
      'a warning that stops nothing',
      'W: https://host/InRelease: Key is stored in legacy trusted.gpg keyring (/etc/apt/trusted.gpg), see the DEPRECATION section in apt-key(8) for details.',
      [],
    ],
  ])('reads %s', (_, stderr, expected) => {
    expect(parseProblems(stderr)).toEqual(expected);
  });
});

describe('parseConflicts', () => {
  test("gives apt's lines about unmet dependencies", () => {
    const stdout = `Reading package lists...
Some packages could not be installed. This may mean that you have
requested an impossible situation or if you are using the unstable
distribution that some required packages have not yet been created
or been moved out of Incoming.
The following information may help to resolve the situation:

The following packages have unmet dependencies:
 exim4-config : Conflicts: postfix but 3.7.11-0+deb12u1 is to be installed
 postfix : Conflicts: mail-transport-agent
           Depends: nothere but it is not installable
`;
    expect(parseConflicts(stdout, 'E: Unable to correct problems, you have held broken packages.\n')).toEqual([
      'exim4-config : Conflicts: postfix but 3.7.11-0+deb12u1 is to be installed',
      'postfix : Conflicts: mail-transport-agent',
      'Depends: nothere but it is not installable',
    ]);
  });

  test('gives the errors with what explains them where there are no such lines (apt 3.0)', () => {
    const stderr = `E: Unable to satisfy dependencies. Reached two conflicting assignments:
   1. postfix:amd64 is selected for install
   2. postfix:amd64 is not selected for install because:
`;
    expect(parseConflicts('Reading package lists...\n', stderr)).toEqual([
      'Unable to satisfy dependencies. Reached two conflicting assignments:',
      '1. postfix:amd64 is selected for install',
      '2. postfix:amd64 is not selected for install because:',
    ]);
  });
});

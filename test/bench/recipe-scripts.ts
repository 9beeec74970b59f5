const INSTALL = 'apt-get install --quiet --no-install-recommends --assume-yes';

/** What is run in the root filesystem for each image: installs the packages in `debs`, and leaves files in /stage. */
export const SCRIPTS = {
  kernel: (debs: string): string[] => [
    'export DEBIAN_FRONTEND=noninteractive INITRD=No',
    'mkdir -p /stage/kernel',
    `${INSTALL} ${debs}/*.deb`,
    'mv /boot /lib/modules /stage/kernel',
  ],
  ovmf: (debs: string): string[] => [
    'export DEBIAN_FRONTEND=noninteractive',
    'mkdir -p /stage/ovmf',
    `${INSTALL} ${debs}/*.deb`,
    'cp /usr/share/OVMF/OVMF_CODE.secboot.fd /stage/ovmf/ovmf-code.fd',
    'cp /usr/share/OVMF/OVMF_VARS.fd /stage/ovmf/ovmf-vars.fd',
  ],
};

import { App, ImageSource, Layer, StackedImage } from 'cdk-stack';

const app = new App({ formats: ['tar', 'squashfs'] });

// A root filesystem of Debian; the README says how to make one.
const base = new Layer(app, 'base', {
  from: ImageSource.tar('base.tar'),
  run: 'apt-get update --quiet',
  buildOnly: true,
});

// Entries in order and times not of today, so that the same files are the same tar.
const tar = 'tar --sort=name --mtime=@$SOURCE_DATE_EPOCH --clamp-mtime';
const install = 'DEBIAN_FRONTEND=noninteractive apt-get install --quiet --no-install-recommends --assume-yes';

const kernelBuild = new Layer(app, 'kernel-build', {
  from: base,
  buildEnv: { INITRD: process.env['INITRD'] ?? 'Yes' }, // 'No' is much quicker
  run: [
    'mkdir -p /tmp/stage/kernel /export',
    `${install} linux-image-cloud-amd64`,
    'mv /boot /lib/modules /tmp/stage/kernel',
    `${tar} -C /tmp/stage -cf /export/kernel.tar kernel/`,
    'rm -r /tmp/stage',
  ],
  buildOnly: true,
});

// The only top-level directory of this layer is kernel/.
const kernel = new Layer(app, 'kernel', { from: ImageSource.tar(kernelBuild.file('/export/kernel.tar')) });

const ovmfBuild = new Layer(app, 'ovmf-build', {
  from: base,
  run: [
    'mkdir -p /tmp/stage/ovmf /export',
    `${install} ovmf`,
    'cp /usr/share/OVMF/OVMF_CODE.secboot.fd /tmp/stage/ovmf/ovmf-code.fd',
    'cp /usr/share/OVMF/OVMF_VARS.fd /tmp/stage/ovmf/ovmf-vars.fd',
    `${tar} -C /tmp/stage -cf /export/ovmf.tar ovmf/`,
    'rm -r /tmp/stage',
  ],
  buildOnly: true,
});

// The only top-level directory of this layer is ovmf/.
const ovmf = new Layer(app, 'ovmf', { from: ImageSource.tar(ovmfBuild.file('/export/ovmf.tar')) });

// Lists the very blobs of both, kernel at the bottom.
new StackedImage(app, 'combined', [kernel, ovmf]);

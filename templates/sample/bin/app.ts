import { App, DebianPackages, Layer, StackedImage } from 'cdk-stack';

const app = new App();
const platform = 'linux/amd64';

// The packages themselves are never published: the layers below take out what they need.
const kernelPackages = new DebianPackages(app, 'kernel-packages', {
  packages: ['linux-image-cloud-amd64'],
  dependencies: 'closure',
  platform,
  buildOnly: true,
});
const ovmfPackage = new DebianPackages(app, 'ovmf-package', {
  packages: ['ovmf'],
  dependencies: 'none',
  platform,
  buildOnly: true,
});

// The only top-level directory of this layer is kernel/.
const kernel = new Layer(app, 'kernel', {
  platform,
  imports: [
    { source: kernelPackages.file('/boot'), dest: '/kernel/boot' },
    { source: kernelPackages.file('/lib/modules'), dest: '/kernel/modules' },
  ],
});

// The only top-level directory of this layer is ovmf/.
const ovmf = new Layer(app, 'ovmf', {
  platform,
  imports: [
    { source: ovmfPackage.file('/usr/share/OVMF/OVMF_CODE.secboot.fd'), dest: '/ovmf/ovmf-code.fd' },
    { source: ovmfPackage.file('/usr/share/OVMF/OVMF_VARS.fd'), dest: '/ovmf/ovmf-vars.fd' },
  ],
});

// Lists the very blobs of both, kernel at the bottom.
new StackedImage(app, 'combined', [kernel, ovmf], { platform });

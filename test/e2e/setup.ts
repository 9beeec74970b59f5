import { installPackage } from './installed';

/** Packs this repository and installs the tarball in a temporary directory, as a user would. */
export default function setup(): void {
  process.env['CDK_STACK_INSTALLED'] = installPackage();
}

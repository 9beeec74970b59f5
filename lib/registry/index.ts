export type { BlobSource } from './blob-source';
export type { ChunkOptions } from './blob-upload';
export type { Credential, CredentialSource } from './credential';
export { defaultCredentials, fixedCredentials } from './credentials';
export type { Expected } from './digests';
export type { HostOptions } from './dispatchers';
export type { RegistryEvent, RegistryListener } from './events';
export type { LaneLimits } from './lane';
export type { FetchedManifest, ManifestSource } from './manifests';
export type { PulledImage } from './pull';
export type { Publication, PublishedManifest } from './publish';
export * from './push-plan';
export {
  formatReference,
  formatRepository,
  parseReference,
  parseRepository,
  type Reference,
  type Repository,
} from '../oci';
export { Registry, type Push, type Pushed, type RegistryOptions, type WorkOptions } from './registry';
export type { RetryPolicy } from './retry';

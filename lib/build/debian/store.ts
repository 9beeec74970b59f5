/** What is needed of the local store: .deb files are blobs in it. */
export interface PackageStore {
  /** Where the blob with a digest (`sha256:HEX`) is, or would be. */
  blobPath(digest: string): string;
  hasBlob(digest: string): Promise<boolean>;
  /** Takes a finished file in as a blob by renaming it. */
  adopt(temporaryFile: string, digest: string, size: number): Promise<void>;
  /** A new private directory on the file system of the blobs, for its caller to remove. */
  temporaryDirectory(): Promise<string>;
  /** A private directory that stays, by name. */
  stateDirectory(name: string): Promise<string>;
}

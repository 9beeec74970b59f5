interface BlobFacts {
  /** `HOST/NAME`. */
  readonly repository: string;
  readonly digest: string;
  readonly size: number;
}

/** What the client tells while it works. Nothing in it is secret. */
export type RegistryEvent =
  | ({ readonly code: 'blob-progress'; readonly direction: 'pull' | 'push'; readonly bytes: number } & BlobFacts)
  | ({ readonly code: 'blob-uploaded' } & BlobFacts)
  | ({ readonly code: 'blob-mounted'; readonly from: string } & BlobFacts)
  | { readonly code: 'manifest-published'; readonly repository: string; readonly digest: string }
  | { readonly code: 'tag-published'; readonly repository: string; readonly tag: string; readonly digest: string }
  /** A request is sent again after a pause. */
  | {
      readonly code: 'request-retried';
      readonly registry: string;
      readonly reason: string;
      readonly milliseconds: number;
    }
  /** The registry asked for fewer requests: all of them to this host wait, and fewer run at a time from now on. */
  | { readonly code: 'registry-paused'; readonly registry: string; readonly milliseconds: number }
  /** A warning the registry sent (RFC 7234, 299), each text once. */
  | { readonly code: 'registry-warning'; readonly registry: string; readonly message: string };

/** Receives events; must not throw. */
export type RegistryListener = (event: RegistryEvent) => void;

/** Size of one thing that was written or found, in bytes. */
interface BlobFacts {
  readonly digest: string;
  readonly size: number;
}

/**
 * What the library tells while it works. Codes are stable; only `cli/` turns them into text.
 * `image` is always the construct path of the image concerned.
 */
export type StackEvent =
  | { readonly code: 'build-started'; readonly command: string }
  | { readonly code: 'synth-started'; readonly app: string }
  /** A piece of what the app or its build command writes, not cut at lines; it may hold terminal colors. */
  | { readonly code: 'app-output'; readonly text: string }
  | { readonly code: 'synth-done'; readonly directory: string; readonly images: number; readonly milliseconds: number }
  | {
      readonly code: 'warning';
      readonly id: string;
      readonly message: string;
      readonly image?: string;
      readonly source?: string;
    }
  | { readonly code: 'packages-resolving'; readonly image: string; readonly packages: readonly string[] }
  | { readonly code: 'packages-locked'; readonly image: string; readonly count: number }
  | { readonly code: 'package-fetched'; readonly image: string; readonly name: string; readonly size: number }
  /** URLs come without their query, which may be a secret; a layer in a registry is `HOST/NAME@DIGEST`. */
  | { readonly code: 'download-started'; readonly image: string; readonly url: string }
  | {
      readonly code: 'download-progress';
      readonly image: string;
      readonly url: string;
      readonly bytes: number;
      /** Where the server says it. */
      readonly total?: number | undefined;
    }
  /** The transfer broke off and is tried again. */
  | { readonly code: 'download-retried'; readonly image: string; readonly url: string; readonly reason: string }
  | {
      readonly code: 'download-done';
      readonly image: string;
      readonly url: string;
      readonly size: number;
      readonly milliseconds: number;
    }
  /** Another process has what is needed here, such as `the local store`; the work goes on when it is done. */
  | { readonly code: 'waiting'; readonly owner: string; readonly what: string }
  /** A registry is asked again after a pause. */
  | {
      readonly code: 'request-retried';
      readonly registry: string;
      readonly reason: string;
      readonly milliseconds: number;
    }
  /** A registry wants fewer requests. */
  | { readonly code: 'registry-paused'; readonly registry: string; readonly milliseconds: number }
  | { readonly code: 'image-started'; readonly image: string }
  /** Why what an image was when it was last built does not do any more, such as `import ./app changed`. */
  | { readonly code: 'image-rebuilt'; readonly image: string; readonly reason: string }
  /** Conflicts of a combination are settled by a glue layer: at how many paths, and by which mergers or rules. */
  | {
      readonly code: 'conflicts-settled';
      readonly image: string;
      readonly paths: number;
      readonly by: readonly string[];
      /** Whether nothing had to be merged for it, as the outcome was known. */
      readonly known: boolean;
    }
  | { readonly code: 'run-started'; readonly image: string }
  /** The terminal is the user's until `shell-closed`; `status` is that of the script that failed. */
  | { readonly code: 'shell-opened'; readonly image: string; readonly status?: number }
  | { readonly code: 'shell-closed'; readonly image: string }
  /** A line that the script of an image wrote, without its end. */
  | { readonly code: 'run-output'; readonly image: string; readonly line: string }
  | {
      readonly code: 'image-progress';
      readonly image: string;
      readonly format: string;
      readonly bytes: number;
      readonly total: number;
    }
  | ({
      readonly code: 'layer-packed';
      readonly image: string;
      readonly format: string;
      readonly milliseconds: number;
    } & BlobFacts)
  | ({ readonly code: 'layer-reused'; readonly image: string; readonly format: string } & BlobFacts)
  | { readonly code: 'image-done'; readonly image: string; readonly milliseconds: number }
  | { readonly code: 'image-failed'; readonly image: string; readonly message: string }
  | ({ readonly code: 'blob-written'; readonly target: string } & BlobFacts)
  /** A registry took a blob over from another of its repositories. */
  | ({ readonly code: 'blob-mounted'; readonly target: string; readonly from: string } & BlobFacts)
  | ({
      readonly code: 'blob-progress';
      readonly target: string;
      readonly bytes: number;
    } & BlobFacts)
  | ({
      readonly code: 'image-published';
      readonly image: string;
      readonly reference: string;
      readonly changed: boolean;
    } & BlobFacts)
  | {
      readonly code: 'deploy-done';
      readonly target: string;
      readonly blobs: number;
      readonly bytes: number;
      readonly milliseconds: number;
    };

/** Receives events; must not throw. */
export type Listener = (event: StackEvent) => void;

/** A request as the fake registry has got it, and how it ended. */
export interface LoggedRequest {
  readonly method: string;
  /** Path with the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Status of the answer; 0 while there is none, and when the connection was dropped instead. */
  status: number;
  /** Bytes of the body that were read. */
  bytes: number;
  /** Places in the order of everything that began and ended. */
  began: number;
  ended: number;
}

/** Something that goes wrong with one request. */
export type Fault =
  /** It is refused. */
  | { readonly status: number; readonly code?: string; readonly headers?: Readonly<Record<string, string>> }
  /** The connection is dropped when so many bytes of the body have come; what came is kept. */
  | { readonly dropRequestAfter: number }
  /** The connection is dropped when so many bytes of the answer's body were sent; the request was carried out. */
  | { readonly dropAnswerAfter: number }
  /** The answer's body comes in pieces of 64 KiB, each after so many milliseconds. */
  | { readonly slowAnswer: number };

/** What kind of registry this is. All of it can be changed while it runs. */
export interface FakeBehavior {
  /** Mounts blobs from other repositories; else it opens an upload instead. @default true */
  mounts: boolean;
  /** Keeps lists of referrers. @default true */
  referrers: boolean;
  /** Sends ETags of manifests, and heeds If-Match and If-None-Match. @default true */
  etags: boolean;
  /** Milliseconds before each answer. @default 0 */
  latency: number;
  /** Fewest bytes of a chunk but the last. @default 0 */
  minChunk: number;
  /** Most bytes of a request's body, more is answered with 413. @default no limit */
  maxBody: number;
  /** Keeps a tag from naming another image than at first. @default false */
  immutableTags: boolean;
  /** Sends locations without host. @default false */
  relativeLocations: boolean;
  /** Says how long its answers are. @default true */
  contentLength: boolean;
  /** Sends Docker-Content-Digest. @default true */
  digestHeaders: boolean;
  /** Sends a part of a blob when asked to. @default true */
  ranges: boolean;
  /** Tells how far an upload is; else it knows nothing of it after a broken connection. @default true */
  resumes: boolean;
  /** Sends who reads a blob to another origin, which must not see credentials. @default false */
  redirects: boolean;
  /** Most tags on a page. @default 1000 */
  pageSize: number;
  /** Digests of blobs and manifests that are sent with a wrong byte. @default none */
  corrupt: ReadonlySet<string>;
  /** Decides for each request whether something goes wrong with it. @default nothing */
  fault: (request: LoggedRequest) => Fault | undefined;
}

/** A registry with which nothing is wrong. */
export function goodBehavior(): FakeBehavior {
  return {
    mounts: true,
    referrers: true,
    etags: true,
    latency: 0,
    minChunk: 0,
    maxBody: Number.MAX_SAFE_INTEGER,
    immutableTags: false,
    relativeLocations: false,
    contentLength: true,
    digestHeaders: true,
    ranges: true,
    resumes: true,
    redirects: false,
    pageSize: 1000,
    corrupt: new Set(),
    fault: () => undefined,
  };
}

/**
 * A fault for the first requests that fit, such as a burst of 429.
 * @param matches by default every request
 */
export function faultTimes(
  times: number,
  fault: Fault,
  matches: (request: LoggedRequest) => boolean = () => true,
): (request: LoggedRequest) => Fault | undefined {
  let left = times;
  return (request) => {
    if (left === 0 || !matches(request)) return undefined;
    left -= 1;
    return fault;
  };
}

/** What every error code means. The error reference in docs/errors.md is generated from this table. */
export interface ErrorCodeEntry {
  /** One sentence: what went wrong, in general. */
  readonly title: string;
  /** Exit status of the command when this error ends it; the table is in docs/cli.md. */
  readonly exit: number;
}

/** Exit statuses of the command, a published contract (docs/cli.md). */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  authentication: 3,
  app: 4,
  policy: 5,
  noMatch: 6,
  differences: 7,
  cancelled: 8,
  internal: 70,
} as const;

/**
 * The one registry of error codes. The first digit says where it went wrong:
 * 1 command line and configuration, 2 the app and its constructs, 3 sources and packages,
 * 4 archives, packing and scripts, 5 stacking, 6 layouts and registries, 7 the local store, 9 a fault of cdk-stack itself.
 */
export const ERROR_CODES = {
  STACK1001: { title: 'The command line has an unknown command, option or value.', exit: EXIT.usage },
  STACK1002: { title: 'cdk-stack.json is missing or cannot be read.', exit: EXIT.usage },
  STACK1003: { title: 'cdk-stack.json has an unknown property or a value of the wrong type.', exit: EXIT.usage },
  STACK1004: { title: 'The selection matches no image of the app.', exit: EXIT.noMatch },
  STACK1005: { title: 'A value in the environment is not usable.', exit: EXIT.usage },
  STACK1006: { title: 'The target of a deploy cannot be understood.', exit: EXIT.usage },
  STACK1007: { title: 'The synthesized output directory cannot be used.', exit: EXIT.usage },
  STACK1008: { title: 'The work was cancelled before it was done.', exit: EXIT.cancelled },
  STACK1009: { title: 'The outputs file cannot be written.', exit: EXIT.failed },
  STACK1010: { title: 'What would be published was not approved.', exit: EXIT.cancelled },
  STACK1011: { title: 'The process ended before the command was done.', exit: EXIT.app },
  STACK1012: { title: 'The result of a command cannot be written to standard output.', exit: EXIT.failed },

  STACK2001: { title: 'The app failed before it finished synthesizing.', exit: EXIT.app },
  STACK2002: { title: 'The app creates no image.', exit: EXIT.app },
  STACK2003: { title: 'Two images have the same name.', exit: EXIT.app },
  STACK2004: { title: 'An image name is not one a registry accepts.', exit: EXIT.app },
  STACK2005: { title: 'Images depend on each other in a circle.', exit: EXIT.app },
  STACK2006: { title: 'A construct got a property it cannot use.', exit: EXIT.app },
  STACK2007: { title: 'An import names a file or directory that does not exist.', exit: EXIT.app },
  STACK2008: { title: "An import's destination is not an absolute path inside the image.", exit: EXIT.app },
  STACK2009: { title: 'A tag is not one a registry accepts.', exit: EXIT.app },
  STACK2010: { title: 'An image uses another one that is not part of the app.', exit: EXIT.app },
  STACK2011: { title: 'The app did not synthesize anything.', exit: EXIT.app },
  STACK2012: { title: 'A construct id is not usable.', exit: EXIT.app },
  STACK2013: { title: 'A validation added by the app failed.', exit: EXIT.app },
  STACK2014: { title: 'A construct was created after the app had been synthesized.', exit: EXIT.app },
  STACK2015: { title: 'More than one app wants to be synthesized by the command.', exit: EXIT.app },
  STACK2016: { title: 'The construct library refuses what the app does.', exit: EXIT.app },
  STACK2017: { title: 'A value of the context is missing, or not of the type the app needs.', exit: EXIT.app },

  STACK3001: { title: 'A source does not have the expected sha256.', exit: EXIT.failed },
  STACK3002: { title: 'A source changed while it was being read.', exit: EXIT.failed },
  STACK3003: { title: 'A source cannot be read.', exit: EXIT.failed },
  STACK3004: { title: 'A path does not exist in the image it is taken from.', exit: EXIT.failed },
  STACK3005: { title: 'An import would replace a directory by a file or the reverse.', exit: EXIT.failed },
  STACK3010: { title: 'A Debian package or suite is unknown.', exit: EXIT.failed },
  STACK3011: { title: "Debian's package sources cannot be reached or verified.", exit: EXIT.failed },
  STACK3012: { title: 'A locked version of a Debian package is no longer offered.', exit: EXIT.failed },
  STACK3013: { title: 'A tool this work needs is not installed.', exit: EXIT.failed },
  STACK3014: { title: 'Debian packages contradict each other or cannot be resolved.', exit: EXIT.failed },
  STACK3020: { title: 'The lock file cannot be used.', exit: EXIT.failed },
  STACK3021: { title: 'The lock file lacks an entry, and --frozen forbids to add one.', exit: EXIT.failed },
  STACK3022: { title: 'A URL is used without a sha256, and --require-hash forbids it.', exit: EXIT.policy },

  STACK4001: { title: 'An archive is corrupt or truncated.', exit: EXIT.failed },
  STACK4002: { title: 'An archive holds a path that leads out of its root.', exit: EXIT.failed },
  STACK4003: { title: 'An archive exceeds a safety limit.', exit: EXIT.failed },
  STACK4004: { title: 'A file cannot be represented in the chosen layer format.', exit: EXIT.failed },
  STACK4005: { title: 'This compression is not available here.', exit: EXIT.failed },
  STACK4006: { title: 'An archive has two entries for one path.', exit: EXIT.failed },

  STACK4010: { title: 'A sandbox cannot be made here.', exit: EXIT.failed },
  STACK4011: { title: 'A run script cannot be started in its base.', exit: EXIT.failed },

  STACK4020: { title: 'The script of a layer failed.', exit: EXIT.failed },

  STACK5001: { title: 'Images for different platforms cannot be stacked.', exit: EXIT.failed },
  STACK5002: { title: 'Images of different layer media families cannot be stacked.', exit: EXIT.failed },
  STACK5003: { title: 'The components order the same layers in contradicting ways.', exit: EXIT.failed },
  STACK5004: { title: 'The combined configuration would be ambiguous.', exit: EXIT.failed },
  STACK5005: { title: 'An image has more layers than runtimes can mount.', exit: EXIT.failed },
  STACK5006: { title: 'An image has the same filesystem image twice, which cannot be mounted.', exit: EXIT.failed },
  STACK5007: { title: 'Components give one filesystem image different verity annotations.', exit: EXIT.failed },

  STACK5010: { title: 'Two components have different content at one path.', exit: EXIT.failed },
  STACK5011: { title: 'Two components give a file different owners, modes or attributes.', exit: EXIT.failed },
  STACK5012: { title: 'Two components give a directory different owners, modes or attributes.', exit: EXIT.failed },
  STACK5013: { title: 'Two components have different types of files at one path.', exit: EXIT.failed },
  STACK5014: {
    title: 'A component has files in a directory that it does not describe, and that is a link in another one.',
    exit: EXIT.failed,
  },
  STACK5015: {
    title: 'A file with setuid, setgid or capabilities, or a device, meets a file of another component.',
    exit: EXIT.failed,
  },
  STACK5016: { title: "A file replaces another component's directory, which is not empty.", exit: EXIT.failed },
  STACK5017: { title: 'Names of two components differ only in case or in the form of Unicode.', exit: EXIT.failed },
  STACK5018: { title: 'One component removes a file of the base that another one changes.', exit: EXIT.failed },
  STACK5019: { title: "A component's whiteout hides files of another component.", exit: EXIT.failed },
  STACK5020: {
    title: 'A whiteout or opaque mark that hides nothing of its own base hides files of another component.',
    exit: EXIT.failed,
  },

  STACK5021: { title: 'Components have different versions of one package.', exit: EXIT.failed },
  STACK5022: { title: 'The packages of the components do not satisfy each other.', exit: EXIT.failed },
  STACK5023: { title: 'A file is too large to be merged.', exit: EXIT.failed },
  STACK5024: { title: 'Components give one id or one name to different users or groups.', exit: EXIT.failed },
  STACK5025: { title: 'Components change the same thing in different ways.', exit: EXIT.failed },
  STACK5026: { title: 'A file has a form that cannot be merged.', exit: EXIT.failed },
  STACK5027: { title: "A component's package database is not in order.", exit: EXIT.failed },
  STACK5028: { title: 'A combination would need a glue layer, which is forbidden.', exit: EXIT.failed },
  STACK5029: { title: 'A merger of the app cannot be used.', exit: EXIT.app },

  STACK5030: { title: 'An image has no usable record of the components it combines.', exit: EXIT.failed },
  STACK5031: { title: 'A combination has no such component.', exit: EXIT.failed },
  STACK5032: { title: 'An image does not stand on the base that it would need to.', exit: EXIT.failed },
  STACK5033: { title: 'An exchange would remove packages, or bring earlier versions.', exit: EXIT.failed },
  STACK5034: { title: 'Components are whole systems that share no base.', exit: EXIT.failed },
  STACK5035: {
    title: 'One component changes a link of the base that another one has files behind.',
    exit: EXIT.failed,
  },
  STACK5036: { title: 'One component lets more into a file of the base.', exit: EXIT.failed },
  STACK5037: { title: 'One component replaces the loader or the C library of the others.', exit: EXIT.failed },
  STACK5038: { title: 'A combined image would start as a user that it does not have.', exit: EXIT.failed },
  STACK5039: { title: 'A diversion of one component meets a package of another one.', exit: EXIT.failed },

  STACK6001: { title: 'A directory is not an OCI layout, or a broken one.', exit: EXIT.failed },
  STACK6002: { title: 'An image is not in the OCI layout.', exit: EXIT.failed },
  STACK6003: { title: 'The OCI layout cannot be written.', exit: EXIT.failed },
  STACK6004: { title: 'A blob does not have the digest or size its descriptor says.', exit: EXIT.failed },
  STACK6005: { title: 'A manifest, index or config is not valid.', exit: EXIT.failed },
  STACK6006: { title: 'Another process keeps the OCI layout locked.', exit: EXIT.failed },
  STACK6101: { title: 'A reference to an image in a registry is not valid.', exit: EXIT.usage },
  STACK6102: { title: 'A registry cannot be reached.', exit: EXIT.failed },
  STACK6103: { title: "A registry's certificate is not trusted.", exit: EXIT.failed },
  STACK6104: { title: 'A registry does not accept the credentials, or wants some.', exit: EXIT.authentication },
  STACK6105: { title: 'The credentials for a registry cannot be read.', exit: EXIT.authentication },
  STACK6106: { title: 'A registry denies access.', exit: EXIT.authentication },
  STACK6107: { title: 'An image is not in the registry.', exit: EXIT.failed },
  STACK6108: { title: 'An image in a registry is not there for the platform.', exit: EXIT.failed },
  STACK6109: {
    title: 'A registry sent content that does not have the digest or size it should have.',
    exit: EXIT.failed,
  },
  STACK6110: { title: 'A registry sent an answer that cannot be used.', exit: EXIT.failed },
  STACK6111: { title: 'A registry sent us to an address that is refused.', exit: EXIT.failed },
  STACK6112: { title: 'A registry kept failing.', exit: EXIT.failed },
  STACK6113: { title: 'A registry refuses a request.', exit: EXIT.failed },
  STACK6114: { title: 'A tag cannot be moved to another image.', exit: EXIT.failed },
  STACK6115: { title: 'Somebody else moved a tag while images were published.', exit: EXIT.failed },

  STACK7001: { title: 'The local store cannot be used.', exit: EXIT.failed },
  STACK7002: { title: 'There is no space left on the device.', exit: EXIT.failed },
  STACK7003: { title: 'Another process uses the local store.', exit: EXIT.failed },
  STACK7004: { title: 'A blob of the local store is damaged.', exit: EXIT.failed },

  STACK9001: { title: 'cdk-stack itself is at fault.', exit: EXIT.internal },
} as const satisfies Record<string, ErrorCodeEntry>;

/** A stable error code, such as `STACK2003`. */
export type ErrorCode = keyof typeof ERROR_CODES;
